"""Rule ``index-not-concurrent``: blocks writes while an index is built."""

from __future__ import annotations

from collections.abc import Iterator

from kfm_ci.analysis.change import Change
from kfm_ci.analysis.object_names import written
from kfm_ci.analysis.partitions import has_partitions, index
from kfm_ci.model import Finding, Hazard
from kfm_ci.rule_info import RuleInfo
from kfm_ci.rules.rule import statement_finding
from kfm_ci.sql import deparse

INDEX_NOT_CONCURRENT = RuleInfo(
    id="index-not-concurrent",
    hazard=Hazard.BLOCKS_WRITES,
    title="Blocks writes while an index is built",
    why=(
        "`create index` holds ShareLock: no row of the table can be written until the index is "
        "complete. Every writer of the table waits. Use `create index concurrently`, which scans the "
        "table twice but blocks no writes."
    ),
    bad="create index widgets_name_idx on widgets (name);\n",
    good="create index concurrently widgets_name_idx on widgets (name);\n",
)


class IndexNotConcurrent:
    """Finds ``CREATE INDEX`` without ``CONCURRENTLY``."""

    info = INDEX_NOT_CONCURRENT

    def check(self, change: Change) -> Iterator[Finding]:
        """Yield a finding for each index build on an existing table that blocks writes."""
        for statement in change.statements.of("IndexStmt"):
            tree, relation = statement.tree, statement.tree.one("relation")
            # ON ONLY the parent of partitions: no rows are scanned
            if tree.flag("concurrent") or not change.statements.is_existing(statement, relation):
                continue
            if relation is not None and not relation.flag("inh"):
                continue
            alone = f"Write `{deparse.concurrently(tree)};` {statement.migration.how_to_disable_transaction}."
            parts = relation is not None and has_partitions(relation, change.base.migrations if change.base else ())
            yield statement_finding(
                INDEX_NOT_CONCURRENT,
                statement,
                f"`CREATE INDEX` blocks writes to `{written(relation)}` until it completes.",
                help=index(tree, outside=statement.migration.how_to_disable_transaction) if parts else alone,
            )
