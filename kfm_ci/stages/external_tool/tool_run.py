"""One run of an external tool, assessed by its exit code, its history table and the server's errors together."""

from __future__ import annotations

import re
import signal
from collections.abc import Sequence
from dataclasses import dataclass, replace

from kfm_ci.errors import CannotCheck
from kfm_ci.evidence.tool_log import tool_tables
from kfm_ci.evidence.tool_log.history_writes import ROLLBACK_VERBS, HistoryWrites
from kfm_ci.evidence.tool_log.server_log import LogRecorder
from kfm_ci.evidence.tool_log.tool_tables import ToolTables
from kfm_ci.evidence.tool_log.transcript import (
    RecordedStatements,
    SplitRecording,
    as_messages,
    script_of_output,
    split_recording,
)
from kfm_ci.migrations import source_calls
from kfm_ci.migrations.model import Command, Migration, Tool, files_of
from kfm_ci.migrations.tools.process import ProcessResult
from kfm_ci.model import Finding, Place
from kfm_ci.rules.server.execution import MIGRATION_FAILED, NOT_ALLOWED_IN_TRANSACTION
from kfm_ci.rules.server.external_tool import ERROR_SUPPRESSED, PENDING_AFTER_RUN
from kfm_ci.stages.external_tool.workspace import ToolWorkspace
from kfm_ci.stages.results import BaseDatabase, ToolMigration
from kfm_ci.stages.setup import error_help

_FRAME = re.compile(
    r'File "([^"]+)", line (\d+)|\(?((?:/|file://)[^\s():]+):(\d+):\d+\)?|([^\s():]+\.(?:rb|exs?)):(\d+)\b'
)
_ERROR_WORD = re.compile(
    r"error|exception|cannot|failed|not found|no such|refused|denied|unknown|missing|required", re.IGNORECASE
)
_TRACE = re.compile(
    r'^\s*(?:at |File "|\^+\s*$|node:internal|Node\.js v|Tasks: TOP|\(See full trace'
    r"|(?:from )?\S+:\d+:in [`'][^`']*'\s*$|[^\s():]+\.exs?:\d+|\([\w. ]+\) \S+\.exs?:)"
)
_CAUSE = re.compile(r"^Caused by:\s*\n.*", re.MULTILINE | re.DOTALL)
"""Ruby prints the cause below an error; Java prints it on the line itself."""
_PREAMBLE = "An error has occurred, "
"""Rails prints this for every error, above the error itself."""
_NOT_INSTALLED = re.compile(
    r"Cannot find (?:module|package)|ModuleNotFoundError|No module named|ImportError: cannot import"
    r"|ClassNotFoundException|(?<!Caused by:\n)\bLoadError|Bundler::GemNotFound|Could not find Hex"
    r"|Unchecked dependencies"
)
_NOT_READ = re.compile(r"^\s*(?:SyntaxError|IndentationError|TabError)\b", re.MULTILINE)
"""The tool could not parse a program."""
_ADDRESS = re.compile(r"(?: at |:)0x[0-9a-f]+")
_OUTSIDE = ("25001", "2D000")


@dataclass(frozen=True, slots=True, kw_only=True)
class ToolRunner:
    """Runs a tool against one database and reads the recorded SQL."""

    base: BaseDatabase
    files: ToolWorkspace
    recorder: LogRecorder
    database: str

    @classmethod
    def on(cls, base: BaseDatabase, files: ToolWorkspace, name: str, template: str | None = None) -> ToolRunner:
        """Return a runner on a clone of the base, or of another database without connections."""
        database = files.server.create_database(name, template=template or base.base_database)
        return cls(base=base, files=files, recorder=LogRecorder(files.server, database), database=database)

    def up(self, expected: Sequence[ToolMigration], argv: tuple[str, ...] = ()) -> SplitRecording | Finding:
        """Run the pending migrations, or ``argv``; return the SQL of each, or the finding on the one that failed.

        Raises CannotCheck when nothing happened, or when the tool itself failed.
        """
        tool = self.files.tool
        before = history(self.base, self.database, tool)
        self.recorder.read_new()
        ended = self.files.start(argv or tool.commands.up, self.database, count=len(expected))
        cut = self._read(HistoryWrites(expected), ended)
        if ended.code:
            unread = next(
                (item for item in expected if _NOT_READ.search(ended.tail) and traceback_line(item, ended.tail)), None
            )
            if unread is not None:
                return run_failure(unread, cut.whole, ended)
            killed = (ended.code or 0) < 0
            if not cut.whole.has_messages or (
                cut.whole.error is None and (killed or _NOT_INSTALLED.search(ended.tail))
            ):
                raise tool_failure(tool, ended)
            if cut.whole.error is None and cut.own_error is not None:
                raise tool_failure(tool, ended, cut.own_error)
            failed = next((item for item in expected if item.id not in cut.steps), expected[-1])
            return run_failure(failed, cut.whole, ended)
        if history(self.base, self.database, tool) == before:
            if cut.whole.error is not None:
                return run_failure(expected[-1], cut.whole, ended)
            raise nothing_recorded(tool, ended)
        return cut

    def one(self, migration: ToolMigration) -> RecordedStatements | Finding:
        """Run one migration."""
        done = self.up((migration,), migration.up.argv)
        return done if isinstance(done, Finding) else done.steps.get(migration.id, done.whole)

    def down(self, argv: tuple[str, ...], expected: Sequence[ToolMigration]) -> tuple[SplitRecording, ProcessResult]:
        """Roll migrations back, the last first; return the SQL of each.

        A change of the history table that is not recognised belongs to the last one, if it is a single one.
        """
        before = history(self.base, self.database, self.files.tool)
        self.recorder.read_new()
        ended = self.files.start(argv, self.database, count=len(expected))
        cut = self._read(HistoryWrites(tuple(reversed(expected)), ROLLBACK_VERBS), ended)
        single = len(expected) == 1 or not expected[0].up.down_to
        if (
            ended.code == 0
            and single
            and not cut.steps
            and history(self.base, self.database, self.files.tool) != before
        ):
            return replace(cut, steps={expected[-1].id: cut.whole}), ended
        return cut, ended

    def printed(self, expected: Sequence[ToolMigration], others: Sequence[ToolMigration]) -> SplitRecording | None:
        """Return the SQL that the tool prints for a rollback, as if the others had not run; None where it prints none.

        The history rows of the others are deleted from the database.
        """
        tool = self.files.tool
        names = [item.up.history_row_keys for item in others]
        if not all(names):
            return None
        with self.base.connect(self.database) as connection:
            tool_tables.delete_history_rows(connection, tool.tables, names)
        ended = self.files.start(tool.commands.down_preview, self.database, apart=True, count=len(expected))
        own, notes = ToolTables.of(tool.tables), HistoryWrites(tuple(reversed(expected)), ROLLBACK_VERBS)
        return split_recording(as_messages(ended.output, own), own, notes) if ended.code == 0 else None

    def _read(self, notes: HistoryWrites, ended: ProcessResult) -> SplitRecording:
        return split_recording(
            self.recorder.read_new(),
            ToolTables.of(self.files.tool.tables),
            notes,
            failed=bool(ended.code),
            recorded_before_run=self.base.change.head.semantics.records_before_run,
        )

    def previews(self, migrations: Sequence[ToolMigration]) -> dict[str, str]:
        """Return the SQL that the tool prints for the next migrations without running them, by id."""
        tool = self.files.tool
        own = ToolTables.of(tool.tables)
        if any("{count}" in part for part in tool.commands.preview):
            ended = self.files.start(tool.commands.preview, self.database, apart=True, count=len(migrations))
            sent = as_messages(ended.output, own) if ended.code == 0 else []
            return {
                name: one.text
                for name, one in split_recording(sent, own, HistoryWrites(migrations)).steps.items()
                if one.text
            }
        texts = {item.id: self._preview(item.up, own) for item in migrations}
        return {name: text for name, text in texts.items() if text is not None}

    def _preview(self, command: Command, own: ToolTables) -> str | None:
        if command.preview is None:
            return None
        ended = self.files.start(command.preview, self.database, apart=True)
        return script_of_output(ended.output, own) if ended.code == 0 else None

    def status(self) -> Finding | None:
        """Return a finding when the tool's status command reports a pending migration after all have run."""
        if not self.files.tool.commands.status:
            return None
        ended = self.files.start(self.files.tool.commands.status, self.database)
        if not ended.code:
            return None
        migration = self.base.pending[-1]
        return PENDING_AFTER_RUN.finding(
            "After all migrations have run, the tool still reports a pending or failed one: "
            f"{decisive_line(ended.tail)}.",
            help=f"Run `{' '.join(self.files.tool.commands.status)}` by hand.",
            place=Place(file=migration.up_path, line=1),
            migration=migration.id,
        )


def history(base: BaseDatabase, database: str, tool: Tool) -> str:
    """Return the tool's history table as one text; empty when there is none."""
    with base.connect(database) as connection:
        return tool_tables.read_history(connection, tool.tables)


def run_failure(migration: ToolMigration, recorded: RecordedStatements, ended: ProcessResult) -> Finding:
    """Return the finding on a migration that did not run, with PostgreSQL's error if there is one."""
    error = recorded.error or ""
    message = f"PostgreSQL returned an error: {error}." if error else f"The tool failed: {decisive_line(ended.tail)}."
    place = _place(migration, recorded, ended)
    if error.startswith(_OUTSIDE):
        return NOT_ALLOWED_IN_TRANSACTION.finding(
            message,
            help=f"Run the statement {migration.how_to_disable_transaction}.",
            place=place,
            migration=migration.id,
        )
    help = error_help.by_error(error[:5], error) or "Correct the migration."
    return MIGRATION_FAILED.finding(message, help=help, place=place, migration=migration.id)


def _place(migration: ToolMigration, recorded: RecordedStatements, ended: ProcessResult) -> Place:
    """Return the place of the failed statement, else of the traceback, else the start of the migration."""
    begins = migration.up.line
    statement = recorded.errors[-1].text.strip().rstrip(";").rstrip() if recorded.errors else ""
    for file in files_of(migration):
        lines = source_calls.written(statement, file.text, begins if file.path == migration.up_path else 1)
        if lines is not None:
            return Place(file=file.path, line=lines[0], end_line=lines[1])
    return Place(file=migration.up_path, line=traceback_line(migration, ended.tail) or begins)


def nothing_recorded(tool: Tool, ended: ProcessResult) -> CannotCheck:
    """Return the error for a tool that exited 0 without any effect."""
    output = f"; its output: {decisive_line(ended.tail)}" if ended.tail else ", and it printed nothing"
    return CannotCheck(
        code="KFM-C44",
        message=f"The migration tool exited 0, but its table {tool.tables.history} did not change{output}.",
        help="Check that the tool reads DATABASE_URL, and that `history-table` is right.",
        where="[migrations.command]",
    )


def tool_failure(tool: Tool, ended: ProcessResult, error: str | None = None) -> CannotCheck:
    """Return the error for a tool that failed before any migration, or on its own tables (``error``)."""
    return CannotCheck(
        code="KFM-C46",
        message=f"The migration tool {_ending(ended)} before any migration failed: "
        f"{error or decisive_line(ended.tail)}.",
        where=" ".join(tool.commands.up)[:200],
        help="Install its dependencies in the work tree. The tool gets DATABASE_URL, libpq's variables, and those of "
        "`[migrations.command]` `env` and `pass-env`, no others.",
    )


def _ending(ended: ProcessResult) -> str:
    """Return how a tool's process ended, as a verb phrase."""
    code = ended.code or 0
    try:
        return f"was killed by {signal.Signals(-code).name}" if code < 0 else f"exited {code}"
    except ValueError:
        return f"was killed by signal {-code}"


def decisive_line(tail: str) -> str:
    """Return the decisive line of a tool's output: the last one about an error, else the last one."""
    text = _CAUSE.sub("", tail)
    lines = [
        line.strip() for line in text.splitlines() if line.strip() and not _TRACE.match(line) and _PREAMBLE not in line
    ]
    errors = [line for line in lines if _ERROR_WORD.search(line)]
    return _ADDRESS.sub("", (errors or lines or ["it printed nothing"])[-1])[:300]


def traceback_line(migration: Migration, tail: str) -> int | None:
    """Return the innermost line of the migration's file in the tool's traceback; None when there is none."""
    name = migration.up_path
    found = None
    for frame in _FRAME.finditer(tail):
        path, line = next((frame[at], frame[at + 1]) for at in (1, 3, 5) if frame[at])
        if path.endswith(f"/{name}") or name.endswith(f"/{path}") or path == name:
            found = found if found and not frame[1] else int(line)
    return found


def suppressed_error(migration: ToolMigration, error: str) -> Finding:
    """Return the finding on an error of the server that the tool suppressed."""
    return ERROR_SUPPRESSED.finding(
        f"The tool exited 0, but PostgreSQL returned an error: {error}.",
        help="Check for the object first, or let the error abort the migration.",
        place=Place(file=migration.up_path, line=migration.up.line),
        migration=migration.id,
    )
