"""Stage ``smoke``: SQL assertions and the application's own command, on the changed schema."""

from __future__ import annotations

from pathlib import PurePosixPath

from kfm_ci.evidence.model import SmokeEvidence
from kfm_ci.migrations.files import Unreadable
from kfm_ci.model import Finding, Hazard, Place, Severity
from kfm_ci.stages import assertions
from kfm_ci.stages.base import Failed, Run, Skip
from kfm_ci.stages.coexistence import coexist


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
        name = run.server.create_database("smoke", template=run.database)
        for path in run.smoke_files:
            message = self._file(run, name, path)
            run.smoke.append(SmokeEvidence(name=path, passed=message is None, message=message))
            if message:
                run.findings.append(_finding(path, message))
        if run.config.smoke.command:
            message = assertions.command_failure(run, name, run.config.smoke.command)
            run.smoke.append(SmokeEvidence(name="command", passed=message is None, message=message))
            if message:
                run.findings.append(_finding(None, message))
        failed = [item for item in run.smoke if not item.passed]
        if failed:
            raise Failed(f"{len(failed)} of {len(run.smoke)} failed")
        return f"{len(run.smoke)} passed"

    def _file(self, run: Run, database: str, path: str) -> str | None:
        try:
            text = run.change.tree.read(path).decode("utf-8")
        except (Unreadable, UnicodeDecodeError) as error:
            return f"cannot be read: {error}"
        return assertions.failure(run, database, path, text)


def matching(paths: tuple[str, ...], globs: tuple[str, ...]) -> tuple[str, ...]:
    """Return the paths that one of the globs names, sorted."""
    return tuple(sorted(path for path in paths if any(PurePosixPath(path).match(glob) for glob in globs)))


def _finding(path: str | None, message: str) -> Finding:
    return Finding(rule="smoke-failed", hazard=Hazard.SMOKE, severity=Severity.ERROR, message=message,
                   help="mend the migration or the assertion", place=Place(file=path, line=1 if path else None))  # fmt: skip
