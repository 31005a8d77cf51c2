"""What all rules and the adviser say of a change, each thing once."""

from __future__ import annotations

from collections.abc import Sequence

from kfm_ci.analysis.change import Change
from kfm_ci.config import Config
from kfm_ci.model import Finding
from kfm_ci.rules import ALL
from kfm_ci.rules.squawk.findings import LinterResult, advise


def findings(change: Change) -> list[Finding]:
    """Return what every rule finds in a change, each once; what reading the base told as well is left out."""
    then = change.merge_base or change.base
    known = {_told(item) for item in then.findings} if then else set()
    found = [item for item in change.head.findings if _told(item) not in known]
    for rule in ALL:
        found += rule.check(change)
    return list(dict.fromkeys(found))


def advised(change: Change, ours: Sequence[Finding], policy: Config, *, major: int | None) -> LinterResult:
    """Return the adviser's word on what is new, where the policy asks for it and our own rules have not spoken."""
    return advise(change.new, change.statements, ours=ours, major=major) if policy.policy.squawk else LinterResult()


def _told(item: Finding) -> tuple[str, str | None, str]:
    """Return a finding without its line, which may have moved."""
    return item.rule, item.place.file, item.message
