"""Stage ``validate``: every rule that needs only files and git."""

from __future__ import annotations

from kfm_ci.model import Finding, Severity, Verdict
from kfm_ci.rules import runner
from kfm_ci.rules.squawk import findings, process
from kfm_ci.stages.run import Run
from kfm_ci.stages.stage import Failed


class Validate:
    """Judges the change on paper."""

    name = "validate"

    def run(self, run: Run) -> str | None:
        """Run every rule; fails when one finds an error."""
        if run.change.head.tool is not None and run.new:
            run.findings += run.change.head.findings
            wrong = sum(item.severity is Severity.ERROR for item in run.change.head.findings)
            if wrong:
                raise Failed(f"{wrong} error{'s' if wrong > 1 else ''} on paper")
            return f"{len(run.new)} new, {len(run.change.head.migrations)} in all; judged when {run.change.head.format} has run them"
        run.findings += judged(run)
        errors = [item for item in run.findings if item.severity is Severity.ERROR]
        suspected = sum(item.verdict is Verdict.SUSPECTED for item in errors)
        decided = len(errors) - suspected
        if decided:
            raise Failed(f"{decided} error{'s' if decided > 1 else ''} on paper")
        asked = f", {suspected} for the server to decide" if suspected else ""
        return f"{len(run.new)} new, {len(run.change.head.migrations)} in all{asked}"


def judged(run: Run) -> list[Finding]:
    """Return what our rules and the adviser say; raises CannotCheck when the adviser did not come to its end."""
    found = runner.findings(run.change)
    advised = runner.advised(run.change, found, run.policy, major=run.config.database.postgres_version)
    if advised.unchecked:
        raise findings.not_checked(advised)
    if advised.asked:
        run.adviser = process.identity()
    return [*found, *advised.findings]
