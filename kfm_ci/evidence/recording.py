"""What a foreign tool sent to the server, read from the server's own log and made a script of."""

from __future__ import annotations

import csv
import re
import secrets
import time
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path

import psycopg
from psycopg import sql

from kfm_ci.errors import CannotCheck
from kfm_ci.evidence.bookkeeping import Bookkeeping
from kfm_ci.migrations import statements, transactions
from kfm_ci.migrations.tokens import Kind, tokens
from kfm_ci.model import Mode
from kfm_ci.postgres.engines.base import ADMIN, Server

_EXECUTE = re.compile(r"^execute [^:]*: ")
_PARAMETER = re.compile(r"\$(\d+) = (NULL|'(?:[^']|'')*')")
_LOOKING = re.compile(
    r"^\s*(?:show\b|select\b(?:(?!\binto\b).)*\b(?:pg_catalog|information_schema|pg_class|pg_attribute|pg_type|to_regclass|version\(\)"
    r"|current_schema|current_database|pg_try_advisory|pg_advisory|standard_conforming))",
    re.IGNORECASE | re.DOTALL,
)
WAIT = 10.0
"""Seconds until the log must have what was sent."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Sent:
    """One message that the server took, with what it answered when it refused."""

    session: int
    text: str
    error: str | None = None
    sqlstate: str | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Recorded:
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


class Recorder:
    """Reads the server's log from where it was left."""

    def __init__(self, server: Server, database: str) -> None:
        """Ask the database to note every statement; raises CannotCheck where its log cannot be read."""
        if server.statement_log is None:
            raise CannotCheck(code="KFM-C40", message="this tool is watched through the server's log, which this engine does not show",
                              expected="engine embedded", got=server.kind, help="use --engine embedded")  # fmt: skip
        self._server, self._database, self._log = server, database, server.statement_log
        with psycopg.connect(server.dsn(server.maintenance, admin=True), autocommit=True) as connection:
            for key, value in (
                ("log_statement", "all"),
                ("log_parameter_max_length", "-1"),
                ("log_min_error_statement", "error"),
            ):
                connection.execute(sql.SQL("alter database {} set {} = {}").format(
                    sql.Identifier(database), sql.Identifier(key), sql.Literal(value)))  # fmt: skip
        self._offset = 0
        self.take()

    def take(self) -> list[Sent]:
        """Return what was sent to the database since the last look; waits until the log has all of it."""
        mark = f"kfm-{secrets.token_hex(8)}"
        with psycopg.connect(self._server.dsn(self._database, admin=True), autocommit=True) as connection:
            connection.execute(sql.SQL("select {}").format(sql.Literal(mark)))
        deadline = time.monotonic() + WAIT
        line_of_mark = re.compile(mark.encode() + rb"[^\n]*\n")
        while (found := line_of_mark.search(data := self._rest())) is None:
            if time.monotonic() > deadline:
                raise CannotCheck(
                    code="KFM-C43", message="the server's log does not show what was sent", where=str(self._log.name)
                )
            time.sleep(0.005)
        # the line of the mark ends the part that is read; what follows is of no interest
        self._offset += found.end()
        return list(_read(data[: found.end()].decode("utf-8", "replace"), self._database))

    def _rest(self) -> bytes:
        path = Path(self._log)
        if not path.exists():
            return b""
        with path.open("rb") as file:
            file.seek(self._offset)
            return file.read()


def _read(text: str, database: str) -> Iterator[Sent]:
    for row in csv.reader(text.splitlines(keepends=True)):
        if len(row) < 20 or row[2] != database or row[1] == ADMIN:
            continue
        severity, message = row[11], row[13]
        if severity == "LOG" and message.startswith("statement: "):
            yield Sent(session=int(row[3]), text=message[len("statement: ") :])
        elif severity == "LOG" and (found := _EXECUTE.match(message)):
            yield Sent(session=int(row[3]), text=_bound(message[found.end() :], row[14]))
        elif severity in {"ERROR", "FATAL"}:
            yield Sent(session=int(row[3]), text=row[19], error=f"{row[12]}: {message}", sqlstate=row[12])


def _bound(text: str, detail: str) -> str:
    """Put the values of a prepared statement into its text, as the server wrote them down."""
    values = dict(_PARAMETER.findall(detail))
    if not values:
        return text
    return "".join(
        values.get(piece[1:], piece) if token.kind is Kind.NUMBER and piece.startswith("$") else piece
        for token in tokens(text) for piece in [text[token.start : token.end]]
    )  # fmt: skip


@dataclass(slots=True, kw_only=True)
class _Block:
    """The statements of one transaction, or one that stood alone."""

    texts: list[str]
    open: bool
    failed: bool = False
    marks: list[tuple[str, int]] = field(default_factory=list)
    """Savepoints: name, and how many statements stood before it."""

    def mark(self, verb: str, name: str) -> None:
        """Set a savepoint, let it go, or go back to it; what is gone back over never took effect."""
        place = next((at for at in range(len(self.marks) - 1, -1, -1) if self.marks[at][0] == name), None)
        if verb == "savepoint":
            self.marks.append((name, len(self.texts)))
        elif place is not None and verb == "release":
            del self.marks[place:]
        elif place is not None:
            del self.texts[self.marks[place][1] :], self.marks[place + 1 :]
            self.failed = False


def script(sent: list[Sent], own: Bookkeeping) -> Recorded:
    """Return what took effect as a script; what is about the tool's own tables or only looks is left out."""
    blocks: list[_Block] = []
    current: dict[int, _Block] = {}
    error: str | None = None
    for item in sent:
        block = current.get(item.session)
        if item.error is not None:
            error = error if own.concerns(item.text) else item.error
            if block is not None:
                block.failed = True
            elif blocks and item.text.strip() and blocks[-1].texts[-1:] == [item.text]:
                blocks.pop()
            continue
        _take(item, current, blocks, own)
    return _joined([block for block in blocks if block.texts and not block.failed], error, reached=bool(sent))


def _take(item: Sent, current: dict[int, _Block], blocks: list[_Block], own: Bookkeeping) -> None:
    """Put one message where it belongs: into its session's transaction, or one of its own."""
    parts = statements.split(item.text)
    alone = len(parts) < 2
    for part in parts:
        if transactions.controls_transaction(part):
            _control(part.text, current, item.session, blocks)
            continue
        if (point := transactions.savepoint(part)) is not None:
            if item.session in current:
                current[item.session].mark(*point)
            continue
        if _LOOKING.match(part.text) or own.concerns(part.text):
            continue
        block = current.get(item.session)
        if block is None:
            block = _Block(texts=[], open=False)
            blocks.append(block)
            if not alone:
                current[item.session] = block
        # comments above a statement stay with it: they may hold an acknowledgement
        block.texts.append(item.text if alone else part.text)
    if not alone and (left := current.get(item.session)) is not None and not left.open:
        del current[item.session]


def _control(text: str, current: dict[int, _Block], session: int, blocks: list[_Block]) -> None:
    word = text.split(None, 1)[0].lower()
    if word in {"begin", "start"}:
        if session not in current:
            current[session] = _Block(texts=[], open=True)
            blocks.append(current[session])
        return
    block = current.pop(session, None)
    if block is not None and word in {"rollback", "abort"}:
        block.failed = True


def _joined(blocks: list[_Block], error: str | None, *, reached: bool) -> Recorded:
    if not blocks:
        return Recorded(text="", mode=Mode.TRANSACTION, error=error, transactions=0, reached=reached)
    if len(blocks) == 1 and (blocks[0].open or len(blocks[0].texts) > 1):
        return Recorded(text=_lines(blocks[0].texts), mode=Mode.TRANSACTION, error=error, transactions=1)
    texts: list[str] = []
    for block in blocks:
        together = block.open or len(block.texts) > 1
        texts += ["begin", *block.texts, "commit"] if together else block.texts
    return Recorded(text=_lines(texts), mode=Mode.AUTOCOMMIT, error=error, transactions=len(blocks))


def _lines(texts: list[str]) -> str:
    # the semicolon stands on a line of its own: the text may end in a comment
    return "".join(
        f"{text.strip().rstrip(';')}\n;\n" if "--" in text else f"{text.strip().rstrip(';')};\n" for text in texts
    )
