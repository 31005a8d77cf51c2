"""Migrations of an external tool: run by the tool, recorded, and replayed by our own runner.

Recorded SQL is a script like any other: no later stage knows which tool ran it.
"""

from __future__ import annotations

import shlex
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field, replace

from kfm_ci.analysis.change import Change
from kfm_ci.evidence.tool_log.server_log import LogRecorder
from kfm_ci.evidence.tool_log.transcript import RecordedStatements
from kfm_ci.migrations.model import Tool
from kfm_ci.model import Finding, Hazard, LinterIdentity, Mode, Proof
from kfm_ci.rules.parsing.statement_not_parsed import STATEMENT_NOT_PARSED
from kfm_ci.rules.server.external_tool import ERROR_SUPPRESSED
from kfm_ci.sql.script import Script
from kfm_ci.stages import validate
from kfm_ci.stages.external_tool import tool_run, unobserved_rows, workspace
from kfm_ci.stages.external_tool.record_down import DownRecording
from kfm_ci.stages.external_tool.record_up import FEW, RecordingFailed, record_up
from kfm_ci.stages.external_tool.replay_check import check_replay
from kfm_ci.stages.external_tool.tool_run import ToolRunner
from kfm_ci.stages.external_tool.workspace import ToolWorkspace
from kfm_ci.stages.results import (
    BaseDatabase,
    ExecutableMigration,
    ToolMigration,
    recorded,
    tool_migration,
    with_migrations,
)
from kfm_ci.stages.setup import history_table
from kfm_ci.stages.stage import Failed, StageOutcome, keeping


@dataclass(frozen=True, slots=True, kw_only=True)
class Recording:
    """The new migrations as recorded SQL."""

    change: Change
    """With the recorded SQL in place of the commands."""
    programs: tuple[ToolMigration, ...] = ()
    """The new migrations that the tool recorded in its history table, as the tool runs them."""
    unrecorded: Mapping[str, Proof] = field(default_factory=dict)
    """By migration, the proof of a rollback of which no SQL was recorded."""
    findings: tuple[Finding, ...] = ()
    linter: LinterIdentity | None = None


def build_base(base: BaseDatabase, tool: Tool, database: str) -> None:
    """Bring a database to the base commit's state by one run of the tool's own command on that commit's files."""
    tree = base.change.before
    if tree is None or not base.change.base or not base.change.base.migrations:
        _build_empty(base, tool, database)
        return
    with workspace.opened(tree, tool, base.server, base.root, base.change.head.directory) as files:
        _restore(files, tool, database)
        recorder = LogRecorder(base.server, database)
        ended = files.start(tool.commands.up, database)
        if ended.code and not recorder.read_new():
            raise tool_run.tool_failure(tool, ended)
    if ended.code:
        raise Failed(
            f"The migrations of the base commit do not apply: {tool_run.decisive_line(ended.tail).removesuffix('.')}."
        )
    if not tool_run.history(base, database, tool):
        raise tool_run.nothing_recorded(tool, ended)


def _restore(files: ToolWorkspace, tool: Tool, database: str) -> None:
    """Let the tool restore its schema dump if it has one and can; otherwise all migrations of the base run."""
    if not tool.commands.load_schema:
        return
    name = files.server.create_database("tool_restored", template=database)
    if files.start(tool.commands.load_schema, name).code == 0:
        files.server.create_database(database, template=name)
    files.server.drop_database(name)


def _build_empty(base: BaseDatabase, tool: Tool, database: str) -> None:
    """Let the tool create its own tables and schema, if it can without any migration.

    Otherwise these count as changes of the first migration.
    """
    name = base.server.create_database("tool_empty", template=database)
    with workspace.opened(base.change.tree, tool, base.server, base.root, base.change.head.directory) as files:
        files.hide_files(base.change.head.migrations)
        ended = files.start(tool.commands.up, name)
    if ended.code == 0:
        base.server.create_database(database, template=name)
    base.server.drop_database(name)


def record(base: BaseDatabase, tool: Tool, earlier: tuple[Finding, ...]) -> Recording:
    """Run the new migrations by the tool, up and down, and return the recorded SQL.

    Static rules check the recorded SQL; for a migration that did not run, the SQL that the tool prints for it.
    ``earlier``: findings that are reported already.
    """
    new = tuple(tool_migration(item) for item in base.pending)
    with workspace.opened(base.change.tree, tool, base.server, base.root, base.change.head.directory) as files:
        try:
            ups = record_up(base, files, new)
        except RecordingFailed as failure:
            raise _failed(base, tool, new, failure, earlier) from failure
        pending = ups.runner.status()
        suppressed = frozenset(item.migration for item in ups.findings if item.rule == ERROR_SUPPRESSED.id)
        downs = DownRecording(base=base, runner=ups.runner, ran=ups.ran)
        found = [
            *ups.findings,
            *([pending] if pending else []),
            *history_table.by_tool(base, new, ups.runner.database, suppressed),
            *unobserved_rows.check_rows_read(new, ups.ups),
        ]
        with keeping(lambda: StageOutcome(result=base, findings=(*found, *downs.findings))):
            scripts = _scripts(tool, new, ups.ups, downs.record())
            check_replay(base, tuple(scripts[item.id] for item in new), ups.state, tool.tables)
    change = with_migrations(base.change, scripts)
    static, linter = validate.static_findings(change, base.config, base.policy)
    # a failed rollback that is reported is not also missing
    static = tuple(
        item for item in static if item.hazard is not Hazard.ROLLBACK_MISSING or item.migration not in downs.unrecorded
    )
    base.server.drop_database(ups.runner.database)
    return Recording(
        change=change,
        programs=ups.ran,
        unrecorded=downs.unrecorded,
        findings=_unreported((*static, *found, *downs.findings), earlier),
        linter=linter,
    )


def _failed(
    base: BaseDatabase,
    tool: Tool,
    new: tuple[ToolMigration, ...],
    failure: RecordingFailed,
    earlier: tuple[Finding, ...],
) -> Failed:
    """Return the end of the stage when a migration does not run, with static findings on all SQL that is known."""
    left = [item for item in new if item.id not in failure.ups]
    scripts = {**_scripts(tool, new, failure.ups, {}), **_printed(tool, left, failure.runner)}
    change = with_migrations(base.change, scripts)
    static, linter = validate.static_findings(change, base.config, base.policy)
    causes = [item for item in static if not _follows(item, failure.finding)]
    found = _unreported((*causes, *failure.findings, failure.finding), earlier)
    outcome = StageOutcome(result=replace(base, change=change, linter=linter), findings=found)
    return Failed(f"`{failure.finding.migration}`: {failure.finding.message}", outcome)


def _unreported(findings: tuple[Finding, ...], earlier: tuple[Finding, ...]) -> tuple[Finding, ...]:
    return tuple(item for item in dict.fromkeys(findings) if item not in earlier)


def _follows(item: Finding, failure: Finding) -> bool:
    """Whether a static finding only follows from the failure: no down migration ran, and the text may not parse."""
    is_unread = item.rule == STATEMENT_NOT_PARSED.id and item.migration == failure.migration
    return item.hazard is Hazard.ROLLBACK_MISSING or is_unread


def _printed(tool: Tool, left: list[ToolMigration], runner: ToolRunner) -> dict[str, ExecutableMigration]:
    """Return the first migrations that did not run with the SQL that the tool prints for them, where it can."""
    texts = runner.previews(left[:FEW])
    ups = {
        name: RecordedStatements(text=text, mode=Mode.TRANSACTION, error=None, transactions=1)
        for name, text in texts.items()
        if text
    }
    return _scripts(tool, left, ups, {})


class _Lines:
    """Numbers the lines of recorded SQL from the end of each file on, so that no line number means two things."""

    def __init__(self) -> None:
        self._next: dict[str, int] = {}

    def script(self, migration: ToolMigration, text: str, mode: Mode) -> Script:
        file, command = migration.up.file, migration.up
        first = self._next.get(file.path, file.text.count("\n") + 2)
        self._next[file.path] = first + text.count("\n") + 1
        return Script(file=file, text=text, mode=mode, first_line=first, recorded=True, migration_line=command.line)


def _scripts(
    tool: Tool,
    new: Iterable[ToolMigration],
    ups: Mapping[str, RecordedStatements],
    downs: Mapping[str, RecordedStatements],
) -> dict[str, ExecutableMigration]:
    """Return the migrations whose SQL is known, by id."""
    lines = _Lines()
    found = {}
    for item in new:
        if item.id in ups:
            up, down = ups[item.id], downs.get(item.id)
            back = item.down
            if down is not None:
                back = replace(lines.script(item, down.text, down.mode), shell_command=_shell_command(item, tool))
            if not up.text:
                back = None  # an up without SQL, such as a squashed migration, needs no rollback
            found[item.id] = recorded(item, up=lines.script(item, up.text, up.mode), down=back)
    return found


def _shell_command(migration: ToolMigration, tool: Tool) -> str | None:
    """Return the shell command by which a user rolls a migration back with the tool."""
    command = migration.up
    if not command.down:
        return None
    generated = {path.rpartition("/")[2] for path in tool.environment.generated_files}
    # a command that runs a generated file names the tool's own task after it
    place = next((number for number, word in enumerate(command.down) if word in generated), 0)
    words = command.down[:1] + command.down[place + 1 :]
    line = " ".join(
        f'"{word.replace("{url}", "$DATABASE_URL")}"' if "{url}" in word else shlex.quote(word) for word in words
    )
    return line if command.directory in {"", "."} else f"(cd {shlex.quote(command.directory)} && {line})"
