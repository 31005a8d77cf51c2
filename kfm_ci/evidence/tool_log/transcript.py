"""The recorded SQL of a tool run as a script, split into migrations by the tool's writes to its history table."""

from __future__ import annotations

import re
from dataclasses import dataclass, field, replace

from kfm_ci.evidence.tool_log.history_writes import HistoryWrites
from kfm_ci.evidence.tool_log.server_log import LoggedStatement, is_catalog_query
from kfm_ci.evidence.tool_log.tool_tables import ToolTables
from kfm_ci.model import Mode
from kfm_ci.sql import statements, transactions

_CLIENT_SETTING = re.compile(r"\s*set\s+(?:session\s+)?(?:application_name|client_encoding|names)\b", re.IGNORECASE)
"""Settings of the client, which do not change what a statement does: the log is in the server's encoding."""
_SESSION_SETTING = re.compile(r"\s*set\s+(?!local\b|transaction\b|constraints\b)", re.IGNORECASE)
_PREPARE = re.compile(r"\s*prepare\s+(?!transaction\b)(\S+)", re.IGNORECASE)
_DEALLOCATE = re.compile(r"\s*deallocate\s+(?:prepare\s+)?([^\s;]+)", re.IGNORECASE)


@dataclass(frozen=True, slots=True, kw_only=True)
class RecordedStatements:
    """The recorded SQL of a tool run, or of one migration of it."""

    text: str
    """The statements in the order in which they took effect, without those on the tool's own tables."""
    mode: Mode
    error: str | None
    """The server's last error."""
    transactions: int
    """Number of transactions that changed something."""
    has_messages: bool = True
    """Whether the tool executed anything at all."""
    errors: tuple[LoggedStatement, ...] = ()
    """The statements for which PostgreSQL returned an error."""


@dataclass(frozen=True, slots=True, kw_only=True)
class SplitRecording:
    """The recorded SQL of one tool run, as a whole and by migration."""

    whole: RecordedStatements
    steps: dict[str, RecordedStatements]
    """By the migration's id, in the order of the history table."""
    unexpected: int
    """Number of writes to the history table that are about no expected migration."""
    own_error: str | None = None
    """The server's last error for a statement on the tool's own tables."""


@dataclass(slots=True, kw_only=True)
class _TranscriptPiece:
    text: str
    step: int
    """Number of migrations that were recorded before it."""


@dataclass(slots=True, kw_only=True)
class _Block:
    """The statements of one transaction block, or a single statement outside one."""

    pieces: list[_TranscriptPiece]
    is_explicit: bool
    session: int
    failed: bool = False
    savepoints: list[tuple[str, int]] = field(default_factory=list)
    """Name, and number of statements before it."""

    def apply_savepoint(self, verb: str, name: str) -> None:
        """Set a savepoint, release it, or roll back to it, which removes the statements after it."""
        place = next((at for at in range(len(self.savepoints) - 1, -1, -1) if self.savepoints[at][0] == name), None)
        if verb == "savepoint":
            self.savepoints.append((name, len(self.pieces)))
        elif place is not None and verb == "release":
            del self.savepoints[place:]
        elif place is not None:
            del self.pieces[self.savepoints[place][1] :], self.savepoints[place + 1 :]
            self.failed = False


@dataclass(slots=True, kw_only=True)
class _TranscriptReader:
    """Assigns logged statements to the transaction blocks of their sessions."""

    own: ToolTables
    history: HistoryWrites
    blocks: list[_Block] = field(default_factory=list)
    current: dict[int, _Block] = field(default_factory=dict)
    settings: dict[int, list[str]] = field(default_factory=dict)
    """By session, the settings before its first other statement: they hold for all its migrations."""
    prepared: set[str] = field(default_factory=set)
    """Statements of SQL's PREPARE: a DEALLOCATE of any other is the driver's, which prepares by protocol messages."""
    own_error: str | None = None
    errors: list[tuple[int, LoggedStatement]] = field(default_factory=list)
    """Failed statements, with the number of migrations that were recorded before."""

    def add(self, item: LoggedStatement) -> None:
        """Add one logged statement or message."""
        if item.error is not None:
            self._add_error(item)
            return
        parts = statements.split(item.text)
        single = len(parts) < 2
        for part in parts:
            if transactions.controls_transaction(part):
                self._begin_or_end(part.text, item.session)
            elif (point := transactions.savepoint(part)) is not None:
                if item.session in self.current:
                    self.current[item.session].apply_savepoint(*point)
            elif self.own.is_own_statement(part.text):
                if self.own.can_record_migration(part.text):
                    self.history.read(part.text)
            elif not is_catalog_query(part.text) and not self._is_of_driver(part.text):
                # the text of the message includes the comment above the statement, which may acknowledge a finding
                self._add_statement(item.session, item.text if single else part.text, single=single)
        if not single and (block := self.current.get(item.session)) is not None and not block.is_explicit:
            del self.current[item.session]

    def _is_of_driver(self, text: str) -> bool:
        """Whether a statement deallocates one that the driver prepared without SQL."""
        if prepare := _PREPARE.match(text):
            self.prepared.add(prepare[1])
        deallocate = _DEALLOCATE.match(text)
        return deallocate is not None and deallocate[1] not in self.prepared

    def _add_statement(self, session: int, text: str, *, single: bool) -> None:
        if _CLIENT_SETTING.match(text):
            return
        settings = self.settings.setdefault(session, [])
        if _SESSION_SETTING.match(text) and not any(one.session == session and one.pieces for one in self.blocks):
            settings += [text] if text not in settings else []
            return
        block = self.current.get(session)
        if block is None:
            block = _Block(pieces=[], is_explicit=False, session=session)
            self.blocks.append(block)
            if not single:
                self.current[session] = block
        block.pieces.append(_TranscriptPiece(text=text, step=len(self.history.migration_ids)))

    def remove_final_statements(self) -> None:
        """Remove the statements by which the tool fills its own tables after the last migration."""
        count = len(self.history.migration_ids)
        for block in self.blocks:
            block.pieces = [
                one for one in block.pieces if one.step < count or not self.own.is_filling_statement(one.text)
            ]

    def settings_of(self, blocks: list[_Block]) -> list[str]:
        """Return the first settings of the sessions of these blocks."""
        sessions = dict.fromkeys(block.session for block in blocks)
        return list(dict.fromkeys(text for session in sessions for text in self.settings.get(session, ())))

    def last_failed(self) -> _Block | None:
        """Return the transaction block that was rolled back last."""
        return next((block for block in reversed(self.blocks) if block.failed), None)

    def _add_error(self, item: LoggedStatement) -> None:
        block = self.current.get(item.session)
        if self.own.is_own_statement(item.text):
            self.own_error = item.error
        else:
            self.errors.append((len(self.history.migration_ids), item))
        if block is not None:
            block.failed = True
        elif self.blocks and item.text.strip() and [one.text for one in self.blocks[-1].pieces[-1:]] == [item.text]:
            self.blocks.pop()

    def _begin_or_end(self, text: str, session: int) -> None:
        word = text.split(None, 1)[0].lower()
        if word in {"begin", "start"}:
            if session not in self.current:
                self.current[session] = _Block(pieces=[], is_explicit=True, session=session)
                self.blocks.append(self.current[session])
            return
        block = self.current.pop(session, None)
        if block is None:
            return
        block.failed = block.failed or word in {"rollback", "abort"}
        # a transaction takes effect at COMMIT: it may depend on what other sessions committed before
        at = next(at for at in range(len(self.blocks) - 1, -1, -1) if self.blocks[at] is block)
        self.blocks.append(self.blocks.pop(at))


def script_of_output(text: str, own: ToolTables) -> str | None:
    """Return the SQL that a tool printed for a migration, without transaction control and the tool's own tables.

    None if nothing is left.
    """
    own_removed = (
        part.text
        for part in statements.split(text)
        if not transactions.controls_transaction(part) and not own.is_own_statement(part.text)
    )
    return _lines(list(own_removed)) or None


def as_messages(text: str, own: ToolTables) -> list[LoggedStatement]:
    """Return the SQL that a tool printed for several migrations as if executed, each in a transaction of its own."""
    messages = [LoggedStatement(session=0, text="begin")]
    for part in statements.split(text):
        if transactions.controls_transaction(part):
            continue
        messages.append(LoggedStatement(session=0, text=part.text))
        if own.is_own_statement(part.text) and own.can_record_migration(part.text):
            messages += [LoggedStatement(session=0, text="commit"), LoggedStatement(session=0, text="begin")]
    return messages


def split_recording(
    messages: list[LoggedStatement],
    own: ToolTables,
    history: HistoryWrites,
    *,
    failed: bool = False,
    recorded_before_run: bool = False,
) -> SplitRecording:
    """Return the recorded SQL of a tool run, split where the tool recorded each migration.

    ``failed``: whether the tool failed. What it then rolled back still belongs to the migrations recorded until then;
    the migration that failed is left out.
    """
    reader = _TranscriptReader(own=own, history=history)
    for item in messages:
        reader.add(item)
    ids = history.migration_ids
    if ids and not failed:
        reader.remove_final_statements()
    committed = [block for block in reader.blocks if block.pieces and not block.failed]
    whole = _joined(
        [(block.is_explicit, [one.text for one in block.pieces]) for block in committed],
        [item for _, item in reader.errors],
        reader.settings_of(committed),
        has_messages=bool(messages),
    )
    counted = [block for block in reader.blocks if block in committed or (failed and block is reader.last_failed())]
    before_run = recorded_before_run or (
        not failed and _is_recorded_before_run([one.step for block in committed for one in block.pieces], len(ids))
    )
    steps = {}
    for number, migration_id in enumerate(ids[:-1] if failed and before_run else ids):
        span = _Span(number=number, count=len(ids), recorded_before_run=before_run, failed=failed)
        blocks = [block for block in counted if any(span.contains(one.step) for one in block.pieces)]
        parts = [(block.is_explicit, [one.text for one in block.pieces if span.contains(one.step)]) for block in blocks]
        errors = [item for step, item in reader.errors if span.contains(step)]
        steps[migration_id] = _joined(parts, errors, reader.settings_of(blocks), has_messages=True)
    return SplitRecording(whole=whole, steps=steps, unexpected=history.unexpected, own_error=reader.own_error)


@dataclass(frozen=True, slots=True, kw_only=True)
class _Span:
    """The part of a tool run that is one migration, by the number of migrations recorded before a statement."""

    number: int
    count: int
    recorded_before_run: bool
    failed: bool

    def contains(self, step: int) -> bool:
        """Whether a statement belongs to it; the first and the last one also own what is before and after them."""
        if self.recorded_before_run:
            return max(step - 1, 0) == self.number
        return self.number == (step if self.failed else min(step, self.count - 1))


def _is_recorded_before_run(steps: list[int], count: int) -> bool:
    """Whether no statement precedes the first history row, and some follow the last."""
    return count > 0 and bool(steps) and min(steps) > 0 and max(steps) == count


def _joined(
    blocks: list[tuple[bool, list[str]]], errors: list[LoggedStatement], settings: list[str], *, has_messages: bool
) -> RecordedStatements:
    """Return blocks, each explicit or of one statement, as a script that starts with the settings."""
    nothing = RecordedStatements(
        text="",
        mode=Mode.TRANSACTION,
        error=errors[-1].error if errors else None,
        transactions=0,
        has_messages=has_messages,
        errors=tuple(errors),
    )
    if not blocks:
        return nothing
    if len(blocks) == 1 and (blocks[0][0] or len(blocks[0][1]) > 1):
        return replace(nothing, text=_lines([*settings, *blocks[0][1]]), transactions=1, has_messages=True)
    texts: list[str] = [*settings]
    for is_explicit, inside in blocks:
        texts += ["begin", *inside, "commit"] if is_explicit or len(inside) > 1 else inside
    return replace(nothing, text=_lines(texts), mode=Mode.AUTOCOMMIT, transactions=len(blocks), has_messages=True)


def _lines(texts: list[str]) -> str:
    # on a line of its own, the semicolon is not part of a comment at the end of the text
    return "".join(
        f"{text.strip().rstrip(';')}\n;\n" if "--" in text else f"{text.strip().rstrip(';')};\n" for text in texts
    )
