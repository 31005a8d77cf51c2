"""Execution of statements: one by one, or with the implicit transaction of one simple-query message."""

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
    """Observer of the statements of a session."""

    def before(self, connection: Connection[Any], statement: Statement) -> None:
        """Observe the session before a statement."""
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
        """Observe the session after a statement; ``rows`` are the affected rows."""
        ...


class StatementFailed(Exception):
    """PostgreSQL returned an error for a statement, or for a deferred trigger or constraint after it."""

    def __init__(self, error: psycopg.Error, statement: Statement | None) -> None:
        super().__init__(str(error))
        self.error = error
        self.statement = statement


def run_as_one_message(connection: Connection[Any], parts: tuple[Statement, ...], watcher: Watcher | None) -> None:
    """Run statements one by one with the transactions that they have in one simple-query message.

    Statements outside the script's own transaction blocks run in an implicit one; a later ``BEGIN`` continues it.
    """
    ours = False
    for part in parts:
        if transactions.controls_transaction(part):
            ours = False
        elif connection.info.transaction_status == TransactionStatus.IDLE:
            connection.execute("begin")
            ours = True
        run_watched(connection, part, watcher)
    if ours:
        commit(connection, parts)


def commit(connection: Connection[Any], parts: tuple[Statement, ...]) -> None:
    """Commit; raises StatementFailed at the last statement for the error of a deferred constraint."""
    try:
        connection.execute("commit")
    except psycopg.Error as error:
        raise StatementFailed(error, parts[-1]) from error


def run_watched(connection: Connection[Any], part: Statement, watcher: Watcher | None) -> None:
    """Run one statement between the two calls of the watcher; raises StatementFailed."""
    if watcher is None:
        run(connection, part)
        return
    watcher.before(connection, part)
    began = time.perf_counter()
    try:
        rows = run(connection, part)
    except StatementFailed as failed:
        if connection.info.transaction_status != TransactionStatus.UNKNOWN:
            watcher.after(
                connection, part, duration_ms=(time.perf_counter() - began) * 1000.0, rows=None, error=failed.error
            )
        raise
    watcher.after(connection, part, duration_ms=(time.perf_counter() - began) * 1000.0, rows=rows, error=None)


def send(connection: Connection[Any], part: Statement) -> int | None:
    """Run one statement with its COPY data; return its row count, or None. Rows that it returns are discarded."""
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


def run(connection: Connection[Any], part: Statement) -> int | None:
    """Run one statement as ``send`` does; raises StatementFailed."""
    try:
        return send(connection, part)
    except psycopg.Error as error:
        raise StatementFailed(error, part) from error


def run_message(connection: Connection[Any], text: str) -> None:
    """Run SQL without COPY data as one simple-query message and discard its rows; raises psycopg's error.

    It costs less than a cursor, which counts for a base with hundreds of migrations.
    """
    with connection.lock:
        connection.pgconn.send_query(text.encode(connection.info.encoding))
        results = connection.wait(generators.execute(connection.pgconn))
    for result in results:
        if result.status == ExecStatus.FATAL_ERROR:
            raise errors.error_from_result(result, connection.info.encoding)
