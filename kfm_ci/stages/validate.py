"""Stage ``validate``: every rule that needs only files and git."""

from __future__ import annotations

from kfm_ci.analysis.change import Change
from kfm_ci.config import Config
from kfm_ci.model import Finding, LinterIdentity, Severity, Verdict
from kfm_ci.rules import runner
from kfm_ci.rules.squawk import findings, process
from kfm_ci.stages.gate_input import GateInput
from kfm_ci.stages.results import ValidateResult
from kfm_ci.stages.stage import Failed, Results, StageOutcome, keeping


class Validate:
    """Checks the change statically."""

    name = "validate"

    def run(self, given: GateInput, done: Results) -> StageOutcome:
        """Run every static rule; fails when one finds an error.

        SQL of a tool's own migrations is not known before the tool has run them, so only their files are checked here.
        """
        head = given.change.head
        count = f"{len(given.change.new)} new, {len(head.migrations)} in all"
        if head.tool is not None and given.change.new:
            outcome = StageOutcome(result=ValidateResult(linter=None), findings=head.findings)
            _fail_on_errors(sum(item.severity is Severity.ERROR for item in head.findings), outcome)
            return StageOutcome(
                result=outcome.result,
                findings=outcome.findings,
                message=f"{count}; checked after {head.format} has run them",
            )
        found, linter = static_findings(given.change, given.config, given.policy)
        outcome = StageOutcome(result=ValidateResult(linter=linter), findings=found)
        errors = [item for item in (*done.findings, *found) if item.severity is Severity.ERROR]
        suspected = sum(item.verdict is Verdict.SUSPECTED for item in errors)
        _fail_on_errors(len(errors) - suspected, outcome)
        pending = f", {suspected} for the server to decide" if suspected else ""
        return StageOutcome(result=outcome.result, findings=found, message=f"{count}{pending}")


def _fail_on_errors(count: int, outcome: StageOutcome) -> None:
    with keeping(lambda: outcome):
        if count:
            raise Failed(f"{count} static error{'s' if count > 1 else ''}.")


def static_findings(
    change: Change, config: Config, policy: Config
) -> tuple[tuple[Finding, ...], LinterIdentity | None]:
    """Return the findings of our rules and the linter, and the linter where it was asked.

    ``policy``: the settings that decide about findings.
    Raises CannotCheck when the linter did not finish.
    """
    found = runner.findings(change)
    linted = runner.lint_change(change, found, policy, major=config.database.postgres_version)
    if linted.unchecked:
        raise findings.not_checked(linted)
    return (*found, *linted.findings), process.identity() if linted.asked else None
