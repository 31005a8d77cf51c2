"""Rule ``table-truncated``: deletes all rows of a table with TRUNCATE."""

from __future__ import annotations

from collections.abc import Iterator

from kfm_ci.analysis.change import Change
from kfm_ci.analysis.object_names import written
from kfm_ci.model import Finding, Hazard
from kfm_ci.rule_info import RuleInfo, ServerExample
from kfm_ci.rules.rule import statement_finding

TABLE_TRUNCATED = RuleInfo(
    id="table-truncated",
    hazard=Hazard.DATA_LOSS,
    title="Deletes all rows of a table with TRUNCATE",
    why=(
        "`truncate` removes every row, with `cascade` also of all tables that reference it, and "
        "blocks reads and writes. No down migration restores the rows. Delete rows by a condition, in"
        " batches."
    ),
    bad="truncate widgets cascade;\n",
    good="delete from widgets where id in (17, 18);\n",
    server_example=ServerExample(
        base="create table widgets (id bigint primary key, name text, price integer);",
        bad="truncate widgets;\n-- down:\nselect 1;",
        good="alter table widgets add column title text;\n-- down:\nalter table widgets drop column title;",
    ),
)


class TableTruncated:
    """Finds ``TRUNCATE`` of existing tables."""

    info = TABLE_TRUNCATED

    def check(self, change: Change) -> Iterator[Finding]:
        """Yield a finding for each statement that truncates existing tables."""
        for statement in change.statements.of("TruncateStmt"):
            old = [
                written(item)
                for item in statement.tree.many("relations")
                if change.statements.is_existing(statement, item)
            ]
            also = (
                ", and of every table that references it" if statement.tree.choice("behavior") == "DROP_CASCADE" else ""
            )
            if old:
                yield statement_finding(
                    TABLE_TRUNCATED,
                    statement,
                    f"`TRUNCATE` removes every row of {', '.join(f'`{name}`' for name in old)}{also}.",
                    help=f"Delete rows by a condition, in batches: `delete from {old[0]} where …;`.",
                )
