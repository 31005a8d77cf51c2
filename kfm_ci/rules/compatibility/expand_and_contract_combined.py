"""Rule ``expand-and-contract-combined``: adds a replacement and drops the old object at once."""

from __future__ import annotations

from collections.abc import Iterator

from kfm_ci.analysis.change import Change
from kfm_ci.analysis.removed_objects import Removal, removals
from kfm_ci.analysis.replacements import Replacement, Replacements
from kfm_ci.model import Finding, Hazard, Verdict
from kfm_ci.rule_info import RuleInfo
from kfm_ci.rules.rule import statement_finding

EXPAND_AND_CONTRACT_COMBINED = RuleInfo(
    id="expand-and-contract-combined",
    hazard=Hazard.COEXISTENCE,
    title="Adds a replacement and drops the old object at once",
    why=(
        "A column or table that replaces another needs a release in between, while both exist. A pull request "
        "with both steps leaves no state in which both releases work. Split the steps; unrelated changes are "
        "not reported."
    ),
    bad="alter table widgets add column color text;\nalter table widgets drop column colour;\n",
    good="alter table widgets add column color text;\n",
)


class ExpandAndContractCombined:
    """Finds removed columns and tables whose replacement is in the same change."""

    info = EXPAND_AND_CONTRACT_COMBINED

    def check(self, change: Change) -> Iterator[Finding]:
        """Yield a finding for each removed object with a replacement."""
        # an object recreated under the same name has its own findings: data loss or a rewrite
        gone = tuple(
            item
            for item in removals(change)
            if not change.statements.is_recreated(item.statement, item.parts, *([item.column] if item.column else []))
        )
        if not gone:
            return
        successors = Replacements(change, gone)
        for removal in gone:
            successor = successors.of(removal)
            if successor is not None:
                yield self._finding(removal, successor)

    def _finding(self, removal: Removal, successor: Replacement) -> Finding:
        statement = successor.statement
        where = (
            f"line {statement.line}"
            if statement.script is removal.statement.script
            else f"{statement.migration.id}, line {statement.line},"
        )
        return statement_finding(
            EXPAND_AND_CONTRACT_COMBINED,
            removal.statement,
            f"The statement removes `{removal.shown}` while {where} adds `{successor.shown}` in its place, "
            f"without a release in between ({successor.ground}).",
            help=f"Add `{successor.shown}` now, and remove `{removal.shown}` in a later pull request, after a release "
            "without it runs. If the two are unrelated, acknowledge the finding.",
            verdict=Verdict.FACT,
        )
