"""Rule ``column-renamed``: renames a column that applications may use."""

from __future__ import annotations

from collections.abc import Iterator

from kfm_ci.analysis.change import Change
from kfm_ci.analysis.object_names import quote
from kfm_ci.analysis.removed_objects import renamed
from kfm_ci.model import Finding, Hazard
from kfm_ci.rule_info import RuleInfo, ServerExample
from kfm_ci.rules.rule import statement_finding

COLUMN_RENAMED = RuleInfo(
    id="column-renamed",
    hazard=Hazard.BREAKS_CLIENTS,
    title="Renames a column that applications may use",
    why=(
        "The running release fails from the moment of the rename, and the new release fails until "
        "then. Add the new column, keep both in sync with a trigger, and switch the application over."
        " Drop the old column in a contract migration."
    ),
    bad="alter table widgets rename column colour to shade;\n",
    good="alter table widgets add column shade text;\n",
    server_example=ServerExample(
        base="create table widgets (id bigint primary key, name text, price integer);",
        bad="alter table widgets rename column name to title;\n-- down:\n"
        "alter table widgets rename column title to name;",
        good="alter table widgets add column title text;\n-- down:\nalter table widgets drop column title;",
    ),
)


class ColumnRenamed:
    """Finds renamed columns of existing tables."""

    info = COLUMN_RENAMED

    def check(self, change: Change) -> Iterator[Finding]:
        """Yield a finding for each existing column that is renamed."""
        for item in renamed(change):
            if item.column is not None:
                yield statement_finding(
                    COLUMN_RENAMED,
                    item.statement,
                    f"`{item.shown}` becomes `{item.becomes}`: queries with the old name fail.",
                    help=f"Add column `{item.becomes}`, fill it from `{quote(item.column)}` and switch the "
                    f"application over. Drop `{item.shown}` in a migration with `phase: contract`.",
                )
