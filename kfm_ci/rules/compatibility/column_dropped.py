"""Rule ``column-dropped``: drops a column and its data."""

from __future__ import annotations

from collections.abc import Iterator

from kfm_ci.analysis.change import Change
from kfm_ci.analysis.removed_objects import dropped_columns
from kfm_ci.model import Finding, Hazard
from kfm_ci.rule_info import RuleInfo, ServerExample
from kfm_ci.rules.rule import statement_finding

COLUMN_DROPPED = RuleInfo(
    id="column-dropped",
    hazard=Hazard.DATA_LOSS,
    title="Drops a column and its data",
    why=(
        "No down migration restores the values, and the running release names the column in its "
        "queries. First release an application that no longer uses the column. Then drop it in its "
        "own migration with `phase: contract`."
    ),
    bad="alter table widgets drop column colour;\n",
    good="alter table widgets add column shade text;\n",
    server_example=ServerExample(
        base="create table widgets (id bigint primary key, name text, price integer);",
        bad="alter table widgets drop column name;\n-- down:\nalter table widgets add column name text;",
        good="alter table widgets add column title text;\n-- down:\nalter table widgets drop column title;",
    ),
)


class ColumnDropped:
    """Finds dropped columns of existing tables."""

    info = COLUMN_DROPPED

    def check(self, change: Change) -> Iterator[Finding]:
        """Yield a finding for each existing column that is dropped."""
        for item in dropped_columns(change):
            also = ", and every dependent object" if item.cascade else ""
            yield statement_finding(
                COLUMN_DROPPED,
                item.statement,
                f"The statement drops column `{item.shown}` and its data{also}.",
                help=f"Release an application that no longer uses `{item.shown}` first; then drop it in a "
                "migration with `phase: contract`.",
            )
