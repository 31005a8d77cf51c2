"""What a foreign tool sent to the server, read from the server's own log."""

from __future__ import annotations

import csv
import re
import secrets
import time
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import psycopg
from psycopg import sql

from kfm_ci.errors import CannotCheck
from kfm_ci.migrations.tokens import Kind, tokens
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
        self._offset = self._log.stat().st_size if self._log.exists() else 0

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


def looks(text: str) -> bool:
    """Whether a statement only asks the server about itself or the catalog."""
    return _LOOKING.match(text) is not None
