"""Stage ``smoke``: SQL assertions and the application's own command, on the changed schema."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from pathlib import Path, PurePosixPath

from kfm_ci.evidence.model import SmokeEvidence
from kfm_ci.migrations.files import Unreadable
from kfm_ci.migrations.formats import process
from kfm_ci.model import Finding, Hazard, Place, Severity
from kfm_ci.postgres import assertions
from kfm_ci.postgres.session import LOST, gone
from kfm_ci.stages import verification
from kfm_ci.stages.base import Failed, Run, Skip

COMMAND = "command"
"""Name of the application's own smoke test."""


class Smoke:
    """Asks whether what must work still works."""

    name = "smoke"

    def __init__(self, running_release: Callable[[Run], list[Finding]]) -> None:
        """``running_release`` looks at what the release that runs now would meet on the changed schema."""
        self._running_release = running_release

    def run(self, run: Run) -> str | None:
        """Run every assertion on a clone; fails when one does. What the running release would meet are findings."""
        run.findings += self._running_release(run)
        if not run.smoke_files and not run.config.smoke.command and not any(item.verify for item in run.new):
            raise Skip("no smoke tests are configured: [smoke] sql or command")
        if run.server is None or run.database is None or run.status("apply") != "passed":
            raise Skip("the new migrations were not applied")
        run.findings += verification.unread(run.new)
        run.smoke += self._ask(run, run.server.create_database("smoke", template=run.database))
        if run.unseeded and run.origin != run.base_database and not all(item.passed for item in run.smoke):
            bare = self._ask(run, run.server.create_database("smoke_unseeded", template=run.unseeded))
            run.smoke[:] = [_lenient(run, item, without) for item, without in zip(run.smoke, bare, strict=True)]
        failed = [item for item in run.smoke if not item.passed]
        run.findings += [_finding(item, Severity.ERROR, "mend the migration or the assertion") for item in failed]
        if failed:
            raise Failed(f"{len(failed)} of {len(run.smoke)} failed")
        return f"{len(run.smoke)} passed"

    def _ask(self, run: Run, database: str) -> list[SmokeEvidence]:
        """Run everything, in order, on one database."""
        said = [(path, self._file(run, database, path)) for path in run.smoke_files]
        said += verification.ask(run, database)
        if run.config.smoke.command:
            said.append((COMMAND, command_failure(run, database, run.config.smoke.command)))
        return [SmokeEvidence(name=name, passed=message is None, message=message) for name, message in said]

    def _file(self, run: Run, database: str, path: str) -> str | None:
        try:
            text = run.change.tree.read(path).decode("utf-8")
        except (Unreadable, UnicodeDecodeError) as error:
            return f"cannot be read: {error}"
        return file_failure(run, database, path, text)


def file_failure(run: Run, database: str, path: str, text: str) -> str | None:
    """Run every statement of a file on a database; return why one is not as expected, or None."""
    with run.connect(database, settings={"statement_timeout": f"{run.config.smoke.timeout}s"}) as session:
        try:
            return assertions.failure(session, path, text)
        except LOST as error:
            if run.server is None:
                raise
            raise gone(run.server, error) from error


def command_failure(run: Run, database: str, command: str) -> str | None:
    """Run a command with the database's URL and nothing else of our environment; return why it failed, or None."""
    smoke, server = run.config.smoke, run.server
    if server is None:
        return "there is no server"
    server.roles.enter(database)
    if smoke.image:
        # its library takes long to load
        from kfm_ci.postgres.engines import guest

        code, said = guest.run(server, database, image=smoke.image, command=command, timeout=smoke.timeout)
    else:
        environment = {
            "DATABASE_URL": server.url(database),
            "PATH": "/usr/local/bin:/usr/bin:/bin",
            "LC_ALL": "C.UTF-8",
        }
        ended = process.run(
            ("/bin/sh", "-c", command), directory=Path(), environment=environment, timeout=smoke.timeout
        )
        code, said = ended.code, ended.tail
    if code is None:
        return f"the command took longer than {smoke.timeout} s"
    if code:
        return f"the command ended with {code}: {' / '.join(said.splitlines()[-5:])[:500]}"
    return None


def matching(paths: tuple[str, ...], globs: tuple[str, ...]) -> tuple[str, ...]:
    """Return the paths that one of the globs names, sorted."""
    return tuple(sorted(path for path in paths if any(PurePosixPath(path).match(glob) for glob in globs)))


def _lenient(run: Run, item: SmokeEvidence, without: SmokeEvidence) -> SmokeEvidence:
    """Pass what fails on synthetic rows alone, and say so: it may ask more of rows than the schema does."""
    if item.passed or not without.passed:
        return item
    told = replace(item, passed=True, message=f"on synthetic rows: {item.message}; it passes without them")
    run.findings.append(
        _finding(told, Severity.WARNING, "see whether the migration mistakes such rows, or let the schema forbid them")
    )
    return told


def _finding(item: SmokeEvidence, severity: Severity, help: str) -> Finding:
    path = None if item.name == COMMAND else item.name
    return Finding(rule="smoke-failed", hazard=Hazard.SMOKE, severity=severity, message=item.message or "failed",
                   help=help, place=Place(file=path, line=1 if path else None))  # fmt: skip
