"""Statements that cannot be looked at from within their transaction: held up for a moment, and looked at then."""

from __future__ import annotations

import threading
import time
from collections.abc import Iterator
from types import TracebackType
from typing import Any, Self

import psycopg
from psycopg import Connection, sql
from psycopg.rows import tuple_row

from kfm_ci.evidence import locks
from kfm_ci.evidence.model import LockMode
from kfm_ci.migrations import statements
from kfm_ci.migrations.files import Statement

PATIENCE_S = 5.0
"""Longest time a statement is held up."""

INTERVAL_S = 0.001

# An index stands for its table: that is what everyone waits for.
HEAPS = """
select distinct n.nspname, c.relname
  from pg_catalog.unnest(%s::pg_catalog.text[]) as given(name)
  join pg_catalog.pg_class r on r.oid operator(pg_catalog.=) pg_catalog.to_regclass(given.name)::pg_catalog.oid
  left join pg_catalog.pg_index i on i.indexrelid operator(pg_catalog.=) r.oid
  join pg_catalog.pg_class c on c.oid operator(pg_catalog.=) coalesce(i.indrelid, r.oid)
  join pg_catalog.pg_namespace n on n.oid operator(pg_catalog.=) c.relnamespace
 where c.relkind operator(pg_catalog.=) any ('{r,p}'::pg_catalog."char"[])
   and c.oid operator(pg_catalog.>=) 16384::pg_catalog.oid
"""
WAITS = "select %s = any (pg_catalog.pg_blocking_pids(%s))"


class Observation:
    """Watches the locks of one statement of another session while it runs; never longer than it must.

    A session of its own holds ROW EXCLUSIVE on the statement's tables, as any writer would. So a statement with a
    stronger lock, or one that is CONCURRENTLY, waits; what it has and what it waits for is read; then it goes on.
    """

    def __init__(self, connection: Connection[Any], *, pid: int, database: int, tables: tuple[tuple[str, str], ...]):
        """Take over a connection that nobody else uses, as a role that may lock the tables; see ``observe``."""
        self._connection = connection
        self._pid = pid
        self._database = database
        self._seen: dict[int, LockMode] = {}
        self._stop = threading.Event()
        self._failure: psycopg.Error | None = None
        try:
            self._hold(tables)
        except psycopg.Error as error:
            self._failure = error
            connection.rollback()
        self._thread = threading.Thread(target=self._watch, name="lock-watch", daemon=True)
        self._thread.start()

    def _hold(self, tables: tuple[tuple[str, str], ...]) -> None:
        self._connection.execute("set local lock_timeout = '1s'")
        for schema, table in tables:
            query = sql.SQL("lock table only {} in row exclusive mode").format(sql.Identifier(schema, table))
            self._connection.execute(query)

    def _watch(self) -> None:
        holding = True
        deadline = time.monotonic() + PATIENCE_S
        try:
            while not self._stop.is_set():
                self._note()
                if holding and (self._waits() or time.monotonic() > deadline):
                    # Once more: what it waits for may have come after the first look.
                    self._note()
                    self._connection.rollback()
                    self._connection.autocommit = True
                    holding = False
                self._stop.wait(INTERVAL_S)
        except psycopg.Error as error:
            self._failure = error
        finally:
            self._connection.close()

    def _waits(self) -> bool:
        with self._connection.cursor(row_factory=tuple_row) as cursor:
            row = cursor.execute(WAITS, (self._connection.info.backend_pid, self._pid)).fetchone()
        return bool(row and row[0])

    def _note(self) -> None:
        for oid, mode in locks.read(self._connection, self._pid, self._database).items():
            if oid not in self._seen or locks.STRENGTH[mode] > locks.STRENGTH[self._seen[oid]]:
                self._seen[oid] = mode

    def finish(self) -> dict[int, LockMode]:
        """End it, and return the strongest lock seen by OID of the relation; empty when nothing could be seen."""
        self._stop.set()
        self._thread.join(PATIENCE_S)
        return dict(self._seen)

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.finish()


def observe(
    statement: Statement, *, observed: Connection[Any], beside: Connection[Any], database: int
) -> Observation | None:
    """Start to watch a statement that ``observed`` is about to run outside any transaction.

    ``beside`` tells how to reach the server as a role that may lock; None when no session could be had.
    """
    with observed.cursor(row_factory=tuple_row) as cursor:
        tables = tuple(cursor.execute(HEAPS.encode(), (list(_named(statement)),), prepare=False).fetchall())
    try:
        connection = psycopg.connect(
            beside.info.dsn,
            password=beside.info.password or None,
            dbname=observed.info.dbname,
            options="-c search_path= -c statement_timeout=10s -c idle_in_transaction_session_timeout=30s",
            connect_timeout=5,
        )
    except psycopg.Error:
        return None
    return Observation(connection, pid=observed.info.backend_pid, database=database, tables=tables)


def is_concurrent(statement: Statement) -> bool:
    """Whether the statement says CONCURRENTLY."""
    return "CONCURRENTLY" in statements.words(statement.text)


def _named(statement: Statement) -> Iterator[str]:
    """Yield the names of relations in a statement, quoted; none for one that does not parse."""
    try:
        trees = statements.parse(statement.text)
    except statements.SyntaxProblem:
        return
    for tree in trees:
        for node in tree.find("RangeVar"):
            yield _quote(part for part in (node.text("schemaname"), node.text("relname")) if part)
        for drop in tree.find("DropStmt"):
            yield from (_quote(item.strings("items")) for item in drop.many("objects") if item.tag == "List")


def _quote(parts: Iterator[str] | tuple[str, ...]) -> str:
    return ".".join('"' + part.replace('"', '""') + '"' for part in parts)


__all__ = ["Observation", "is_concurrent", "observe"]
