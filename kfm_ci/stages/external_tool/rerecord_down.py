"""Ways back of a foreign tool that the drill accuses, recorded once more: each from the state that its own way up leaves.

A program computes what it sends from the rows that it reads. On the way down from the last migration those may be rows
that a later one wrote and never takes back; what it sends then is no way back from any state that the drill knows.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

from kfm_ci.evidence.rollback.model import DrillResult
from kfm_ci.evidence.tool_log.transcript import RecordedStatements
from kfm_ci.migrations.model import Command, Migration
from kfm_ci.model import Finding, Proof
from kfm_ci.sql import statements
from kfm_ci.sql.script import Script
from kfm_ci.stages.external_tool import workspace
from kfm_ci.stages.external_tool.record_down import MOST, failed, failure
from kfm_ci.stages.external_tool.tool_run import ToolRunner
from kfm_ci.stages.external_tool.workspace import ToolWorkspace
from kfm_ci.stages.run import Run


def accused(run: Run, results: Sequence[DrillResult]) -> list[str]:
    """Return of which migrations the way back was recorded from a state that later ones may have left otherwise, in order.

    At most MOST, those first that are said to lose rows.
    """
    tool = run.change.head.tool
    if tool is None or tool.down_printed:
        return []  # what a tool can print without running it depends on no row
    found: list[tuple[bool, str]] = []
    clean = True
    for result in reversed(results):
        migration = run.change.head.get(result.migration_id)
        refused = [item.rule for item in result.findings if item.refuses]
        recorded = migration is not None and migration.down is not None and migration.down.recorded
        if refused and recorded and not clean:
            found.append(("rollback-data-lost" not in refused, result.migration_id))
        # what a proven way back leaves behind is told as its price
        clean = clean and (_restores(result) or (migration is not None and _idle(migration)))
    chosen = {name for _, name in sorted(found, key=lambda item: item[0])[:MOST]}
    return [result.migration_id for result in results if result.migration_id in chosen]


def record(run: Run, names: Sequence[str]) -> dict[str, Finding | None]:
    """Let the tool climb to each of the migrations and take it back on a copy, and put what it sends in the place of what it sent.

    Returned are those of which it sends something else from there, with why when that fails.
    """
    tool, server = run.change.head.tool, run.server
    if tool is None or server is None or not names:
        return {}
    told: dict[str, Finding | None] = {}
    with workspace.opened(run.change.tree, tool, server, run.root, run.change.head.directory) as shop:
        attempts = ToolRunner.on(run, shop, "afresh")
        for standing in _legs(run.programs, names):
            if not _climb(attempts, standing, run.programs):
                break
            sent = _take_back(run, shop, attempts.database, standing[-1])
            if isinstance(sent, Finding):
                told[standing[-1].id] = sent
            elif sent is not None and _put(run, standing[-1].id, sent):
                told[standing[-1].id] = None
        server.drop_database(attempts.database)
    return told


def _restores(result: DrillResult) -> bool:
    return result.evidence.proof is Proof.PROVEN and not result.evidence.price


def _idle(migration: Migration) -> bool:
    return isinstance(migration.up, Script) and not statements.of(migration.up)


def _legs(order: Sequence[Migration], names: Sequence[str]) -> list[tuple[Migration, ...]]:
    """Return the migrations from one named to the next, the named one last."""
    legs: list[tuple[Migration, ...]] = []
    leg: list[Migration] = []
    for item in order:
        leg.append(item)
        if item.id in names:
            legs.append(tuple(leg))
            leg = []
    return legs


def _climb(attempts: ToolRunner, standing: tuple[Migration, ...], order: Sequence[Migration]) -> bool:
    """Run the next migrations and no later one."""
    shop = attempts.shop
    counted = any("{count}" in part for part in shop.tool.up_one)
    above = order[order.index(standing[-1]) + 1 :]
    if not counted:
        shop.keep_away(above)
        shop.bring(standing)
    return not isinstance(attempts.up(standing, shop.tool.up_one if counted else ()), Finding)


def _take_back(run: Run, shop: ToolWorkspace, origin: str, migration: Migration) -> RecordedStatements | Finding | None:
    """Take a migration back on a copy; return what that sent, or why it fails; None where the migration itself declines."""
    command = migration.up
    if not isinstance(command, Command):
        return None
    attempts = ToolRunner.on(run, shop, "afresh_back", template=origin)
    cut, ended = attempts.down(command.down or command.back, (migration,))
    shop.server.drop_database(attempts.database)
    sent = cut.steps.get(migration.id)
    if ended.code == 0 and sent is not None:
        return sent
    why = failed(migration, cut.whole.error, ended)
    return failure(migration, why, ended) if why is not None else None


def _put(run: Run, name: str, sent: RecordedStatements) -> bool:
    """Let what was sent now be the migration's way back, on lines that nothing else has; False when it is the same as before."""
    migration = next(item for item in run.new if item.id == name)
    down = migration.down
    if down is None or down.text == sent.text:
        return False
    scripts = [script for item in run.new for script in (item.up, item.down) if isinstance(script, Script)]
    last = max(one.first_line + one.text.count("\n") for one in scripts if one.file.path == down.file.path)
    run.put({name: replace(migration, down=replace(down, text=sent.text, mode=sent.mode, first_line=last + 1))})
    return True
