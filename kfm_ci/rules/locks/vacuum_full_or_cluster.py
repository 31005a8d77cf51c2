"""Rule ``vacuum-full-or-cluster``: VACUUM FULL or CLUSTER of an existing table."""

from __future__ import annotations

from collections.abc import Iterator

from kfm_ci.analysis.change import Change
from kfm_ci.analysis.object_names import written
from kfm_ci.model import Finding, Hazard
from kfm_ci.rule_info import RuleInfo
from kfm_ci.rules.rule import statement_finding

VACUUM_FULL_OR_CLUSTER = RuleInfo(
    id="vacuum-full-or-cluster",
    hazard=Hazard.TABLE_REWRITE,
    title="VACUUM FULL or CLUSTER of an existing table",
    why=(
        "`vacuum full` and `cluster` rewrite the table and its indexes under AccessExclusiveLock. "
        "Reads and writes are blocked until the last row is copied. Use plain `vacuum`, or "
        "`pg_repack` outside of migrations."
    ),
    bad="vacuum full widgets;\n",
    good="vacuum (analyze) widgets;\n",
)


class VacuumFullOrCluster:
    """Finds ``VACUUM FULL`` and ``CLUSTER``, which rewrite the table and block reads and writes."""

    info = VACUUM_FULL_OR_CLUSTER

    def check(self, change: Change) -> Iterator[Finding]:
        """Yield a finding for each statement that rewrites existing tables."""
        for statement in change.statements.of("VacuumStmt", "ClusterStmt"):
            if statement.tree.tag == "VacuumStmt":
                if "full" not in {
                    option.text("defname") for option in statement.tree.many("options") if _on(option.one("arg"))
                }:
                    continue
                relations = [item.one("relation") for item in statement.tree.many("rels")]
                what = "vacuum full"
            else:
                relations, what = [item for item in (statement.tree.one("relation"),) if item is not None], "cluster"
            old = [written(item) for item in relations if change.statements.is_existing(statement, item)]
            if old or not relations:
                yield statement_finding(
                    VACUUM_FULL_OR_CLUSTER,
                    statement,
                    (
                        f"`{what}` rewrites {', '.join(f'`{item}`' for item in old) or 'every table'} and blocks "
                        "reads and writes."
                    ),
                    help="Use `pg_repack`, or declare `rollout: requires-maintenance-window`.",
                )


def _on(argument: object) -> bool:
    text = getattr(argument, "text", None)
    return text is None or text("sval").lower() not in {"false", "off", "0"}
