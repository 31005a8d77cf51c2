"""Rule ``table-dropped``: drops a table and its data."""

from __future__ import annotations

from collections.abc import Iterator

from kfm_ci.analysis.change import Change
from kfm_ci.analysis.removed_objects import dropped_tables
from kfm_ci.model import Finding, Hazard
from kfm_ci.rule_info import RuleInfo, ServerExample
from kfm_ci.rules.rule import statement_finding

TABLE_DROPPED = RuleInfo(
    id="table-dropped",
    hazard=Hazard.DATA_LOSS,
    title="Drops a table and its data",
    why=(
        "No down migration restores the rows, and the running release may still read them. First "
        "release an application that no longer uses the table. Then drop it in its own migration with"
        " `phase: contract`."
    ),
    bad="drop table widgets;\n",
    good="create table parts (id bigint primary key);\ndrop table parts;\n",
    server_example=ServerExample(
        base="create table widgets (id bigint primary key, name text, price integer);",
        bad="drop table widgets;\n-- down:\ncreate table widgets (id bigint primary key, name text, price integer);",
        good="alter table widgets add column title text;\n-- down:\nalter table widgets drop column title;",
    ),
)


class TableDropped:
    """Finds dropped tables."""

    info = TABLE_DROPPED

    def check(self, change: Change) -> Iterator[Finding]:
        """Yield a finding for each existing table that is dropped."""
        for item in dropped_tables(change):
            also = ", and every dependent object" if item.cascade else ""
            yield statement_finding(
                TABLE_DROPPED,
                item.statement,
                f"The statement drops table `{item.shown}` and its data{also}.",
                help=f"Release an application that no longer uses `{item.shown}` first; then drop it in a "
                "migration with `phase: contract`.",
            )
