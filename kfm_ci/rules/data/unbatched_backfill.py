"""Rule ``unbatched-backfill``: backfill of an existing table in one statement."""

from __future__ import annotations

from collections.abc import Iterator

from kfm_ci.analysis.change import Change
from kfm_ci.analysis.changed_statement import ChangeStatement
from kfm_ci.analysis.object_names import written
from kfm_ci.analysis.row_changes import bounded, filtered
from kfm_ci.model import Finding, Hazard, Verdict
from kfm_ci.rule_info import RuleInfo
from kfm_ci.rules.rule import statement_finding

UNBATCHED_BACKFILL = RuleInfo(
    id="unbatched-backfill",
    hazard=Hazard.BACKFILL,
    title="Backfill of an existing table in one statement",
    why=(
        "A backfill in one statement locks all its rows until the commit and starts over when it is "
        "cancelled. Update a few thousand rows per transaction, by `limit` or by a range of keys. A condition "
        "that compares with a value counts as bounded."
    ),
    bad="update widgets set colour = 'grey' where colour is null;\n",
    good="update widgets set colour = 'grey'\n where id in (\n"
    "    select id from widgets where colour is null order by id limit 5000\n );\n",
)


class UnbatchedBackfill:
    """Finds updates and deletes whose condition does not bound the number of rows."""

    info = UNBATCHED_BACKFILL

    def check(self, change: Change) -> Iterator[Finding]:
        """Yield a finding for each unbounded update or delete of an existing table."""
        for statement in change.statements.of("UpdateStmt", "DeleteStmt"):
            relation = statement.tree.one("relation")
            if (
                not change.statements.is_existing(statement, relation)
                or not _conditional(statement)
                or bounded(statement.tree)
            ):
                continue
            if _joins_only_new(change, statement):
                continue
            name, verb = written(relation), "updates" if statement.tree.tag == "UpdateStmt" else "deletes"
            yield statement_finding(
                UNBATCHED_BACKFILL,
                statement,
                f"`{verb}` changes rows of `{name}` without a bound, in one transaction.",
                help=f"Change them in batches: `… where id in (select id from {name} where … order by id limit "
                "5000);`, repeated until no row changes.",
                verdict=Verdict.FACT,
            )


def _conditional(statement: ChangeStatement) -> bool:
    return filtered(statement.tree) or bool(statement.tree.many("using_clause"))


def _joins_only_new(change: Change, statement: ChangeStatement) -> bool:
    """Whether it is limited by a table that the change itself filled."""
    partners = [
        node
        for item in (*statement.tree.many("from_clause"), *statement.tree.many("using_clause"))
        for node in item.find("RangeVar")
    ]
    return bool(partners) and all(not change.statements.is_existing(statement, node) for node in partners)
