"""Rule ``dynamic-sql``: SQL built at run time."""

from __future__ import annotations

from collections.abc import Iterator

from kfm_ci.analysis.change import Change
from kfm_ci.analysis.excerpt import shown
from kfm_ci.model import Finding, Hazard, Verdict
from kfm_ci.rule_info import RuleInfo
from kfm_ci.rules.rule import migration_finding

DYNAMIC_SQL = RuleInfo(
    id="dynamic-sql",
    hazard=Hazard.UNANALYSABLE,
    title="SQL built at run time",
    why=(
        "Statements in a `do` block are checked like any others. SQL that `execute` builds, and blocks in "
        "other languages, are known only at run time, when the gate observes them. Write static SQL where "
        "possible."
    ),
    bad="do $$\ndeclare name text;\nbegin\n  for name in select tablename from pg_tables where schemaname = "
    "'shop' loop\n    execute format('alter table shop.%I add column noted_at timestamptz', name);\n"
    "  end loop;\nend $$;\n",
    good="alter table shop.orders add column noted_at timestamptz;\n",
)


class DynamicSql:
    """Lists SQL that is built at run time; static statements in blocks are checked as usual."""

    info = DYNAMIC_SQL

    def check(self, change: Change) -> Iterator[Finding]:
        """Yield a finding for each part of a block that was not checked."""
        for item in change.statements.unread:
            if item.kind == "dynamic":
                yield migration_finding(
                    DYNAMIC_SQL,
                    f"A block was not checked: {shown(item.reason, 140)}.",
                    place=item.place,
                    migration=item.migration,
                    help="Write one static statement for each object.",
                    verdict=Verdict.SUSPECTED,
                )
