"""What a foreign tool sent, made a script of; a run of many migrations is cut where the tool noted each."""

from __future__ import annotations

import re
from dataclasses import dataclass, field, replace

from kfm_ci.evidence.tool_log.history_writes import HistoryWrites
from kfm_ci.evidence.tool_log.server_log import LoggedStatement, looks
from kfm_ci.evidence.tool_log.tool_tables import ToolTables
from kfm_ci.model import Mode
from kfm_ci.sql import statements, transactions

_OF_CLIENT = re.compile(r"\s*set\s+(?:session\s+)?(?:application_name|client_encoding|names)\b", re.IGNORECASE)
"""Says who is there, and in which encoding that one writes: the log has what was written."""
_SETS = re.compile(r"\s*set\s+(?!local\b|transaction\b|constraints\b)", re.IGNORECASE)
"""Makes a setting for the whole session."""
_PREPARES = re.compile(r"\s*prepare\s+(?!transaction\b)(\S+)", re.IGNORECASE)
_RELEASES = re.compile(r"\s*deallocate\s+(?:prepare\s+)?([^\s;]+)", re.IGNORECASE)


@dataclass(frozen=True, slots=True, kw_only=True)
class RecordedStatements:
    """What a run of a tool did to the database."""

    text: str
    """The statements that were kept, in the order in which they took effect, without the tool's own bookkeeping."""
    mode: Mode
    error: str | None
    """The server's last refusal."""
    transactions: int
    """How many transactions changed something."""
    reached: bool = True
    """Whether the tool sent anything to the server at all."""
    refused: tuple[LoggedStatement, ...] = ()
    """All that the server refused."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Cut:
    """One run of a tool, and the part of it that each migration has."""

    whole: RecordedStatements
    steps: dict[str, RecordedStatements]
    """By the migration's id, in the order in which the tool noted them."""
    strangers: int
    """How many of the tool's notes are about none of the migrations that were asked for."""
    own_error: str | None = None
    """The server's last refusal of a statement on the tool's own tables."""


@dataclass(slots=True, kw_only=True)
class _TranscriptPiece:
    text: str
    step: int
    """How many migrations had been noted before it."""


@dataclass(slots=True, kw_only=True)
class _Block:
    """The statements of one transaction, or one that stood alone."""

    pieces: list[_TranscriptPiece]
    open: bool
    session: int
    failed: bool = False
    marks: list[tuple[str, int]] = field(default_factory=list)
    """Savepoints: name, and how many statements stood before it."""

    def mark(self, verb: str, name: str) -> None:
        """Set a savepoint, let it go, or go back to it; what is gone back over never took effect."""
        place = next((at for at in range(len(self.marks) - 1, -1, -1) if self.marks[at][0] == name), None)
        if verb == "savepoint":
            self.marks.append((name, len(self.pieces)))
        elif place is not None and verb == "release":
            del self.marks[place:]
        elif place is not None:
            del self.pieces[self.marks[place][1] :], self.marks[place + 1 :]
            self.failed = False


@dataclass(slots=True, kw_only=True)
class _TranscriptReader:
    """Messages put where they belong: into their session's transaction, or one of their own."""

    own: ToolTables
    notes: HistoryWrites
    blocks: list[_Block] = field(default_factory=list)
    current: dict[int, _Block] = field(default_factory=dict)
    openings: dict[int, list[str]] = field(default_factory=dict)
    """By session, the settings that the tool makes before all else: they hold for every migration that it runs there."""
    prepared: set[str] = field(default_factory=set)
    """Statements that were prepared by SQL: others are the driver's, which lets them go by SQL."""
    own_error: str | None = None
    errors: list[tuple[int, LoggedStatement]] = field(default_factory=list)
    """What the server refused, with how many migrations had been noted before."""

    def take(self, item: LoggedStatement) -> None:
        """Put one message where it belongs."""
        if item.error is not None:
            self._refused(item)
            return
        parts = statements.split(item.text)
        alone = len(parts) < 2
        for part in parts:
            if transactions.controls_transaction(part):
                self._control(part.text, item.session)
            elif (point := transactions.savepoint(part)) is not None:
                if item.session in self.current:
                    self.current[item.session].mark(*point)
            elif self.own.concerns(part.text):
                if self.own.notes(part.text):
                    self.notes.read(part.text)
            elif not looks(part.text) and not self._of_driver(part.text):
                # comments above a statement stay with it: they may hold an acknowledgement
                self._add(item.session, item.text if alone else part.text, alone=alone)
        if not alone and (left := self.current.get(item.session)) is not None and not left.open:
            del self.current[item.session]

    def _of_driver(self, text: str) -> bool:
        """Whether a statement lets go of what the driver prepared without SQL."""
        if made := _PREPARES.match(text):
            self.prepared.add(made[1])
        released = _RELEASES.match(text)
        return released is not None and released[1] not in self.prepared

    def _add(self, session: int, text: str, *, alone: bool) -> None:
        if _OF_CLIENT.match(text):
            return
        opening = self.openings.setdefault(session, [])
        if _SETS.match(text) and not any(one.session == session and one.pieces for one in self.blocks):
            opening += [text] if text not in opening else []
            return
        block = self.current.get(session)
        if block is None:
            block = _Block(pieces=[], open=False, session=session)
            self.blocks.append(block)
            if not alone:
                self.current[session] = block
        block.pieces.append(_TranscriptPiece(text=text, step=len(self.notes.found)))

    def forget_aftermath(self) -> None:
        """Leave out what the tool itself wrote, on tables that it keeps for that, after the last migration."""
        for block in self.blocks:
            block.pieces = [
                one for one in block.pieces if one.step < len(self.notes.found) or not self.own.follows(one.text)
            ]

    def opening(self, blocks: list[_Block]) -> list[str]:
        """Return the settings that were made before these, in the sessions that they are of."""
        sessions = dict.fromkeys(block.session for block in blocks)
        return list(dict.fromkeys(text for session in sessions for text in self.openings.get(session, ())))

    def broken(self) -> _Block | None:
        """Return the transaction that was taken back last."""
        return next((block for block in reversed(self.blocks) if block.failed), None)

    def _refused(self, item: LoggedStatement) -> None:
        block = self.current.get(item.session)
        if self.own.concerns(item.text):
            self.own_error = item.error
        else:
            self.errors.append((len(self.notes.found), item))
        if block is not None:
            block.failed = True
        elif self.blocks and item.text.strip() and [one.text for one in self.blocks[-1].pieces[-1:]] == [item.text]:
            self.blocks.pop()

    def _control(self, text: str, session: int) -> None:
        word = text.split(None, 1)[0].lower()
        if word in {"begin", "start"}:
            if session not in self.current:
                self.current[session] = _Block(pieces=[], open=True, session=session)
                self.blocks.append(self.current[session])
            return
        block = self.current.pop(session, None)
        if block is None:
            return
        block.failed = block.failed or word in {"rollback", "abort"}
        # it takes effect at its end: what others committed meanwhile may be what it builds on
        at = next(at for at in range(len(self.blocks) - 1, -1, -1) if self.blocks[at] is block)
        self.blocks.append(self.blocks.pop(at))


def printed(text: str, own: ToolTables) -> str | None:
    """Return what a tool printed for a migration without its own bookkeeping and the borders of its transactions; None for nothing."""
    kept = (
        part.text
        for part in statements.split(text)
        if not transactions.controls_transaction(part) and not own.concerns(part.text)
    )
    return _lines(list(kept)) or None


def as_sent(text: str, own: ToolTables) -> list[LoggedStatement]:
    """Return what a tool printed for several migrations as if it had sent it, each with its note in a transaction of its own."""
    sent = [LoggedStatement(session=0, text="begin")]
    for part in statements.split(text):
        if transactions.controls_transaction(part):
            continue
        sent.append(LoggedStatement(session=0, text=part.text))
        if own.concerns(part.text) and own.notes(part.text):
            sent += [LoggedStatement(session=0, text="commit"), LoggedStatement(session=0, text="begin")]
    return sent


def script(sent: list[LoggedStatement], own: ToolTables) -> RecordedStatements:
    """Return what took effect as a script; what is about the tool's own tables or only looks is left out."""
    return cut(sent, own, HistoryWrites()).whole


def cut(
    sent: list[LoggedStatement],
    own: ToolTables,
    notes: HistoryWrites,
    *,
    failed: bool = False,
    notes_first: bool = False,
) -> Cut:
    """Return what each migration did, cut where the tool noted it.

    ``failed``: whether the tool failed; what it took back in its end counts for the migrations that it had noted until
    then, and of the one that failed nothing is returned.
    """
    course = _TranscriptReader(own=own, notes=notes)
    for item in sent:
        course.take(item)
    names = notes.found
    if names and not failed:
        course.forget_aftermath()
    kept = [block for block in course.blocks if block.pieces and not block.failed]
    whole = _joined(
        [(block.open, [one.text for one in block.pieces]) for block in kept],
        [item for _, item in course.errors],
        course.opening(kept),
        reached=bool(sent),
    )
    counted = [block for block in course.blocks if block in kept or (failed and block is course.broken())]
    first = notes_first or (
        not failed and _noted_first([one.step for block in kept for one in block.pieces], len(names))
    )
    steps = {}
    for number, name in enumerate(names[:-1] if failed and first else names):
        mine = _Span(number=number, count=len(names), first=first, failed=failed)
        taking = [block for block in counted if any(mine.has(one.step) for one in block.pieces)]
        parts = [(block.open, [one.text for one in block.pieces if mine.has(one.step)]) for block in taking]
        refused = [item for step, item in course.errors if mine.has(step)]
        steps[name] = _joined(parts, refused, course.opening(taking), reached=True)
    return Cut(whole=whole, steps=steps, strangers=notes.strangers, own_error=course.own_error)


@dataclass(frozen=True, slots=True, kw_only=True)
class _Span:
    """The part of a run that is one migration's, told by how many were noted before a statement."""

    number: int
    count: int
    first: bool
    """Whether the tool notes a migration before it runs it."""
    failed: bool

    def has(self, step: int) -> bool:
        """Whether a statement is in it; what comes before the first migration or after the last has no other owner."""
        if self.first:
            return max(step - 1, 0) == self.number
        return self.number == (step if self.failed else min(step, self.count - 1))


def _noted_first(steps: list[int], count: int) -> bool:
    """Whether nothing stands before the first note, and something after the last."""
    return count > 0 and bool(steps) and min(steps) > 0 and max(steps) == count


def _joined(
    blocks: list[tuple[bool, list[str]]], refused: list[LoggedStatement], opening: list[str], *, reached: bool
) -> RecordedStatements:
    """Return blocks, each open or of one statement, as a script below the settings that were made before."""
    nothing = RecordedStatements(
        text="",
        mode=Mode.TRANSACTION,
        error=refused[-1].error if refused else None,
        transactions=0,
        reached=reached,
        refused=tuple(refused),
    )
    if not blocks:
        return nothing
    if len(blocks) == 1 and (blocks[0][0] or len(blocks[0][1]) > 1):
        return replace(nothing, text=_lines([*opening, *blocks[0][1]]), transactions=1, reached=True)
    texts: list[str] = [*opening]
    for opened, inside in blocks:
        texts += ["begin", *inside, "commit"] if opened or len(inside) > 1 else inside
    return replace(nothing, text=_lines(texts), mode=Mode.AUTOCOMMIT, transactions=len(blocks), reached=True)


def _lines(texts: list[str]) -> str:
    # the semicolon stands on a line of its own: the text may end in a comment
    return "".join(
        f"{text.strip().rstrip(';')}\n;\n" if "--" in text else f"{text.strip().rstrip(';')};\n" for text in texts
    )
