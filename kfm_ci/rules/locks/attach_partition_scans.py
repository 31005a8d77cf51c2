"""Rule ``attach-partition-scans``: scans a table to attach it as a partition."""

from __future__ import annotations

from collections.abc import Iterator

from kfm_ci.analysis.change import Change
from kfm_ci.analysis.changed_statement import ChangeStatement
from kfm_ci.analysis.object_names import written
from kfm_ci.model import Finding, Hazard
from kfm_ci.rule_info import RuleInfo
from kfm_ci.rules.rule import statement_finding
from kfm_ci.sql.parse_tree import Node

ATTACH_PARTITION_SCANS = RuleInfo(
    id="attach-partition-scans",
    hazard=Hazard.FULL_SCAN,
    title="Scans a table to attach it as a partition",
    why=(
        "`attach partition` scans the table under AccessExclusiveLock to check the partition bounds. "
        "Reads and writes of the table are blocked meanwhile. Add a `not valid` check that implies the bounds, "
        "validate it in the next migration, attach, and drop the check."
    ),
    bad="alter table events attach partition events_old for values from (minvalue) to ('2026-01-01');\n",
    good="create table events_2026 (like events including all);\n"
    "alter table events attach partition events_2026 for values from ('2026-01-01') to ('2027-01-01');\n",
)


class AttachPartitionScans:
    """Finds attached tables that PostgreSQL scans for lack of a check constraint."""

    info = ATTACH_PARTITION_SCANS

    def check(self, change: Change) -> Iterator[Finding]:
        """Yield a finding for each attached existing table without a validated constraint."""
        for item in change.statements.alterations("AT_AttachPartition"):
            definition = item.command.one("def")
            part = definition.one("name") if definition is not None else None
            if (
                part is None
                or not change.statements.is_existing(item.statement, part)
                or _proven(change, item.statement, part)
            ):
                continue
            yield statement_finding(
                ATTACH_PARTITION_SCANS,
                item.statement,
                (
                    f"`ATTACH PARTITION` scans `{written(part)}` under a lock, unless a check constraint "
                    "implies the bounds."
                ),
                help=f"Add `alter table {written(part)} add constraint … check (…) not valid;` with the "
                "partition's bounds. Validate it in a migration in between.",
            )


def _proven(change: Change, statement: ChangeStatement, part: Node) -> bool:
    return any(
        item.statement.ordinal < statement.ordinal and item.relation.text("relname") == part.text("relname")
        for item in change.statements.alterations("AT_ValidateConstraint")
    )
