"""Rule ``unused-acknowledgement``: acknowledgement that suppresses nothing."""

from __future__ import annotations

from collections.abc import Iterator

from kfm_ci.analysis.change import Change
from kfm_ci.model import Finding, Hazard, Severity
from kfm_ci.rule_info import RuleInfo

UNUSED_ACKNOWLEDGEMENT = RuleInfo(
    id="unused-acknowledgement",
    hazard=Hazard.HEADER,
    title="Acknowledgement that suppresses nothing",
    why=(
        "An acknowledgement covers one hazard of the statement below it. An unused one is on the "
        "wrong statement or outdated, and its reason misleads reviewers. Findings on the whole "
        "change, such as its order or header, cannot be acknowledged."
    ),
    severities=(Severity.WARNING,),
    bad='-- kfm:allow blocks-writes reason="table has 40 rows"\nselect 1;\n',
    good='-- kfm:allow blocks-writes reason="table has 40 rows"\ncreate index widgets_name_idx on widgets (name);\n',
)


class UnusedAcknowledgement:
    """Has no static check: ``assess.policy`` reports unused acknowledgements when all findings are known."""

    info = UNUSED_ACKNOWLEDGEMENT

    def check(self, change: Change) -> Iterator[Finding]:
        """Yield nothing."""
        return iter(())
