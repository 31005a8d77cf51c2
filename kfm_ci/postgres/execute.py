"""Statements on their way to the server: one by one, or with the borders of one message."""

from __future__ import annotations

import time
from collections import deque
from typing import Any, Protocol

import psycopg
from psycopg import Connection, errors, generators
from psycopg.pq import ExecStatus, TransactionStatus

from kfm_ci.sql import copy_data, transactions
from kfm_ci.sql.script import Statement


class Watcher(Protocol):
    """Whoever looks on while statements run."""

    def before(self, connection: Connection[Any], statement: Statement) -> None:
        """Look at the session before a statement."""
        ...

    def after(
        self,
        connection: Connection[Any],
        statement: Statement,
        *,
        duration_ms: float,
        rows: int | None,
        error: Exception | None,
    ) -> None:
        """Look at the session after it."""
        ...


class StatementFailed(Exception):
    """The server refused a statement, or what stands behind it."""

    def __init__(self, error: psycopg.Error, statement: Statement | None) -> None:
        super().__init__(str(error))
        self.error = error
        self.statement = statement


def as_one_message(connection: Connection[Any], parts: tuple[Statement, ...], watcher: Watcher | None) -> None:
    """Run statements one by one with the transactions they would have in one message.

    The server puts what stands outside the file's own transactions into one of its own; a `begin` after it joins it.
    """
    ours = False
    for part in parts:
        if transactions.controls_transaction(part):
            ours = False
        elif connection.info.transaction_status == TransactionStatus.IDLE:
            connection.execute("begin")
            ours = True
        watched(connection, part, watcher)
    if ours:
        commit(connection, parts)


def commit(connection: Connection[Any], parts: tuple[Statement, ...]) -> None:
    """Commit what statements did; raises Failed at the last of them for what a deferred constraint says."""
    try:
        connection.execute("commit")
    except psycopg.Error as error:
        raise StatementFailed(error, parts[-1]) from error


def watched(connection: Connection[Any], part: Statement, watcher: Watcher | None) -> None:
    """Run one statement under the eyes of whoever looks on; raises Failed."""
    if watcher is None:
        deliver(connection, part)
        return
    watcher.before(connection, part)
    began = time.perf_counter()
    try:
        rows = deliver(connection, part)
    except StatementFailed as failed:
        if connection.info.transaction_status != TransactionStatus.UNKNOWN:
            watcher.after(
                connection, part, duration_ms=(time.perf_counter() - began) * 1000.0, rows=None, error=failed.error
            )
        raise
    watcher.after(connection, part, duration_ms=(time.perf_counter() - began) * 1000.0, rows=rows, error=None)


def send(connection: Connection[Any], part: Statement) -> int | None:
    """Run one statement with the rows that stand below it; return how many rows it concerned. Rows that it prints go nowhere."""
    way = copy_data.streamed(part)
    with connection.cursor() as cursor:
        if way is None:
            cursor.execute(part.text)
        else:
            data = copy_data.rows(part) or ""
            with cursor.copy(
                part.text[: len(part.text) - len(data)] if part.text.endswith(data) else part.text
            ) as copy:
                if way == "FROM":
                    copy.write(data)
                else:
                    deque(copy, maxlen=0)
        return cursor.rowcount if cursor.rowcount >= 0 else None


def deliver(connection: Connection[Any], part: Statement) -> int | None:
    """Run one statement as ``send`` does; raises Failed."""
    try:
        return send(connection, part)
    except psycopg.Error as error:
        raise StatementFailed(error, part) from error


def plainly(connection: Connection[Any], text: str) -> None:
    """Run a text that streams no rows as one message, and look at none; half a cursor's work, for whoever sends hundreds.

    Raises psycopg's error.
    """
    with connection.lock:
        connection.pgconn.send_query(text.encode(connection.info.encoding))
        results = connection.wait(generators.execute(connection.pgconn))
    for result in results:
        if result.status == ExecStatus.FATAL_ERROR:
            raise errors.error_from_result(result, connection.info.encoding)
