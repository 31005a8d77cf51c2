"""A foreign tool's migrations: run by the tool for real, recorded, and checked to be repeatable by our own runner.

What the tool sent is a script like any other afterwards: no later stage knows who wrote it.
"""

from __future__ import annotations

import shlex
from collections.abc import Mapping
from dataclasses import replace

from kfm_ci.evidence.tool_log.server_log import LogRecorder
from kfm_ci.evidence.tool_log.transcript import RecordedStatements
from kfm_ci.migrations.model import Command, Migration, Tool
from kfm_ci.model import Finding, Hazard, Mode
from kfm_ci.sql.script import Script
from kfm_ci.stages import validate
from kfm_ci.stages.external_tool import replay_check, tool_run, unobserved_rows, workspace
from kfm_ci.stages.external_tool.record_down import DownRecording
from kfm_ci.stages.external_tool.record_up import FEW, RecordingFailed, climb
from kfm_ci.stages.external_tool.tool_run import ToolRunner
from kfm_ci.stages.external_tool.workspace import ToolWorkspace
from kfm_ci.stages.run import Run
from kfm_ci.stages.setup import history_table
from kfm_ci.stages.stage import Failed


def build_base(run: Run, tool: Tool, database: str) -> None:
    """Bring a database to the base commit's state by one run of the tool's own command on that commit's files."""
    tree, server = run.change.before, run.server
    if server is None:
        raise RuntimeError("no server yet")
    if tree is None or not run.change.base or not run.change.base.migrations:
        _build_empty(run, tool, database)
        return
    with workspace.opened(tree, tool, server, run.root, run.change.head.directory) as shop:
        _restore(shop, tool, database)
        recorder = LogRecorder(server, database)
        ended = shop.start(tool.up, database)
        if ended.code and not recorder.take():
            raise tool_run.broken(tool, ended)
    if ended.code:
        raise Failed(f"the base commit's own migrations do not apply: {tool_run.last(ended.tail)}")
    if not tool_run.history(run, database, tool):
        raise tool_run.silent(tool, ended)


def _restore(shop: ToolWorkspace, tool: Tool, database: str) -> None:
    """Let the tool make the schema that it keeps, where it keeps one and can; else all migrations of the base run."""
    if not tool.restore:
        return
    name = shop.server.create_database("tool_restored", template=database)
    if shop.start(tool.restore, name).code == 0:
        shop.server.create_database(database, template=name)
    shop.server.drop_database(name)


def _build_empty(run: Run, tool: Tool, database: str) -> None:
    """Let the tool make what it makes before any migration, such as its own tables and schema, where it can do that alone.

    Else those would count against the first migration.
    """
    server = run.server
    if server is None:
        raise RuntimeError("no server yet")
    name = server.create_database("tool_empty", template=database)
    with workspace.opened(run.change.tree, tool, server, run.root, run.change.head.directory) as shop:
        shop.keep_away(run.change.head.migrations)
        ended = shop.start(tool.up, name)
    if ended.code == 0:
        server.create_database(database, template=name)
    server.drop_database(name)


def record(run: Run, tool: Tool) -> None:
    """Run the new migrations by the tool, up and down, and put what they sent in the place of the command.

    What is judged on paper is what was sent; of a migration that did not run, what the tool prints for it.
    """
    server = run.server
    if server is None:
        raise RuntimeError("no server yet")
    with workspace.opened(run.change.tree, tool, server, run.root, run.change.head.directory) as shop:
        try:
            ascent = climb(run, shop)
        except RecordingFailed as refusal:
            run.put({**_scripts(run, refusal.ups, {}), **_printed(run, refusal.attempts, refusal.ups)})
            told = [item for item in validate.judged(run) if not _follows(item, refusal.finding)]
            run.findings[:] = [*dict.fromkeys([*told, *run.findings, refusal.finding])]
            raise Failed(f"{refusal.finding.migration}: {refusal.finding.message}") from refusal
        run.programs = ascent.ran
        pending = ascent.attempts.status()
        run.findings += [
            *([pending] if pending else []),
            *history_table.by_tool(run, ascent.attempts.database),
        ]
        run.findings += unobserved_rows.told(run.new, ascent.ups)
        downs = DownRecording(run=run, attempts=ascent.attempts, ran=ascent.ran).go()
        scripts = _scripts(run, ascent.ups, downs)
        replay_check.repeat(run, tuple(scripts[item.id] for item in run.new), ascent.end, tool)
    run.put(scripts)
    # what is told already is not also missing
    judged = [
        item
        for item in validate.judged(run)
        if item.hazard is not Hazard.ROLLBACK_MISSING or item.migration not in run.unrecorded
    ]
    run.findings[:] = [*dict.fromkeys([*judged, *run.findings])]
    server.drop_database(ascent.attempts.database)


def _follows(item: Finding, refusal: Finding) -> bool:
    """Whether a finding on paper says nothing more than that a migration was refused: no way back ran, and its text may not parse."""
    unread = item.rule == "statement-not-parsed" and item.migration == refusal.migration
    return item.hazard is Hazard.ROLLBACK_MISSING or unread


def _printed(run: Run, attempts: ToolRunner, ran: Mapping[str, RecordedStatements]) -> dict[str, Migration]:
    """Return the first migrations that did not run as what the tool prints for them, where it can."""
    left = [item for item in run.new if item.id not in ran]
    texts = attempts.previews(left[:FEW])
    ups = {
        name: RecordedStatements(text=text, mode=Mode.TRANSACTION, error=None, transactions=1)
        for name, text in texts.items()
        if text
    }
    return _scripts(run, ups, {})


class _Lines:
    """Counts on the lines of what was sent from the end of each file, so that no place means two things."""

    def __init__(self) -> None:
        self._next: dict[str, int] = {}

    def script(self, migration: Migration, text: str, mode: Mode) -> Script:
        file, command = migration.up.file, migration.up
        first = self._next.get(file.path, file.text.count("\n") + 2)
        self._next[file.path] = first + text.count("\n") + 1
        begins = command.line if isinstance(command, Command) else 1
        return Script(file=file, text=text, mode=mode, first_line=first, recorded=True, begins=begins)


def _scripts(
    run: Run, ups: Mapping[str, RecordedStatements], downs: Mapping[str, RecordedStatements | None]
) -> dict[str, Migration]:
    lines = _Lines()
    found = {}
    for item in run.new:
        if item.id in ups:
            up, down = ups[item.id], downs.get(item.id)
            back = item.down
            if down is not None:
                back = replace(lines.script(item, down.text, down.mode), typed=_typed(item, run.change.head.tool))
            if not up.text:
                back = None  # nothing was done, such as by a squashed migration: nothing is to be taken back
            found[item.id] = replace(item, up=lines.script(item, up.text, up.mode), down=back)
    return found


def _typed(migration: Migration, tool: Tool | None) -> str | None:
    """Return what a person types to have the tool take a migration back, on a database of their own."""
    command = migration.up
    if not isinstance(command, Command) or tool is None or not command.down:
        return None
    ours = {path.rpartition("/")[2] for path in tool.writes}
    # what runs a file that we wrote names the tool's own task after it
    place = next((number for number, word in enumerate(command.down) if word in ours), 0)
    words = command.down[:1] + command.down[place + 1 :]
    line = " ".join(
        f'"{word.replace("{url}", "$DATABASE_URL")}"' if "{url}" in word else shlex.quote(word) for word in words
    )
    return line if command.directory in {"", "."} else f"(cd {shlex.quote(command.directory)} && {line})"
