"""One start of a foreign tool, judged by its exit code, its history table and the server's answers together."""

from __future__ import annotations

import re
import signal
from collections.abc import Sequence
from dataclasses import dataclass, replace

from kfm_ci.errors import CannotCheck
from kfm_ci.evidence.tool_log import tool_tables
from kfm_ci.evidence.tool_log.history_writes import TAKEN_BACK, HistoryWrites
from kfm_ci.evidence.tool_log.server_log import LogRecorder
from kfm_ci.evidence.tool_log.tool_tables import ToolTables
from kfm_ci.evidence.tool_log.transcript import Cut, RecordedStatements, as_sent, cut, printed
from kfm_ci.migrations import source_calls
from kfm_ci.migrations.model import Command, Migration, Tool, files_of
from kfm_ci.migrations.tools.process import ProcessResult
from kfm_ci.model import Finding, Hazard, Place, Severity
from kfm_ci.stages.external_tool.workspace import ToolWorkspace
from kfm_ci.stages.run import Run
from kfm_ci.stages.setup import error_help

_FRAME = re.compile(
    r'File "([^"]+)", line (\d+)|\(?((?:/|file://)[^\s():]+):(\d+):\d+\)?|([^\s():]+\.(?:rb|exs?)):(\d+)\b'
)
_SPEAKS = re.compile(
    r"error|exception|cannot|failed|not found|no such|refused|denied|unknown|missing|required", re.IGNORECASE
)
_TRACE = re.compile(
    r'^\s*(?:at |File "|\^+\s*$|node:internal|Node\.js v|Tasks: TOP|\(See full trace'
    r"|(?:from )?\S+:\d+:in [`'][^`']*'\s*$|[^\s():]+\.exs?:\d+|\([\w. ]+\) \S+\.exs?:)"
)
_CAUSE = re.compile(r"^Caused by:\s*\n.*", re.MULTILINE | re.DOTALL)
"""What Ruby tells below an error; Java's stands on the line itself."""
_PREAMBLE = "An error has occurred, "
"""Rails says that of every error, and the error below it."""
_NOT_INSTALLED = re.compile(
    r"Cannot find (?:module|package)|ModuleNotFoundError|No module named|ImportError: cannot import|ClassNotFoundException|"
    r"(?<!Caused by:\n)\bLoadError|Bundler::GemNotFound|Could not find Hex|Unchecked dependencies"
)
_NOT_READ = re.compile(r"^\s*(?:SyntaxError|IndentationError|TabError)\b", re.MULTILINE)
"""The tool could not even read a program."""
_ADDRESS = re.compile(r"(?: at |:)0x[0-9a-f]+")
_OUTSIDE = ("25001", "2D000")


@dataclass(frozen=True, slots=True, kw_only=True)
class ToolRunner:
    """Starts a tool against one database and reads back what came of it."""

    run: Run
    shop: ToolWorkspace
    recorder: LogRecorder
    database: str

    @classmethod
    def on(cls, run: Run, shop: ToolWorkspace, name: str, template: str | None = None) -> ToolRunner:
        """Begin anew on a copy of the base, or of another database that nobody is connected to."""
        database = shop.server.create_database(name, template=template or run.base_database)
        return cls(run=run, shop=shop, recorder=LogRecorder(shop.server, database), database=database)

    def up(self, expected: Sequence[Migration], argv: tuple[str, ...] = ()) -> Cut | Finding:
        """Run what is pending, or what ``argv`` names; return what each migration sent, or why one was refused.

        Raises CannotCheck when nothing happened, or when no migration is to blame.
        """
        tool = self.shop.tool
        before = history(self.run, self.database, tool)
        self.recorder.take()
        ended = self.shop.start(argv or tool.up, self.database, count=len(expected))
        cut = self._read(HistoryWrites(expected), ended)
        if ended.code:
            unread = next(
                (item for item in expected if _NOT_READ.search(ended.tail) and told_line(item, ended.tail)), None
            )
            if unread is not None:
                return refused(unread, cut.whole, ended)
            killed = (ended.code or 0) < 0
            if not cut.whole.reached or (cut.whole.error is None and (killed or _NOT_INSTALLED.search(ended.tail))):
                raise broken(tool, ended)
            if cut.whole.error is None and cut.own_error is not None:
                raise broken(tool, ended, cut.own_error)
            failed = next((item for item in expected if item.id not in cut.steps), expected[-1])
            return refused(failed, cut.whole, ended)
        if history(self.run, self.database, tool) == before:
            if cut.whole.error is not None:
                return refused(expected[-1], cut.whole, ended)
            raise silent(tool, ended)
        return cut

    def one(self, migration: Migration) -> RecordedStatements | Finding:
        """Run one migration."""
        done = self.up((migration,), _command(migration).argv)
        return done if isinstance(done, Finding) else done.steps.get(migration.id, done.whole)

    def down(self, argv: tuple[str, ...], expected: Sequence[Migration]) -> tuple[Cut, ProcessResult]:
        """Take migrations back, the last first; return what each sent.

        What is noted in a way that is not known, and of one migration only, is the last one's.
        """
        before = history(self.run, self.database, self.shop.tool)
        self.recorder.take()
        ended = self.shop.start(argv, self.database, count=len(expected))
        cut = self._read(HistoryWrites(tuple(reversed(expected)), TAKEN_BACK), ended)
        single = len(expected) == 1 or not _command(expected[0]).back
        if ended.code == 0 and single and not cut.steps and history(self.run, self.database, self.shop.tool) != before:
            return replace(cut, steps={expected[-1].id: cut.whole}), ended
        return cut, ended

    def printed(self, expected: Sequence[Migration], others: Sequence[Migration]) -> Cut | None:
        """Return what the tool prints for taking migrations back, had none of the others run; None when it prints nothing.

        Its notes of the others are taken out of the database.
        """
        tool = self.shop.tool
        names = [_command(item).note for item in others]
        if not all(names):
            return None
        with self.run.connect(self.database, admin=True) as connection:
            tool_tables.forget(connection, tool, names)
        ended = self.shop.start(tool.down_printed, self.database, apart=True, count=len(expected))
        own, notes = ToolTables.of(tool), HistoryWrites(tuple(reversed(expected)), TAKEN_BACK)
        return cut(as_sent(ended.output, own), own, notes) if ended.code == 0 else None

    def _read(self, notes: HistoryWrites, ended: ProcessResult) -> Cut:
        tool = self.shop.tool
        return cut(
            self.recorder.take(), ToolTables.of(tool), notes, failed=bool(ended.code), notes_first=tool.notes_first
        )

    def previews(self, migrations: Sequence[Migration]) -> dict[str, str]:
        """Return the SQL that the tool prints for the next migrations without running them, of those for which it prints some."""
        tool = self.shop.tool
        own = ToolTables.of(tool)
        if any("{count}" in part for part in tool.preview):
            ended = self.shop.start(tool.preview, self.database, apart=True, count=len(migrations))
            sent = as_sent(ended.output, own) if ended.code == 0 else []
            return {name: one.text for name, one in cut(sent, own, HistoryWrites(migrations)).steps.items() if one.text}
        texts = {item.id: self._preview(_command(item), own) for item in migrations}
        return {name: text for name, text in texts.items() if text is not None}

    def _preview(self, command: Command, own: ToolTables) -> str | None:
        if command.preview is None:
            return None
        ended = self.shop.start(command.preview, self.database, apart=True)
        return printed(ended.output, own) if ended.code == 0 else None

    def status(self) -> Finding | None:
        """Ask the tool, where it can be asked, whether something is still pending after all has run."""
        if not self.shop.tool.status:
            return None
        ended = self.shop.start(self.shop.tool.status, self.database)
        if not ended.code:
            return None
        migration = self.run.new[-1]
        return Finding(
            rule="pending-after-run", hazard=Hazard.ORDER, severity=Severity.ERROR, migration=migration.id, place=Place(file=migration.up_path, line=1),
            message=f"all has run, and the tool still calls something pending or wrong: {last(ended.tail)}",
            help=f"run it by hand: {' '.join(self.shop.tool.status)}",
        )  # fmt: skip


def history(run: Run, database: str, tool: Tool) -> str:
    """Return the tool's history table as one text; empty when there is none."""
    with run.connect(database, admin=True) as connection:
        return tool_tables.noted(connection, tool)


def refused(migration: Migration, recorded: RecordedStatements, ended: ProcessResult) -> Finding:
    """Return the finding on a migration that did not run, in the server's words where it said any."""
    said = f"PostgreSQL refused it: {recorded.error}" if recorded.error else f"the tool failed: {last(ended.tail)}"
    outside = (recorded.error or "").startswith(_OUTSIDE)
    mend = error_help.by_error((recorded.error or "")[:5], recorded.error or "") or "mend the migration"
    return Finding(
        rule="not-allowed-in-transaction" if outside else "migration-failed",
        hazard=Hazard.TRANSACTION if outside else Hazard.MIGRATION_ERROR,
        severity=Severity.ERROR, message=said, migration=migration.id, place=_place(migration, recorded, ended),
        help=f"do it {migration.outside}" if outside else mend,
    )  # fmt: skip


def _place(migration: Migration, recorded: RecordedStatements, ended: ProcessResult) -> Place:
    """Return where what was refused is written, else what the tool's traceback names, else where the migration begins."""
    begins = _command(migration).line
    statement = recorded.refused[-1].text.strip().rstrip(";").rstrip() if recorded.refused else ""
    for file in files_of(migration):
        lines = source_calls.written(statement, file.text, begins if file.path == migration.up_path else 1)
        if lines is not None:
            return Place(file=file.path, line=lines[0], end_line=lines[1])
    return Place(file=migration.up_path, line=told_line(migration, ended.tail) or begins)


def silent(tool: Tool, ended: ProcessResult) -> CannotCheck:
    """Return what to say of a tool that ended well and did nothing."""
    said = f"; it said: {last(ended.tail)}" if ended.tail else ", and it printed nothing"
    return CannotCheck(code="KFM-C44", message=f"the migration tool ended with 0, and its table {tool.history_table} did not change{said}",
                       help="does the tool read DATABASE_URL, and is history-table right?", where="[migrations.command]")  # fmt: skip


def broken(tool: Tool, ended: ProcessResult, error: str | None = None) -> CannotCheck:
    """Return what to say of a tool that failed before any migration did, or on its own tables (``error``): none is to blame."""
    return CannotCheck(code="KFM-C46", message=f"the migration tool {_ending(ended)}, and no migration is to blame: {error or last(ended.tail)}",
                       where=" ".join(tool.up)[:200],
                       help="its dependencies are taken from the work tree; it gets DATABASE_URL, libpq's variables, and what [migrations.command] env and pass-env say; nothing else")  # fmt: skip


def _ending(ended: ProcessResult) -> str:
    """Return how a tool ended, in words."""
    code = ended.code or 0
    try:
        return f"was ended by {signal.Signals(-code).name}" if code < 0 else f"ended with {code}"
    except ValueError:
        return f"was ended by signal {-code}"


def last(tail: str) -> str:
    """Return the line of a tool's output that tells most: the last that speaks of an error, else the last."""
    said = _CAUSE.sub("", tail)
    lines = [
        line.strip() for line in said.splitlines() if line.strip() and not _TRACE.match(line) and _PREAMBLE not in line
    ]
    told = [line for line in lines if _SPEAKS.search(line)]
    return _ADDRESS.sub("", (told or lines or ["it printed nothing"])[-1])[:300]


def told_line(migration: Migration, tail: str) -> int | None:
    """Return the line of the migration's file that the tool's traceback names, the innermost one."""
    name = migration.up_path
    found = None
    for frame in _FRAME.finditer(tail):
        path, line = next((frame[at], frame[at + 1]) for at in (1, 3, 5) if frame[at])
        if path.endswith(f"/{name}") or name.endswith(f"/{path}") or path == name:
            found = found if found and not frame[1] else int(line)
    return found


def _command(migration: Migration) -> Command:
    if not isinstance(migration.up, Command):
        raise RuntimeError("not run by a tool")
    return migration.up


def hidden(migration: Migration, error: str) -> Finding:
    """Return the finding on a refusal of the server that the tool kept to itself."""
    return Finding(
        rule="error-suppressed", hazard=Hazard.MIGRATION_ERROR, severity=Severity.WARNING, migration=migration.id,
        message=f"the tool ended well although the server refused a statement: {error}",
        help="let the migration ask before it acts, or let the error end it",
        place=Place(file=migration.up_path, line=_command(migration).line),
    )  # fmt: skip
