"""Rule ``partition-created-in-place``: partition created with an exclusive lock."""

from __future__ import annotations

from collections.abc import Iterator

from kfm_ci.analysis.change import Change
from kfm_ci.analysis.object_names import written
from kfm_ci.model import Finding, Hazard, Severity
from kfm_ci.rule_info import RuleInfo
from kfm_ci.rules.rule import statement_finding

PARTITION_CREATED_IN_PLACE = RuleInfo(
    id="partition-created-in-place",
    hazard=Hazard.BLOCKS_READS,
    title="Partition created with an exclusive lock",
    why=(
        "`create table … partition of` takes AccessExclusiveLock on the parent and scans a default "
        "partition. A separately created table that is attached takes ShareUpdateExclusiveLock, which"
        " blocks neither reads nor writes of the parent. Create the table first, then attach it."
    ),
    severities=(Severity.NOTE,),
    bad="create table events_2027 partition of events for values from ('2027-01-01') to ('2028-01-01');\n",
    good="create table events_2027 (like events including all);\n"
    "alter table events attach partition events_2027 for values from ('2027-01-01') to ('2028-01-01');\n",
)


class PartitionCreatedInPlace:
    """Finds ``PARTITION OF``, which takes AccessExclusiveLock on the parent."""

    info = PARTITION_CREATED_IN_PLACE

    def check(self, change: Change) -> Iterator[Finding]:
        """Yield a note for each partition that is created in an existing parent."""
        for statement in change.statements.of("CreateStmt"):
            parents = statement.tree.many("inh_relations") if statement.tree.one("partbound") is not None else ()
            old = [written(parent) for parent in parents if change.statements.is_existing(statement, parent)]
            if old:
                name = written(statement.tree.one("relation"))
                yield statement_finding(
                    PARTITION_CREATED_IN_PLACE,
                    statement,
                    f"`CREATE TABLE … PARTITION OF` blocks reads and writes of `{old[0]}` while it creates `{name}`.",
                    help=f"Write `create table {name} (like {old[0]} including all);` and `alter table {old[0]} attach "
                    f"partition {name} for values …;`.",
                )
