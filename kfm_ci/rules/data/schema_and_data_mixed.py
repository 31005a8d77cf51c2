"""A schema change and a data change do not share a transaction."""

from __future__ import annotations

from collections.abc import Iterator

from kfm_ci.analysis.change import Change
from kfm_ci.analysis.changed_statement import ChangeStatement
from kfm_ci.analysis.object_names import written
from kfm_ci.analysis.row_changes import bounded
from kfm_ci.model import Finding, Hazard, Verdict
from kfm_ci.rule_info import RuleInfo
from kfm_ci.rules.rule import statement_finding

_WEAK = frozenset(
    {"AT_ValidateConstraint", "AT_SetStatistics", "AT_SetRelOptions", "AT_ResetRelOptions", "AT_ClusterOn"}
)
"""Commands whose lock lets readers and writers through."""


SCHEMA_AND_DATA_MIXED = RuleInfo(
    id="schema-and-data-mixed",
    hazard=Hazard.BACKFILL,
    title="Schema and data change in one transaction",
    why=(
        "`alter table` blocks reads and writes until the commit. Rows changed in the same transaction"
        " extend that time for every query on the table. Change the data in the next migration; "
        "changes of a few named rows and of new tables are allowed."
    ),
    bad="alter table widgets add column colour text;\nupdate widgets set colour = 'grey' where colour is null;\n",
    good="alter table widgets add column colour text;\n",
)


class SchemaAndDataMixed:
    """The lock of the schema change is held until the last row is changed."""

    info = SCHEMA_AND_DATA_MIXED

    def check(self, change: Change) -> Iterator[Finding]:
        """Yield data changes in a transaction that changes an older table's schema."""
        altered: dict[int, ChangeStatement] = {}
        for act in change.acts.of("AlterTableStmt", "RenameStmt"):
            if act.transaction is not None and change.acts.existed(act, act.tree.one("relation")) and _strong(act):
                altered.setdefault(act.transaction, act)
        for act in change.acts.of("UpdateStmt", "DeleteStmt", "InsertStmt", "MergeStmt"):
            schema = altered.get(act.transaction) if act.transaction is not None else None
            relation = act.tree.one("relation")
            if schema is None or not change.acts.existed(act, relation) or not _large(act):
                continue
            yield statement_finding(
                SCHEMA_AND_DATA_MIXED,
                act,
                f"The statement changes rows of `{written(relation)}` in the transaction in which line {schema.line} alters "
                f"`{written(schema.tree.one('relation'))}`: both stay locked until the commit.",
                help=f"Move it to the next migration, so that line {schema.line} is committed first.",
                verdict=Verdict.FACT,
            )


def _strong(act: ChangeStatement) -> bool:
    return not act.tree.many("cmds") or any(command.choice("subtype") not in _WEAK for command in act.tree.many("cmds"))


def _large(act: ChangeStatement) -> bool:
    """Whether the number of rows may grow with the table."""
    if act.tree.tag == "InsertStmt":
        query = act.tree.one("select_stmt")
        return query is not None and bool(query.many("from_clause")) and not bounded(query)
    return not bounded(act.tree)
