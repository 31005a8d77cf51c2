"""An acknowledgement that silences nothing is told."""

from __future__ import annotations

from collections.abc import Iterator

from kfm_ci.analysis.change import Change
from kfm_ci.model import Finding, Hazard, Severity
from kfm_ci.rule_info import RuleInfo

UNUSED_ACKNOWLEDGEMENT = RuleInfo(
    id="unused-acknowledgement",
    hazard=Hazard.HEADER,
    title="Every acknowledgement silences something",
    why="An acknowledgement covers one hazard in the one statement below it. One that covers nothing was meant for "
    "another statement, or the hazard is gone; either way its reason misleads reviewers. What is wrong with the "
    "change as a whole, such as its order or its header, cannot be acknowledged.",
    severities=(Severity.WARNING,),
    bad='-- kfm:allow blocks-writes reason="table has 40 rows"\nselect 1;\n',
    good='-- kfm:allow blocks-writes reason="table has 40 rows"\ncreate index widgets_name_idx on widgets (name);\n',
)


class UnusedAcknowledgement:
    """Known only when every finding is: ``policy.apply`` tells it, as a warning."""

    info = UNUSED_ACKNOWLEDGEMENT

    def check(self, change: Change) -> Iterator[Finding]:
        """Yield nothing from the files alone."""
        return iter(())
