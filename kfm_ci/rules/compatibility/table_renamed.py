"""Rule ``table-renamed``: renames a table that applications may use."""

from __future__ import annotations

from collections.abc import Iterator

from kfm_ci.analysis.change import Change
from kfm_ci.analysis.removed_objects import renamed
from kfm_ci.model import Finding, Hazard
from kfm_ci.rule_info import RuleInfo, ServerExample
from kfm_ci.rules.rule import statement_finding

TABLE_RENAMED = RuleInfo(
    id="table-renamed",
    hazard=Hazard.BREAKS_CLIENTS,
    title="Renames a table that applications may use",
    why=(
        "The running release fails from the moment of the rename, and the new release fails until "
        "then. Rename the table and create a view with the old name in the same transaction. Drop the"
        " view when no release uses it."
    ),
    bad="alter table widgets rename to parts;\n",
    good="create view parts as select * from widgets;\n",
    server_example=ServerExample(
        base="create table widgets (id bigint primary key, name text, price integer);",
        bad="alter table widgets rename to gadgets;\n-- down:\nalter table gadgets rename to widgets;",
        good="alter table widgets add column title text;\n-- down:\nalter table widgets drop column title;",
    ),
)


class TableRenamed:
    """Finds renamed tables and views."""

    info = TABLE_RENAMED

    def check(self, change: Change) -> Iterator[Finding]:
        """Yield a finding for each existing table or view that is renamed without a view of the old name."""
        views = {
            (statement.transaction, relation.text("relname"))
            for statement in change.statements.of("ViewStmt")
            if (relation := statement.tree.one("view")) is not None
        }
        for item in renamed(change):
            kept = item.statement.transaction is not None and (item.statement.transaction, item.table) in views
            if item.column is None and not kept:
                yield statement_finding(
                    TABLE_RENAMED,
                    item.statement,
                    f"`{item.shown}` becomes `{item.becomes}`: queries with the old name fail.",
                    help=f"Write `create view {item.shown} as select * from {item.becomes};` in the same "
                    "transaction. Drop the view when no release uses it.",
                )
