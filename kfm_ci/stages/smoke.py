"""Stage ``smoke``: SQL assertions and the application's own command, on the changed schema."""

from __future__ import annotations

from dataclasses import replace
from pathlib import PurePosixPath

from kfm_ci.evidence.model import SmokeEvidence
from kfm_ci.migrations.files import Unreadable
from kfm_ci.model import Finding, Hazard, Place, Severity
from kfm_ci.stages import assertions
from kfm_ci.stages.base import Failed, Run, Skip
from kfm_ci.stages.coexistence import coexist

COMMAND = "command"
"""Name of the application's own smoke test."""


class Smoke:
    """Asks whether what must work still works."""

    name = "smoke"

    def run(self, run: Run) -> str | None:
        """Run every assertion on a clone; fails when one does. What the running release would meet are findings."""
        run.findings += coexist(run)
        if not run.smoke_files and not run.config.smoke.command:
            raise Skip("no smoke tests are configured: [smoke] sql or command")
        if run.server is None or run.database is None or run.status("apply") != "passed":
            raise Skip("the new migrations were not applied")
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
        if run.config.smoke.command:
            said.append((COMMAND, assertions.command_failure(run, database, run.config.smoke.command)))
        return [SmokeEvidence(name=name, passed=message is None, message=message) for name, message in said]

    def _file(self, run: Run, database: str, path: str) -> str | None:
        try:
            text = run.change.tree.read(path).decode("utf-8")
        except (Unreadable, UnicodeDecodeError) as error:
            return f"cannot be read: {error}"
        return assertions.failure(run, database, path, text)


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
