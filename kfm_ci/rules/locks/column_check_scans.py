"""Rule ``column-check-scans``: scans a table to add a column with a check."""

from __future__ import annotations

from collections.abc import Iterator

from kfm_ci.analysis import added_columns
from kfm_ci.analysis.change import Change
from kfm_ci.analysis.object_names import quote
from kfm_ci.model import Finding, Hazard
from kfm_ci.rule_info import RuleInfo
from kfm_ci.rules.rule import statement_finding

COLUMN_CHECK_SCANS = RuleInfo(
    id="column-check-scans",
    hazard=Hazard.FULL_SCAN,
    title="Scans a table to add a column with a check",
    why=(
        "`add column … check (…)` scans the whole table under AccessExclusiveLock, although the new "
        "column is null in every row. Reads and writes are blocked meanwhile. Add the column first, "
        "then the check as `not valid`, and validate it in the next migration."
    ),
    bad="alter table widgets add column weight integer check (weight > 0);\n",
    good="alter table widgets add column weight integer;\n"
    "alter table widgets add constraint weight_positive check (weight > 0) not valid;\n",
)


class ColumnCheckScans:
    """Finds new columns with a check, which PostgreSQL evaluates for every row."""

    info = COLUMN_CHECK_SCANS

    def check(self, change: Change) -> Iterator[Finding]:
        """Yield a finding for each column with a check that is added to an existing table."""
        for column in added_columns.added(change):
            found = column.constraint("CONSTR_CHECK")
            if found is None:
                continue
            name = quote(found.text("conname") or f"{column.definition.text('colname')}_check")
            yield statement_finding(
                COLUMN_CHECK_SCANS,
                column.alteration.statement,
                f"The check of `{column.table}.{column.name}` scans `{column.table}` and blocks reads and writes.",
                help=f"Add `{column.name}` without it; then `alter table {column.table} add constraint {name} "
                f"check (…) not valid;` and, in the next migration, `alter table {column.table} validate "
                f"constraint {name};`.",
            )
