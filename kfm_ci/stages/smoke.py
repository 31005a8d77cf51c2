"""Stage ``smoke``: SQL assertions and the application's own command, on the changed schema."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace

from kfm_ci.evidence.model import SmokeEvidence
from kfm_ci.migrations.model import Unreadable
from kfm_ci.model import Finding, Hazard, Place, Severity
from kfm_ci.stages.run import Run
from kfm_ci.stages.smoke_checks import verify_scripts
from kfm_ci.stages.smoke_checks.execution import command_failure, file_failure
from kfm_ci.stages.stage import Failed, Skip

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
        run.findings += verify_scripts.unread(run.new)
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
        said += verify_scripts.ask(run, database)
        if run.config.smoke.command:
            said.append((COMMAND, command_failure(run, database, run.config.smoke.command)))
        return [SmokeEvidence(name=name, passed=message is None, message=message) for name, message in said]

    def _file(self, run: Run, database: str, path: str) -> str | None:
        try:
            text = run.change.tree.read(path).decode("utf-8")
        except (Unreadable, UnicodeDecodeError) as error:
            return f"cannot be read: {error}"
        return file_failure(run, database, path, text)


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
