"""Stage ``validate``: every rule that needs only files and git."""

from __future__ import annotations

from collections.abc import Sequence

from kfm_ci.config import Config
from kfm_ci.model import Finding, Severity, Verdict
from kfm_ci.rules import ALL, advice
from kfm_ci.rules.advice import Advice
from kfm_ci.rules.base import Change
from kfm_ci.stages.base import Failed, Run


class Validate:
    """Judges the change on paper."""

    name = "validate"

    def run(self, run: Run) -> str | None:
        """Run every rule; fails when one finds an error."""
        if run.change.head.tool is not None:
            run.findings += run.change.head.findings
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
    found = findings(run.change)
    advised = advice_on(run.change, found, run.policy, major=run.config.database.postgres_version)
    if advised.unchecked:
        raise advice.not_checked(advised)
    return [*found, *advised.findings]


def advice_on(change: Change, ours: Sequence[Finding], policy: Config, *, major: int | None) -> Advice:
    """Return the adviser's word on what is new, where the policy asks for it and our own rules have not spoken."""
    return advice.advise(change.new, change.acts, ours=ours, major=major) if policy.policy.squawk else Advice()


def findings(change: Change) -> list[Finding]:
    """Return what every rule finds in a change, each once; what reading the base told as well is left out."""
    then = change.merge_base or change.base
    known = {_told(item) for item in then.findings} if then else set()
    found = [item for item in change.head.findings if _told(item) not in known]
    for rule in ALL:
        found += rule.check(change)
    return list(dict.fromkeys(found))


def _told(item: Finding) -> tuple[str, str | None, str]:
    """Return a finding without its line, which may have moved."""
    return item.rule, item.place.file, item.message
