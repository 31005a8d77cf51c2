"""What is asked on the observed session: its relations, counters and settings, in one question."""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Any

from psycopg import Connection
from psycopg.rows import tuple_row

RELATIONS = "select oid from pg_catalog.pg_class where oid >= 16384::oid"

# Every name and operator is qualified: the observed session's search_path belongs to whoever wrote the migration.
# Only what changed since {low} or has been counted is sent: a large schema must not slow down each statement.
_QUESTION = """
select s.*, r.* from (
  select pg_catalog.current_setting('client_min_messages') as level, {set} as changed,
         pg_catalog.current_setting('lock_timeout') as lock_timeout,
         pg_catalog.current_setting('statement_timeout') as statement_timeout,
         pg_catalog.pg_current_wal_insert_lsn()::pg_catalog.text as lsn,
         pg_catalog.pg_snapshot_xmin(pg_catalog.pg_current_snapshot())::pg_catalog.xid::pg_catalog.text as low,
         pg_catalog.pg_current_xact_id_if_assigned()::pg_catalog.text as xact,
         pg_catalog.pg_xact_status(%(xact)s::pg_catalog.xid8) as outcome
  offset 0
) s left join (
  select c.oid, pg_catalog.quote_ident(n.nspname), pg_catalog.quote_ident(c.relname), c.relkind, c.relispartition,
         c.relfilenode, i.indrelid, coalesce(i.indisvalid, true), t.scans, t.changes
    from pg_catalog.pg_class c
    join pg_catalog.pg_namespace n on n.oid operator(pg_catalog.=) c.relnamespace
    left join pg_catalog.pg_index i on i.indexrelid operator(pg_catalog.=) c.oid
    left join lateral (
      select {scans} as scans, {changes} as changes
       where c.relkind operator(pg_catalog.=) any ('{{r,m,p}}'::pg_catalog."char"[]) offset 0) t on true
   where c.oid operator(pg_catalog.>=) 16384::pg_catalog.oid
     and n.nspname operator(pg_catalog.<>) 'pg_toast'::pg_catalog.name
     and (pg_catalog.age(c.xmin) operator(pg_catalog.<=) pg_catalog.age(%(low)s::pg_catalog.xid)
          or t.scans operator(pg_catalog.>) 0::pg_catalog.int8 or t.changes operator(pg_catalog.>) 0::pg_catalog.int8
          or not i.indisvalid)
) r on true
"""

_XACT = {
    "scans": "pg_catalog.pg_stat_get_xact_numscans(c.oid)",
    "changes": "pg_catalog.pg_stat_get_xact_tuples_updated(c.oid) operator(pg_catalog.+) "
    "pg_catalog.pg_stat_get_xact_tuples_deleted(c.oid)",
}
# Outside a transaction the counters may be handed over at any moment: only what was handed over and what was not,
# taken together, grow steadily.
_TOTAL = {
    "scans": f"({_XACT['scans']} operator(pg_catalog.+) pg_catalog.pg_stat_get_numscans(c.oid))",
    "changes": f"({_XACT['changes']} operator(pg_catalog.+) pg_catalog.pg_stat_get_tuples_updated(c.oid) "
    "operator(pg_catalog.+) pg_catalog.pg_stat_get_tuples_deleted(c.oid))",
}
_LISTEN = "pg_catalog.set_config('client_min_messages', 'debug1', {local})"
_RESTORE = "pg_catalog.set_config('client_min_messages', %(level)s, {local})"


def _compose(settle: str, *, inside: bool) -> str:
    return _QUESTION.format(set=settle.format(local=str(inside).lower()), **(_XACT if inside else _TOTAL))


_BEFORE = {inside: _compose(_LISTEN, inside=inside) for inside in (True, False)}
# A statement that set the level itself is left its way.
_AFTER = {
    inside: _compose(
        "case when pg_catalog.current_setting('client_min_messages') operator(pg_catalog.=) 'debug1' "
        f"then {_RESTORE} end",
        inside=inside,
    )
    for inside in (True, False)
}

KINDS = {
    "r": "table", "p": "table", "i": "index", "I": "index", "v": "view", "m": "materialized view", "S": "sequence",
    "f": "foreign table", "c": "type",
}  # fmt: skip
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
class Look:
    """One look at the observed session."""

    level: str
    """``client_min_messages`` as the session had it."""
    lock_timeout_ms: int
    statement_timeout_ms: int
    lsn: int
    low: str
    """Oldest transaction still open: what is older has been seen."""
    xact: str | None
    outcome: str | None
    """What became of the transaction asked after: ``committed``, ``aborted``, ``in progress`` or None."""
    relations: Mapping[int, Relation]
    """Changed since the look before."""
    scans: Mapping[int, int]
    changes: Mapping[int, int]


def existing(connection: Connection[Any]) -> frozenset[int]:
    """Return the OIDs of all relations there are now, such as those before a pull request."""
    with connection.cursor(row_factory=tuple_row) as cursor:
        return frozenset(oid for (oid,) in cursor.execute(RELATIONS).fetchall())


def before(connection: Connection[Any], *, inside: bool, low: str, xact: str | None) -> Look:
    """Look at the session and have it tell what it does; ``inside`` a transaction that lasts until it ends."""
    return _ask(connection, _BEFORE[inside], {"low": low, "xact": xact})


def after(connection: Connection[Any], *, inside: bool, low: str, level: str) -> Look:
    """Look at the session and give it its own message level back."""
    return _ask(connection, _AFTER[inside], {"low": low, "xact": None, "level": level})


def milliseconds(setting: str) -> int:
    """Return a time setting as the server prints it (``2s``, ``1min``, ``0``) in milliseconds."""
    found = re.fullmatch(r"(-?\d+)(ms|s|min|h|d)?", setting)
    return int(found[1]) * _UNITS[found[2] or ""] if found else 0


def _ask(connection: Connection[Any], query: str, values: Mapping[str, str | None]) -> Look:
    # Never prepared: a migration may say DEALLOCATE ALL.
    with connection.cursor(row_factory=tuple_row) as cursor:
        rows = cursor.execute(query.encode(), values, prepare=False).fetchall()
    level, _, lock_timeout, statement_timeout, lsn, low, xact, outcome = rows[0][:8]
    high, _, rest = lsn.partition("/")
    found = [row[8:] for row in rows if row[8] is not None]
    return Look(
        level=level,
        lock_timeout_ms=milliseconds(lock_timeout),
        statement_timeout_ms=milliseconds(statement_timeout),
        lsn=(int(high, 16) << 32) + int(rest, 16),
        low=low,
        xact=xact,
        outcome=outcome,
        relations=dict(_relations(found)),
        scans={row[0]: row[8] for row in found if row[8]},
        changes={row[0]: row[9] for row in found if row[9]},
    )


def _relations(rows: Iterable[tuple[Any, ...]]) -> Iterable[tuple[int, Relation]]:
    for oid, schema, name, kind, partition, filenode, table, valid, _, _ in rows:
        yield (
            oid,
            Relation(
                name=f"{schema}.{name}",
                kind="partition" if partition and kind in "rp" else KINDS.get(kind, "relation"),
                filenode=filenode,
                table=table,
                valid=valid,
            ),
        )
