"""Rule ``header-placeholder``: TBD or TODO left in the header."""

from __future__ import annotations

from collections.abc import Iterator

from kfm_ci.analysis.change import Change
from kfm_ci.analysis.excerpt import shown
from kfm_ci.analysis.header_keys import EXAMPLE, KNOWN, headed, key_place, placeholder
from kfm_ci.model import Finding, Hazard
from kfm_ci.rule_info import RuleInfo
from kfm_ci.rules.rule import migration_finding

HEADER_PLACEHOLDER = RuleInfo(
    id="header-placeholder",
    hazard=Hazard.HEADER,
    title="TBD or TODO left in the header",
    why=(
        "A merged header is never edited, so a value left for later stays open. Reviewers and "
        "auditors get no answer. Fill in the value before the merge."
    ),
    bad=EXAMPLE.replace("owner: payments-team", "owner: TBD"),
    good=EXAMPLE.replace("owner: payments-team", "owner: todo-list-team"),
)


class HeaderPlaceholder:
    """Finds values such as TBD and TODO."""

    info = HEADER_PLACEHOLDER

    def check(self, change: Change) -> Iterator[Finding]:
        """Yield a finding for each value that is a placeholder."""
        for migration, header in headed(change):
            for key, value in header.values.items():
                if key in KNOWN and value.strip() and placeholder(value):
                    yield migration_finding(
                        HEADER_PLACEHOLDER,
                        f"`{key}`: expected an answer, got the placeholder `{shown(value)}`.",
                        help=f"Fill in `{key}`; a merged header is never edited.",
                        place=key_place(migration, header, key),
                        migration=migration,
                    )
