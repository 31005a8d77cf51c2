"""One look at the observed session: its relations, locks, counters and settings."""

from __future__ import annotations

import json
import re
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from functools import lru_cache
from typing import Any

import psycopg
from psycopg import Connection
from psycopg.pq import ExecStatus
from psycopg.rows import tuple_row

from kfm_ci.evidence.observation import locks, snapshot_queries
from kfm_ci.evidence.statement_evidence import LockMode

KINDS = {
    "r": "table",
    "p": "table",
    "i": "index",
    "I": "index",
    "v": "view",
    "m": "materialized view",
    "S": "sequence",
    "f": "foreign table",
    "c": "type",
}
_UNITS = {"": 1, "ms": 1, "s": 1000, "min": 60_000, "h": 3_600_000, "d": 86_400_000}


@dataclass(frozen=True, slots=True, kw_only=True)
class Relation:
    """A relation as it stands in the catalog."""

    name: str
    kind: str
    filenode: int
    """0 for what has no storage of its own."""
    table: int | None = None
    """OID of the table that an index is on."""
    valid: bool = True


@dataclass(frozen=True, slots=True, kw_only=True)
class SessionSnapshot:
    """One look at the observed session."""

    level: str
    """``client_min_messages`` as the session had it."""
    lock_timeout_ms: int
    statement_timeout_ms: int
    lsn: int
    low: str | None
    """Oldest transaction still open: what is older has been seen. None when not all was looked at."""
    xact: str | None
    outcome: str | None
    """What became of the transaction asked after: ``committed``, ``aborted``, ``in progress`` or None."""
    held: Mapping[int, LockMode]
    """Strongest lock by OID of the relation."""
    relations: Mapping[int, Relation]
    """At least those that changed since the look before."""
    scans: Mapping[int, int]
    changes: Mapping[int, int]


def existing(connection: Connection[Any]) -> frozenset[int]:
    """Return the OIDs of all relations there are now, such as those before a pull request."""
    return frozenset(oid for (oid,) in _ask(connection, snapshot_queries.RELATIONS))


def whole(connection: Connection[Any], *, inside: bool, low: str, xact: str | None) -> SessionSnapshot:
    """Look at the session and have it report what it does; ``inside`` a transaction that lasts until it ends."""
    version = connection.info.server_version
    return look(_ask(connection, snapshot_queries.whole(inside=inside, low=low, xact=xact, version=version)))


def opening(connection: Connection[Any], *, xact: str | None, cached: bool) -> SessionSnapshot | None:
    """Look at a transaction that has just begun; None where counters of the one before may be left over."""
    if connection.info.server_version < snapshot_queries.HANDS_OVER:
        return None
    if cached:
        return _look(json.loads(_ask_at_once(connection, snapshot_queries.opened(xact=xact))[0] or ""), ())
    return _look(_ask_at_once(connection, snapshot_queries.opening(xact=xact)), ())


def cache_queries(observed: Connection[Any], beside: Connection[Any]) -> bool:
    """Have the session cache the plan of ``further``; False where it has to plan that each time.

    ``beside`` is a session of a superuser. Another superuser could drop or change what is set up here, or fail
    because of it: such a session gets nothing.
    """
    if beside.info.dbname != observed.info.dbname or observed.info.parameter_status("is_superuser") != "off":
        return False
    try:
        beside.execute(snapshot_queries.cached_functions(version=observed.info.server_version).encode())
    except psycopg.Error:
        return False
    return True


def further(connection: Connection[Any], last: SessionSnapshot, *, cached: bool) -> SessionSnapshot:
    """Look again, inside the transaction of the ``last`` look, at what the transaction has locked."""
    if cached:
        state, relations = json.loads(_ask_at_once(connection, snapshot_queries.CACHED)[0] or "")
        return _look(state, relations or (), last)
    return look(_ask(connection, snapshot_queries.locked(version=connection.info.server_version)), last)


def after(connection: Connection[Any], *, inside: bool, low: str, level: str) -> SessionSnapshot:
    """Look at the session and give it its own message level back."""
    question = snapshot_queries.restore(inside=inside, low=low, level=level, version=connection.info.server_version)
    return look(_ask(connection, question))


@lru_cache
def milliseconds(setting: str) -> int:
    """Return a time setting as the server prints it (``2s``, ``1min``, ``0``) in milliseconds."""
    found = re.fullmatch(r"(-?\d+)(ms|s|min|h|d)?", setting)
    return int(found[1]) * _UNITS[found[2] or ""] if found else 0


def _ask(connection: Connection[Any], question: str) -> list[tuple[Any, ...]]:
    with connection.cursor(row_factory=tuple_row) as cursor:
        return cursor.execute(question.encode(), prepare=False).fetchall()


def _ask_at_once(connection: Connection[Any], question: str) -> list[str | None]:
    """Ask for one row as text without the care for long answers: it is asked around every statement."""
    result, encoding = connection.pgconn.exec_(question.encode()), connection.info.encoding
    if result.status != ExecStatus.TUPLES_OK:
        raise psycopg.errors.error_from_result(result, encoding=encoding)
    values = (result.get_value(0, column) for column in range(result.nfields))
    return [None if value is None else value.decode(encoding) for value in values]


def look(rows: Sequence[Sequence[Any]], last: SessionSnapshot | None = None) -> SessionSnapshot:
    """Return the answer to the question as a look; what was not counted again counts as in the ``last`` one."""
    found = [row[snapshot_queries.OF_STATE :] for row in rows if row[snapshot_queries.OF_STATE] is not None]
    return _look(rows[0][: snapshot_queries.OF_STATE], found, last)


def _look(state: Sequence[Any], found: Sequence[Sequence[Any]], last: SessionSnapshot | None = None) -> SessionSnapshot:
    scans, changes = {row[0]: row[6] for row in found if row[6]}, {row[0]: row[7] for row in found if row[7]}
    if last is not None:
        scans, changes = {**last.scans, **scans}, {**last.changes, **changes}
    level, _, lock_timeout, statement_timeout, lsn, low, _, xact, outcome, held = state
    high, _, rest = lsn.partition("/")
    return SessionSnapshot(
        level=level,
        lock_timeout_ms=milliseconds(lock_timeout),
        statement_timeout_ms=milliseconds(statement_timeout),
        lsn=(int(high, 16) << 32) + int(rest, 16),
        low=low,
        xact=xact,
        outcome=outcome,
        held=locks.strongest(_lock(text) for text in held or ()),
        relations=dict(_relations(found)),
        scans=scans,
        changes=changes,
    )


def _lock(text: str) -> tuple[int, str]:
    oid, _, mode = text.partition(" ")
    return int(oid), mode


def _relations(rows: Iterable[Sequence[Any]]) -> Iterable[tuple[int, Relation]]:
    for oid, name, kind, partition, filenode, index, _, _ in rows:
        yield (
            oid,
            Relation(
                name=name,
                kind="partition" if partition and kind in "rp" else KINDS.get(kind, "relation"),
                filenode=filenode,
                table=index[0] if index else None,
                valid=not index or bool(index[1]),
            ),
        )
