"""Statements that cannot be looked at from within their transaction: blocked for a moment, and looked at then."""

from __future__ import annotations

import threading
import time
from collections.abc import Iterable, Iterator
from typing import Any

import psycopg
from psycopg import Connection, sql
from psycopg.conninfo import make_conninfo
from psycopg.rows import tuple_row

from kfm_ci.evidence.observation import locks
from kfm_ci.evidence.statement_evidence import LockMode
from kfm_ci.postgres import administrator
from kfm_ci.sql import statements
from kfm_ci.sql.script import Statement

PATIENCE_S = 5.0
"""Longest time a statement is blocked."""

INTERVAL_S = 0.001

# An index stands for its table: that is what everyone waits for. What is named first is locked first by nearly
# every command, so it comes last here: it is the first to be released.
HEAPS = """
select c.relispartition, n.nspname, c.relname
  from pg_catalog.unnest(%s::pg_catalog.text[]) with ordinality as given(name, place)
  join pg_catalog.pg_class r on r.oid operator(pg_catalog.=) pg_catalog.to_regclass(given.name)::pg_catalog.oid
  left join pg_catalog.pg_index i on i.indexrelid operator(pg_catalog.=) r.oid
  join pg_catalog.pg_class c on c.oid operator(pg_catalog.=) coalesce(i.indrelid, r.oid)
  join pg_catalog.pg_namespace n on n.oid operator(pg_catalog.=) c.relnamespace
 where c.relkind operator(pg_catalog.=) any ('{r,p}'::pg_catalog."char"[])
   and c.oid operator(pg_catalog.>=) 16384::pg_catalog.oid
 group by c.oid, 1, 2, 3 order by pg_catalog.min(given.place) desc
"""
_OF_A_TABLE = frozenset({"OBJECT_TRIGGER", "OBJECT_POLICY", "OBJECT_RULE"})
WAITS = "select %s = any (pg_catalog.pg_blocking_pids(%s))"


class Observation:
    """Watches the locks of one statement of another session while it runs; never longer than it must.

    A session of its own holds ROW EXCLUSIVE on the statement's tables, as any writer would. So a statement with a
    stronger lock, or one that is CONCURRENTLY, waits; what it has and what it waits for is read; then it goes on
    until the next table. DETACH PARTITION CONCURRENTLY releases its first lock before it waits for anyone: it is
    blocked by what conflicts with that lock itself.
    """

    def __init__(self, connection: Connection[Any], *, pid: int, database: int, holds: tuple[sql.Composed, ...]):
        """Use a connection that has no other user until ``finish``, of a role that may lock the tables."""
        self._connection = connection
        self._pid = pid
        self._database = database
        self._seen: dict[int, LockMode] = {}
        self._stop = threading.Event()
        self._layers = 0
        try:
            if holds:
                self._hold(holds)
        except psycopg.Error:
            self._give_up()
        self._thread = threading.Thread(target=self._watch, name="lock-watch", daemon=True)
        self._thread.start()

    def _hold(self, holds: tuple[sql.Composed, ...]) -> None:
        self._connection.execute("begin")
        self._connection.execute("set local lock_timeout = '1s'")
        for hold in holds:
            self._connection.execute(sql.SQL("savepoint {}").format(sql.Identifier(f"layer_{self._layers + 1}")))
            self._connection.execute(hold)
            self._layers += 1

    def _release_last(self) -> None:
        """Release the lock taken last; with the last one left, all."""
        if self._layers <= 1:
            self._give_up()
            return
        self._connection.execute(sql.SQL("rollback to {}").format(sql.Identifier(f"layer_{self._layers}")))
        self._layers -= 1

    def _give_up(self) -> None:
        """Give all locks back; a session that cannot do that is none any more."""
        try:
            self._connection.execute("rollback")
        except psycopg.Error:
            self._connection.close()
        self._layers = 0

    def _watch(self) -> None:
        deadline = time.monotonic() + PATIENCE_S
        try:
            while not self._stop.is_set():
                self._note()
                if self._layers and self._waits():
                    # Once more: what it waits for may have come after the first look.
                    self._note()
                    self._release_last()
                elif self._layers and time.monotonic() > deadline:
                    self._give_up()
                self._stop.wait(INTERVAL_S)
            if self._layers:
                self._give_up()
        except psycopg.Error:
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
        if self._thread.is_alive():
            self._connection.close()
        return dict(self._seen)


class LockProbe:
    """A session that blocks statements of another, one after the other; opened when the first one comes."""

    def __init__(self, beside: Connection[Any]) -> None:
        """``beside`` says how to reach the server as a role that may lock."""
        self._beside = beside
        self._connection: Connection[Any] | None = None

    def observe(self, statement: Statement, *, observed: Connection[Any], database: int) -> Observation | None:
        """Start to watch a statement that ``observed`` is about to run outside any transaction; None when it cannot."""
        with observed.cursor(row_factory=tuple_row) as cursor:
            tables = cursor.execute(HEAPS.encode(), (list(_named(statement)),), prepare=False).fetchall()
        detaches = is_concurrent(statement) and "DETACH" in statements.words(statement.text)
        holds = tuple(_lock(schema, table, _mode(partition, detaches)) for partition, schema, table in tables)
        try:
            connection = self._connect(observed.info.dbname)
        except psycopg.Error:
            return None
        return Observation(connection, pid=observed.info.backend_pid, database=database, holds=holds)

    def _connect(self, database: str) -> Connection[Any]:
        if self._connection is None or self._connection.closed or self._connection.info.dbname != database:
            self.close()
            self._connection = administrator.connect(
                make_conninfo(self._beside.info.dsn, password=self._beside.info.password or None),
                database=database,
                settings={"statement_timeout": "10s", "idle_in_transaction_session_timeout": "30s"},
                timeout=5,
            )
        return self._connection

    def close(self) -> None:
        """End the session."""
        if self._connection is not None:
            self._connection.close()
            self._connection = None


def _mode(partition: bool, detaches: bool) -> sql.SQL:
    if not detaches:
        return sql.SQL("row exclusive")
    return sql.SQL("access share") if partition else sql.SQL("share update exclusive")


def _lock(schema: str, table: str, mode: sql.SQL) -> sql.Composed:
    return sql.SQL("lock table only {} in {} mode").format(sql.Identifier(schema, table), mode)


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
            # a trigger, policy or rule comes after its table; a database's name before all of it
            end = -1 if drop.choice("remove_type") in _OF_A_TABLE else None
            yield from (
                _quote(list(item.strings("items"))[:end][-2:]) for item in drop.many("objects") if item.tag == "List"
            )


def _quote(parts: Iterable[str]) -> str:
    return ".".join('"' + part.replace('"', '""') + '"' for part in parts)


__all__ = ["Observation", "LockProbe", "is_concurrent"]
