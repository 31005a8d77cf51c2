"""Rule ``delete-without-where``: DELETE of all rows of an existing table."""

from __future__ import annotations

from collections.abc import Iterator

from kfm_ci.analysis.change import Change
from kfm_ci.analysis.object_names import written
from kfm_ci.analysis.row_changes import filtered
from kfm_ci.model import Finding, Hazard, Verdict
from kfm_ci.rule_info import RuleInfo
from kfm_ci.rules.rule import statement_finding

DELETE_WITHOUT_WHERE = RuleInfo(
    id="delete-without-where",
    hazard=Hazard.DATA_LOSS,
    title="DELETE of all rows of an existing table",
    why=(
        "`delete` without an effective `where` empties the table, and no down migration restores the "
        "rows. `where true` is no condition. Delete by a condition, in batches."
    ),
    bad="delete from widgets where 1 = 1;\n",
    good="delete from widgets where id in (17, 18);\n",
)


class DeleteWithoutWhere:
    """Finds ``DELETE`` of all rows of an existing table."""

    info = DELETE_WITHOUT_WHERE

    def check(self, change: Change) -> Iterator[Finding]:
        """Yield a finding for each delete without an effective condition."""
        for statement in change.statements.of("DeleteStmt"):
            relation = statement.tree.one("relation")
            if (
                change.statements.is_existing(statement, relation)
                and not filtered(statement.tree)
                and not statement.tree.many("using_clause")
            ):
                name = written(relation)
                yield statement_finding(
                    DELETE_WITHOUT_WHERE,
                    statement,
                    f"`DELETE` removes every row of `{name}`.",
                    help=f"Write a condition: `delete from {name} where …;`.",
                    verdict=Verdict.FACT,
                )
