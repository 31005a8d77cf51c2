"""Rule ``update-without-where``: UPDATE of a whole existing table."""

from __future__ import annotations

from collections.abc import Iterator

from kfm_ci.analysis.change import Change
from kfm_ci.analysis.object_names import written
from kfm_ci.analysis.row_changes import filtered
from kfm_ci.model import Finding, Hazard, Verdict
from kfm_ci.rule_info import RuleInfo
from kfm_ci.rules.rule import statement_finding

UPDATE_WITHOUT_WHERE = RuleInfo(
    id="update-without-where",
    hazard=Hazard.BACKFILL,
    title="UPDATE of a whole existing table",
    why=(
        "`update` without an effective `where` locks every row until the commit and can double the table's "
        "size. `where true` is no condition. Update in batches with one transaction each."
    ),
    bad="update widgets set colour = 'grey';\n",
    good="update widgets set colour = 'grey'\n where id in (\n"
    "    select id from widgets where colour is null order by id limit 5000\n );\n",
)


class UpdateWithoutWhere:
    """Finds ``UPDATE`` of all rows of an existing table."""

    info = UPDATE_WITHOUT_WHERE

    def check(self, change: Change) -> Iterator[Finding]:
        """Yield a finding for each update without an effective condition."""
        for statement in change.statements.of("UpdateStmt"):
            relation = statement.tree.one("relation")
            if change.statements.is_existing(statement, relation) and not filtered(statement.tree):
                name = written(relation)
                yield statement_finding(
                    UPDATE_WITHOUT_WHERE,
                    statement,
                    f"`UPDATE` changes every row of `{name}` in one transaction.",
                    help=f"Change them in batches: `update {name} set … where id in (select id from {name} where … "
                    "order by id limit 5000);`, repeated until no row changes.",
                    verdict=Verdict.FACT,
                )
