"""What a foreign tool sent to the server, read from the server's own log."""

from __future__ import annotations

import csv
import re
import secrets
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any

import psycopg
from psycopg import sql

from kfm_ci.errors import CannotCheck
from kfm_ci.postgres.engines.base import Server
from kfm_ci.sql.tokens import Kind, tokens

_EXECUTE = re.compile(r"^execute [^:]*: ")
_PARAMETER = re.compile(r"\$(\d+) = (NULL|'(?:[^']|'')*')")
_LOOKING = re.compile(
    # a driver asks for a constant to see whether its connection lives
    r"^\s*(?:show\b|select\s+(?:\d+|true|null|'\w*')(?:\s+as\s+\w+)?\s*;?\s*$|(?:select|with)\b(?:(?!\b(?:into|insert|update|delete|merge)\b).)*"
    r"\b(?:pg_catalog|information_schema|to_regclass|version\(\)"
    r"|pg_(?:class|attribute|type|range|database|namespace|index|indexes|constraint|roles|extension|tables|views|settings|proc|enum)\b"
    r"|current_schema|current_database|pg_try_advisory|pg_advisory|standard_conforming))",
    re.IGNORECASE | re.DOTALL,
)
_NOTED = {"log_statement": "all", "log_parameter_max_length": "-1", "log_min_error_statement": "error"}
_REST = """
select pg_read_binary_file(path, place, least(size - place, 1 << 28), true)
  from (select %s::text as path, %s::bigint as place) log, pg_stat_file(path, true) as file
 where size > place
"""
WAIT = 10.0
"""Seconds until the log must have what was sent."""


@dataclass(frozen=True, slots=True, kw_only=True)
class LoggedStatement:
    """One message that the server took, with what it answered when it refused."""

    session: int
    text: str
    error: str | None = None
    sqlstate: str | None = None


class LogRecorder:
    """Reads the server's log from where it was left, by the server itself: it may stand in another container."""

    def __init__(self, server: Server, database: str) -> None:
        """Ask the database to note every statement; raises CannotCheck where its log cannot be read."""
        self._server, self._database = server, database
        with self._connect(server.maintenance) as connection, _privileged(server):
            self._path = self._current(connection)
            for key, value in _NOTED.items():
                connection.execute(
                    sql.SQL("alter database {} set {} = {}").format(
                        sql.Identifier(database), sql.Identifier(key), sql.Literal(value)
                    )
                )
            self._offset = 0
            self._offset = len(self._rest(connection))

    def take(self) -> list[LoggedStatement]:
        """Return what was sent to the database since the last look; waits until the log has all of it."""
        mark = f"kfm-{secrets.token_hex(8)}"
        line_of_mark = re.compile(mark.encode() + rb"[^\n]*\n")
        data = b""
        with self._connect(self._database) as connection:
            connection.execute(sql.SQL("select {}").format(sql.Literal(mark)))
            deadline = time.monotonic() + WAIT
            while (found := line_of_mark.search(data)) is None:
                if time.monotonic() > deadline:
                    raise CannotCheck(
                        code="KFM-C43", message="the server's log does not show what was sent", where=self._path
                    )
                # read before it is asked for: a file that is no longer written to is read to its end
                current = self._current(connection)
                more = self._rest(connection)
                data += more
                self._offset += len(more)
                if not more and current != self._path:
                    self._path, self._offset = current, 0
                elif not more:
                    time.sleep(0.005)
        # what follows the line of the mark is of no interest
        return list(_read(data[: found.end()].decode("utf-8", "replace"), self._database, self._server.owner))

    def _connect(self, database: str) -> psycopg.Connection[Any]:
        return psycopg.connect(self._server.dsn(database, admin=True), autocommit=True)

    def _current(self, connection: psycopg.Connection[Any]) -> str:
        row = connection.execute("select pg_current_logfile('csvlog')").fetchone()
        if row is None or row[0] is None:
            raise unread(self._server, "it keeps no log as CSV")
        return str(row[0])

    def _rest(self, connection: psycopg.Connection[Any]) -> bytes:
        """Return what the log has beyond the place where it was left."""
        row = connection.execute(_REST, [self._path, self._offset]).fetchone()
        return bytes(row[0]) if row and row[0] else b""


@contextmanager
def _privileged(server: Server) -> Iterator[None]:
    try:
        yield
    except psycopg.errors.InsufficientPrivilege as error:
        raise unread(server, str(error).splitlines()[0]) from error


def unread(server: Server, why: str) -> CannotCheck:
    """Return what to say of a server whose log we cannot read."""
    return CannotCheck(
        code="KFM-C40",
        message=f"this tool is watched through the server's log, which cannot be read: {why}",
        where=server.detail,
        expected="a superuser, and a server started with logging_collector=on and log_destination=csvlog",
        help="start it so, or use --engine embedded or docker",
    )


def _read(text: str, database: str, user: str) -> Iterator[LoggedStatement]:
    for row in csv.reader(text.splitlines(keepends=True)):
        if len(row) < 20 or row[2] != database or row[1] != user:
            continue
        severity, message = row[11], row[13]
        if severity == "LOG" and message.startswith("statement: "):
            yield LoggedStatement(session=int(row[3]), text=message[len("statement: ") :])
        elif severity == "LOG" and (found := _EXECUTE.match(message)):
            yield LoggedStatement(session=int(row[3]), text=_bound(message[found.end() :], row[14]))
        elif severity in {"ERROR", "FATAL"}:
            yield LoggedStatement(session=int(row[3]), text=row[19], error=f"{row[12]}: {message}", sqlstate=row[12])


def _bound(text: str, detail: str) -> str:
    """Put the values of a prepared statement into its text, as the server wrote them down."""
    values = dict(_PARAMETER.findall(detail))
    if not values:
        return text
    return "".join(
        values.get(piece[1:], piece) if token.kind is Kind.NUMBER and piece.startswith("$") else piece
        for token in tokens(text)
        for piece in [text[token.start : token.end]]
    )


def looks(text: str) -> bool:
    """Whether a statement only asks the server about itself or the catalog."""
    return _LOOKING.match(text) is not None
