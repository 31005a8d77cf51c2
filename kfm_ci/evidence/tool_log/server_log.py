"""The statements that an external migration tool executed, from the server's log."""

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
_CATALOG_QUERY = re.compile(
    # a driver selects a constant to test its connection
    r"^\s*(?:show\b|select\s+(?:\d+|true|null|'\w*')(?:\s+as\s+\w+)?\s*;?\s*$|(?:select|with)\b(?:(?!\b(?:into|insert|update|delete|merge)\b).)*"
    r"\b(?:pg_catalog|information_schema|to_regclass|version\(\)"
    r"|pg_(?:class|attribute|type|range|database|namespace|index|indexes|constraint|roles|extension|tables|views|settings|proc|enum)\b"
    r"|current_schema|current_database|pg_try_advisory|pg_advisory|standard_conforming))",
    re.IGNORECASE | re.DOTALL,
)
_LOG_SETTINGS = {"log_statement": "all", "log_parameter_max_length": "-1", "log_min_error_statement": "error"}
_NEW_BYTES = """
select pg_read_binary_file(path, place, least(size - place, 1 << 28), true)
  from (select %s::text as path, %s::bigint as place) log, pg_stat_file(path, true) as file
 where size > place
"""
WAIT_S = 10.0
"""Seconds in which the log must contain the executed statements."""


@dataclass(frozen=True, slots=True, kw_only=True)
class LoggedStatement:
    """One statement or simple-query message of a session, with the server's error if it failed."""

    session: int
    text: str
    error: str | None = None
    sqlstate: str | None = None


class LogRecorder:
    """Reads new lines of the log through SQL, because the server may run in another container."""

    def __init__(self, server: Server, database: str) -> None:
        """Log every statement of the database from now on; raises CannotCheck if the log cannot be read."""
        self._server, self._database = server, database
        with self._connect(server.maintenance) as connection, _privileged(server):
            self._path = self._current(connection)
            for key, value in _LOG_SETTINGS.items():
                connection.execute(
                    sql.SQL("alter database {} set {} = {}").format(
                        sql.Identifier(database), sql.Identifier(key), sql.Literal(value)
                    )
                )
            self._offset = 0
            self._offset = len(self._new_bytes(connection))

    def read_new(self) -> list[LoggedStatement]:
        """Return the statements executed in the database since the last call; waits until the log contains all."""
        mark = f"kfm-{secrets.token_hex(8)}"
        line_of_mark = re.compile(mark.encode() + rb"[^\n]*\n")
        data = b""
        with self._connect(self._database) as connection:
            connection.execute(
                "set log_statement = 'all'"
            )  # the administrator's sessions ignore the database's setting
            connection.execute(sql.SQL("select {}").format(sql.Literal(mark)))
            deadline = time.monotonic() + WAIT_S
            while (found := line_of_mark.search(data)) is None:
                if time.monotonic() > deadline:
                    raise CannotCheck(
                        code="KFM-C43",
                        message=f"The server's log does not contain the tool's statements after {WAIT_S:.0f} seconds.",
                        where=self._path,
                        help="Run the gate again with `--engine embedded` or `--engine docker`.",
                    )
                # asked before the rest is read, so that a file is read to its end after the server has left it
                current = self._current(connection)
                more = self._new_bytes(connection)
                data += more
                self._offset += len(more)
                if not more and current != self._path:
                    self._path, self._offset = current, 0
                elif not more:
                    time.sleep(0.005)
        return list(_parse(data[: found.end()].decode("utf-8", "replace"), self._database, self._server.owner))

    def _connect(self, database: str) -> psycopg.Connection[Any]:
        return self._server.connect_as_administrator(database)

    def _current(self, connection: psycopg.Connection[Any]) -> str:
        row = connection.execute("select pg_current_logfile('csvlog')").fetchone()
        if row is None or row[0] is None:
            raise _unreadable_log(self._server, "the server writes no CSV log")
        return str(row[0])

    def _new_bytes(self, connection: psycopg.Connection[Any]) -> bytes:
        """Return the bytes of the log after the offset."""
        row = connection.execute(_NEW_BYTES, [self._path, self._offset]).fetchone()
        return bytes(row[0]) if row and row[0] else b""


@contextmanager
def _privileged(server: Server) -> Iterator[None]:
    try:
        yield
    except psycopg.errors.InsufficientPrivilege as error:
        raise _unreadable_log(server, str(error).splitlines()[0]) from error


def _unreadable_log(server: Server, reason: str) -> CannotCheck:
    return CannotCheck(
        code="KFM-C40",
        message=f"The SQL of this tool is read from the server's log, which cannot be read: {reason}.",
        where=server.detail,
        expected="a superuser, and a server started with logging_collector=on and log_destination=csvlog",
        help="Start the server with these settings, or use `--engine embedded` or `--engine docker`.",
    )


def _parse(text: str, database: str, user: str) -> Iterator[LoggedStatement]:
    for row in csv.reader(text.splitlines(keepends=True)):
        if len(row) < 20 or row[2] != database or row[1] != user:
            continue
        severity, message = row[11], row[13]
        if severity == "LOG" and message.startswith("statement: "):
            yield LoggedStatement(session=int(row[3]), text=message[len("statement: ") :])
        elif severity == "LOG" and (found := _EXECUTE.match(message)):
            yield LoggedStatement(session=int(row[3]), text=_with_parameters(message[found.end() :], row[14]))
        elif severity in {"ERROR", "FATAL"}:
            yield LoggedStatement(session=int(row[3]), text=row[19], error=f"{row[12]}: {message}", sqlstate=row[12])


def _with_parameters(text: str, detail: str) -> str:
    """Return a prepared statement with the parameter values that the server logged in its DETAIL."""
    values = dict(_PARAMETER.findall(detail))
    if not values:
        return text
    return "".join(
        values.get(piece[1:], piece) if token.kind is Kind.NUMBER and piece.startswith("$") else piece
        for token in tokens(text)
        for piece in [text[token.start : token.end]]
    )


def is_catalog_query(text: str) -> bool:
    """Whether a statement only reads the catalog, settings or a constant."""
    return _CATALOG_QUERY.match(text) is not None
