"""Rule ``schema-and-data-mixed``: schema and data change in one transaction."""

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
    """Finds data changes that extend the lock of a schema change."""

    info = SCHEMA_AND_DATA_MIXED

    def check(self, change: Change) -> Iterator[Finding]:
        """Yield a finding for each data change in a transaction that alters an existing table."""
        altered: dict[int, ChangeStatement] = {}
        for statement in change.statements.of("AlterTableStmt", "RenameStmt"):
            if (
                statement.transaction is not None
                and change.statements.is_existing(statement, statement.tree.one("relation"))
                and _strong(statement)
            ):
                altered.setdefault(statement.transaction, statement)
        for statement in change.statements.of("UpdateStmt", "DeleteStmt", "InsertStmt", "MergeStmt"):
            schema = altered.get(statement.transaction) if statement.transaction is not None else None
            relation = statement.tree.one("relation")
            if schema is None or not change.statements.is_existing(statement, relation) or not _large(statement):
                continue
            yield statement_finding(
                SCHEMA_AND_DATA_MIXED,
                statement,
                f"The statement changes rows of `{written(relation)}` in the transaction in which line "
                f"{schema.line} alters `{written(schema.tree.one('relation'))}`: both stay locked until the commit.",
                help=f"Move it to the next migration, so that line {schema.line} is committed first.",
                verdict=Verdict.FACT,
            )


def _strong(statement: ChangeStatement) -> bool:
    return not statement.tree.many("cmds") or any(
        command.choice("subtype") not in _WEAK for command in statement.tree.many("cmds")
    )


def _large(statement: ChangeStatement) -> bool:
    """Whether the number of rows may grow with the table."""
    if statement.tree.tag == "InsertStmt":
        query = statement.tree.one("select_stmt")
        return query is not None and bool(query.many("from_clause")) and not bounded(query)
    return not bounded(statement.tree)
