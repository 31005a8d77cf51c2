"""The workspace of an external migration tool: a copy of the files, a clean environment, the server's address."""

from __future__ import annotations

import re
import shutil
import tempfile
from collections.abc import Iterable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from kfm_ci import config
from kfm_ci.errors import CannotCheck
from kfm_ci.migrations.model import Migration, Tool, Tree, Unreadable, files_of
from kfm_ci.migrations.tools import process
from kfm_ci.migrations.tools.process import ProcessResult
from kfm_ci.postgres import backends
from kfm_ci.postgres.backends import DatabaseBusy
from kfm_ci.postgres.engines import server_address
from kfm_ci.postgres.engines.base import Server

INSTALLED = ("node_modules", ".venv", "venv", "vendor", "vendor/bundle", ".bundle", "deps")
"""Directories of installed dependencies, which no commit contains: linked into the copy."""
BUILT = ("_build",)
"""Directories of compiled programs: copied, because the tool may not write into the work tree."""
_ON_RUNNER = " In the action's container, which cannot contain it, use workflows/gate-on-runner.yml instead."
_URL_LINE = re.compile(r"^([ \t]*sqlalchemy\.url[ \t]*=[ \t]*)(\S*)(.*)$", re.MULTILINE)


@dataclass(frozen=True, slots=True, kw_only=True)
class ToolWorkspace:
    """A copy of one commit's files, in which a tool can be started."""

    root: Path
    tool: Tool
    server: Server
    directory: str = "."
    """Where the migrations are, relative to the repository's root."""

    def start(self, argv: tuple[str, ...], database: str, *, apart: bool = False, count: int = 1) -> ProcessResult:
        """Run the tool against a database; raises CannotCheck when there is no such program or it does not end.

        ``count``: about how many migrations it is asked, where its command line says that.
        """
        names = {**self._names(database), "count": str(count)}
        settings = self.tool.environment
        if settings.settings_file:
            self._point(settings.settings_file, names["url"])
        for path, text in settings.generated_files.items():
            (self.root / path).parent.mkdir(parents=True, exist_ok=True)
            (self.root / path).write_text(_filled(text, names))
        directory = self.root / settings.directory
        environment = self._environment(names)
        # a path names a program of the repository
        named = str(directory / argv[0]) if "/" in argv[0] else argv[0]
        program = shutil.which(named, path=environment["PATH"])
        if program is None:
            raise CannotCheck(
                code="KFM-C41",
                message=f"The migration tool is not installed: {argv[0]}.",
                where="[migrations.command]",
                help=f"Provide the program: {self.tool.installation.help}."
                f"{_ON_RUNNER if server_address.is_in_container() else ''}",
            )
        self.server.roles.switch_to(database)
        last: list[DatabaseBusy | None] = []
        ended = process.run(
            (program, *(_filled(part, names) for part in argv[1:])),
            directory=directory,
            environment=environment,
            timeout=settings.timeout,
            apart=apart,
            overdue=lambda: last.append(backends.open_sessions(self.server, database)),
        )
        backends.end_sessions(self.server, database)
        if ended.code is None:
            why = (
                f"took longer than {settings.timeout} s" if ended.found else f"could not be started: {ended.tail[:200]}"
            )
            raise CannotCheck(
                code="KFM-C42",
                message=f"The migration tool {why}.",
                where=" ".join(argv)[:200],
                help=_timeout_help(ended, *last),
            )
        if not backends.database_exists(self.server, database):
            raise CannotCheck(
                code="KFM-C47",
                message="The migration tool dropped the database that it was given.",
                where=" ".join(argv)[:200],
                help="Remove DROP DATABASE: migrations must not drop or recreate the database.",
            )
        return ended

    def hide_files(self, migrations: Iterable[Migration]) -> None:
        """Remove files from the copy, so that the tool does not find the migrations in them.

        The directory of a single migration is removed too, but not the directory of all migrations.
        """
        for path in (file.path for item in migrations for file in files_of(item)):
            (self.root / path).unlink(missing_ok=True)
            folder = (self.root / path).parent
            if folder not in {self.root, self.root / self.directory} and folder.is_dir() and not any(folder.iterdir()):
                folder.rmdir()

    def restore_files(self, migrations: Iterable[Migration]) -> None:
        """Put the files of migrations into the copy."""
        for file in (file for item in migrations for file in files_of(item)):
            (self.root / file.path).parent.mkdir(parents=True, exist_ok=True)
            (self.root / file.path).write_bytes(file.data)

    def _names(self, database: str) -> dict[str, str]:
        server = self.server
        host, port = server.tcp_address
        return {
            "url": server.tcp_url(database, host, port),
            "host": host,
            "port": port,
            "user": server.owner,
            "jdbc": f"jdbc:postgresql://{host}:{port}/{database}",
            "password": server.owner_password or "",
            "database": database,
            "home": config.environment().get("HOME", ""),
        }

    def _environment(self, names: Mapping[str, str]) -> dict[str, str]:
        ours, settings = config.environment(), self.tool.environment
        address = {
            "DATABASE_URL": names["url"],
            "PGHOST": names["host"],
            "PGPORT": names["port"],
            "PGUSER": names["user"],
            "PGPASSWORD": names["password"],
            "PGDATABASE": names["database"],
            "PGSSLMODE": "disable",
        }
        of_server = {
            key for key, value in settings.variables.items() if _filled(value, {**names, "home": "{home}"}) != value
        }
        # only kfm-ci names the server: a variable that is passed on may name production's
        held = address.keys() | of_server
        passed = {name: ours[name] for name in settings.pass_env if name in ours and name not in held}
        return {
            "PATH": process.places(self.root, settings.directory),
            "LC_ALL": "C.UTF-8",
            "HOME": str(self.root),
            "NO_COLOR": "1",
            "CI": "true",
            # settings are rewritten for each database, often within the second that Python's cache check can resolve
            "PYTHONDONTWRITEBYTECODE": "1",
            **address,
            **{key: _filled(value, names) for key, value in settings.variables.items()},
            **passed,
        }

    def _point(self, file: str, url: str) -> None:
        """Write the throwaway server's URL into the copy of the tool's settings; the driver stays as it is."""
        path = self.root / file
        text = path.read_text(errors="replace")

        def line(found: re.Match[str]) -> str:
            scheme = found[2].split("://", 1)[0] if found[2].startswith("postgres") else "postgresql"
            scheme = (
                scheme.replace("postgres+", "postgresql+")
                if "+" in scheme
                else scheme.replace("postgres:", "postgresql:")
            )
            return f"{found[1]}{scheme.replace('+asyncpg', '+asyncpg')}://{url.split('://', 1)[1]}"

        path.write_text(_URL_LINE.sub(line, text))


@contextmanager
def opened(tree: Tree, tool: Tool, server: Server, installed: Path, directory: str) -> Iterator[ToolWorkspace]:
    """Yield a copy of a tree's files with the installed dependencies linked in; it is removed afterwards."""
    with tempfile.TemporaryDirectory(prefix="kfm-tool-") as name:
        root = Path(name)
        for path in tree.paths("."):
            target = root / path
            try:
                data = tree.read(path)
            except Unreadable:
                continue
            target.parent.mkdir(parents=True, exist_ok=True)
            target.write_bytes(data)
            if data.startswith(b"#!"):
                target.chmod(0o755)
        for place in dict.fromkeys((".", tool.environment.directory)):
            for folder in INSTALLED:
                source, link = installed / place / folder, root / place / folder
                if source.is_dir() and not link.exists() and link.parent.is_dir():
                    link.symlink_to(source.resolve())
            for folder in BUILT:
                source, copy = installed / place / folder, root / place / folder
                if source.is_dir() and not copy.exists() and copy.parent.is_dir():
                    shutil.copytree(source, copy, symlinks=True, ignore_dangling_symlinks=True)
        yield ToolWorkspace(root=root, tool=tool, server=server, directory=directory)


def _timeout_help(ended: ProcessResult, busy: DatabaseBusy | None = None) -> str:
    if busy is not None and busy.waits:
        return (
            "Check whether the program opens two connections or transactions where one is meant: of its "
            f"{busy.count} connections one waited for a lock that another of them held, with: {busy.query[:120]}."
        )
    if busy is not None:
        return (
            f"Close the connection pool at the end of the program: it still held {busy.count} connection(s), "
            f"the last busy with: {busy.query[:120]}."
        )
    output = f" Its last output: {ended.tail.splitlines()[-1][:120]}." if ended.tail else ""
    return f"Run the command by hand on an empty database, and check whether it waits for input.{output}"


def _filled(part: str, names: Mapping[str, str]) -> str:
    for name, value in names.items():
        part = part.replace("{" + name + "}", value)
    return part
