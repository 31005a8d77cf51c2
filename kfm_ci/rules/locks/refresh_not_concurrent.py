"""Rule ``refresh-not-concurrent``: blocks reads while a view is refreshed."""

from __future__ import annotations

from collections.abc import Iterator

from kfm_ci.analysis.change import Change
from kfm_ci.analysis.object_names import written
from kfm_ci.model import Finding, Hazard
from kfm_ci.rule_info import RuleInfo
from kfm_ci.rules.rule import statement_finding

REFRESH_NOT_CONCURRENT = RuleInfo(
    id="refresh-not-concurrent",
    hazard=Hazard.BLOCKS_READS,
    title="Blocks reads while a view is refreshed",
    why=(
        "`refresh materialized view` holds AccessExclusiveLock while its query runs, so every reader "
        "waits. `concurrently` lets them read the old rows. It needs a unique index on plain columns."
    ),
    bad="refresh materialized view widget_totals;\n",
    good="refresh materialized view concurrently widget_totals;\n",
)


class RefreshNotConcurrent:
    """Finds refreshes without ``CONCURRENTLY``, which block reads."""

    info = REFRESH_NOT_CONCURRENT

    def check(self, change: Change) -> Iterator[Finding]:
        """Yield a finding for each such refresh of an existing materialized view."""
        for statement in change.statements.of("RefreshMatViewStmt"):
            relation = statement.tree.one("relation")
            if (
                statement.tree.flag("concurrent")
                or statement.tree.flag("skip_data")
                or not change.statements.is_existing(statement, relation)
            ):
                continue
            name = written(relation)
            yield statement_finding(
                REFRESH_NOT_CONCURRENT,
                statement,
                f"`REFRESH MATERIALIZED VIEW` blocks reads of `{name}` while its query runs.",
                help=f"Create a unique index on it and write `refresh materialized view concurrently {name};`.",
            )
