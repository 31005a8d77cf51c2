"""Rollbacks of an external tool that the drill reports, recorded again from the state after their own up.

A program computes its SQL from the rows that it reads. In a rollback of all migrations these may be rows that a later
migration changed and never restores; the recorded SQL then is no rollback from any state of the drill.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace

from kfm_ci.evidence.rollback.model import DrillResult
from kfm_ci.evidence.tool_log.transcript import RecordedStatements
from kfm_ci.model import Finding, Proof
from kfm_ci.rules.server.rollback import ROLLBACK_DATA_LOST
from kfm_ci.sql import statements
from kfm_ci.stages.external_tool import workspace
from kfm_ci.stages.external_tool.record_down import MOST, failure_reason, rollback_failure, run_up_to
from kfm_ci.stages.external_tool.tool_run import ToolRunner
from kfm_ci.stages.external_tool.workspace import ToolWorkspace
from kfm_ci.stages.results import Provisioned, ToolMigration


@dataclass(frozen=True, slots=True, kw_only=True)
class Rerecorded:
    """Rollbacks that were recorded again."""

    base: Provisioned
    """With the new down migrations."""
    changed: frozenset[str] = frozenset()
    """Ids of migrations whose rollback has other SQL now."""
    failures: Mapping[str, Finding] = field(default_factory=dict)
    """By migration, the finding on a rollback that fails."""


def suspects(base: Provisioned, results: Sequence[DrillResult]) -> list[str]:
    """Return the ids of migrations whose rollback may have been recorded from rows that later ones changed, in order.

    At most MOST, first those that are reported to lose rows.
    """
    tool = base.change.head.tool
    if tool is None or tool.commands.down_preview:
        return []  # SQL that a tool prints without running it depends on no row
    found: list[tuple[bool, str]] = []
    migrations = {item.id: item for item in base.new}
    is_clean = True
    for result in reversed(results):
        migration = migrations[result.migration_id]
        errors = [item.rule for item in result.findings if item.is_blocking]
        is_recorded = migration.down is not None and migration.down.recorded
        if errors and is_recorded and not is_clean:
            found.append((ROLLBACK_DATA_LOST.id not in errors, result.migration_id))
        # data loss of a proven rollback is reported as such
        is_clean = is_clean and (_restores(result) or not statements.of(migration.up))
    chosen = {name for _, name in sorted(found, key=lambda item: item[0])[:MOST]}
    return [result.migration_id for result in results if result.migration_id in chosen]


def record_again(base: Provisioned, names: Sequence[str]) -> Rerecorded:
    """Let the tool run up to each of the migrations and roll it back on a clone; that SQL replaces the recorded one."""
    tool, server = base.change.head.tool, base.server
    if tool is None or not names:
        return Rerecorded(base=base)
    changed: set[str] = set()
    failures: dict[str, Finding] = {}
    order = base.programs
    with workspace.opened(base.change.tree, tool, server, base.root, base.change.head.directory) as files:
        runner = ToolRunner.on(base, files, "rerecord")
        for wanted in _batches(order, names):
            later = order[order.index(wanted[-1]) + 1 :]
            files.restore_files(wanted)
            if isinstance(run_up_to(runner, wanted, later), Finding):
                break
            recorded = _roll_back(base, files, runner.database, wanted[-1])
            if isinstance(recorded, Finding):
                failures[wanted[-1].id] = recorded
            elif recorded is not None and (replaced := _with_down(base, wanted[-1].id, recorded)) is not None:
                base = replaced
                changed.add(wanted[-1].id)
        server.drop_database(runner.database)
    return Rerecorded(base=base, changed=frozenset(changed), failures=failures)


def _restores(result: DrillResult) -> bool:
    return result.evidence.proof is Proof.PROVEN and not result.evidence.price


def _batches(order: Sequence[ToolMigration], names: Sequence[str]) -> list[tuple[ToolMigration, ...]]:
    """Return the migrations from one named to the next, the named one last."""
    batches: list[tuple[ToolMigration, ...]] = []
    batch: list[ToolMigration] = []
    for item in order:
        batch.append(item)
        if item.id in names:
            batches.append(tuple(batch))
            batch = []
    return batches


def _roll_back(
    base: Provisioned, files: ToolWorkspace, origin: str, migration: ToolMigration
) -> RecordedStatements | Finding | None:
    """Roll a migration back on a clone; return its SQL, or the finding when it fails; None where it is irreversible."""
    command = migration.up
    runner = ToolRunner.on(base, files, "rerecord_back", template=origin)
    cut, ended = runner.down(command.down or command.down_to, (migration,))
    files.server.drop_database(runner.database)
    recorded = cut.steps.get(migration.id)
    if ended.code == 0 and recorded is not None:
        return recorded
    reason = failure_reason(migration, cut.whole.error, ended)
    return rollback_failure(migration, reason, ended) if reason is not None else None


def _with_down(base: Provisioned, name: str, recorded: RecordedStatements) -> Provisioned | None:
    """Return the migrations with another recorded down migration, on unused line numbers; None when it is the same."""
    migration = next(item for item in base.new if item.id == name)
    down = migration.down
    if down is None or down.text == recorded.text:
        return None
    scripts = [script for item in base.new for script in (item.up, item.down) if script is not None]
    last = max(one.first_line + one.text.count("\n") for one in scripts if one.file.path == down.file.path)
    script = replace(down, text=recorded.text, mode=recorded.mode, first_line=last + 1)
    return base.with_migrations({name: replace(migration, down=script)})
