"""Rule ``generated-column-added``: rewrites a table to add a generated column."""

from __future__ import annotations

from collections.abc import Iterator

from kfm_ci.analysis import added_columns
from kfm_ci.analysis.change import Change
from kfm_ci.model import Finding, Hazard
from kfm_ci.rule_info import RuleInfo
from kfm_ci.rules.rule import statement_finding

_SERIAL = frozenset({"serial", "bigserial", "smallserial", "serial2", "serial4", "serial8"})
_STORED = "s"


GENERATED_COLUMN_ADDED = RuleInfo(
    id="generated-column-added",
    hazard=Hazard.TABLE_REWRITE,
    title="Rewrites a table to add a generated column",
    why=(
        "PostgreSQL rewrites the table and its indexes to add a serial, identity or stored generated column. "
        "Reads and writes are blocked meanwhile. Add a plain column, fill it in batches, then convert it."
    ),
    bad="alter table widgets add column number bigint generated always as identity;\n",
    good="alter table widgets add column number bigint;\n",
)


class GeneratedColumnAdded:
    """Finds serial, identity and stored generated columns, which need a value in every row."""

    info = GENERATED_COLUMN_ADDED

    def check(self, change: Change) -> Iterator[Finding]:
        """Yield a finding for each such column that is added to an existing table."""
        for column in added_columns.added(change):
            generated = column.constraint("CONSTR_GENERATED")
            if column.type in _SERIAL:
                what = column.type
            elif column.constraint("CONSTR_IDENTITY") is not None:
                what = "an identity column"
            elif generated is not None and generated.text("generated_kind") in {"", _STORED}:
                what = "a stored generated column"
            else:
                continue
            yield statement_finding(
                GENERATED_COLUMN_ADDED,
                column.alteration.statement,
                f"`{column.table}.{column.name}` is {what}: PostgreSQL rewrites `{column.table}` and blocks reads and "
                "writes.",
                help=f"Write `alter table {column.table} add column {column.name} …;` with a plain column and fill "
                "it in batches. Add the default or identity afterwards.",
            )
