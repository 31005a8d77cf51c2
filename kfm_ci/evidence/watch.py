"""What is asked on the observed session: its relations, counters and settings, in one question."""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping, Sequence
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
         {flush} as flush,
         pg_catalog.pg_current_xact_id_if_assigned()::pg_catalog.text as xact,
         pg_catalog.pg_xact_status(%(xact)s::pg_catalog.xid8) as outcome
  offset 0
) s left join (
  select c.oid::pg_catalog.int8, pg_catalog.quote_ident(n.nspname), pg_catalog.quote_ident(c.relname), c.relkind, c.relispartition,
         c.relfilenode::pg_catalog.int8, i.indrelid::pg_catalog.int8, coalesce(i.indisvalid, true),
         case when c.counted then {scans} end, case when c.counted then {changes} end
    from (
      select o.*, o.relkind operator(pg_catalog.=) any ('{{r,m,p}}'::pg_catalog."char"[]) as counted
        from pg_catalog.pg_class o
       where o.oid operator(pg_catalog.>=) 16384::pg_catalog.oid
         and o.relkind operator(pg_catalog.<>) 't'::pg_catalog."char"
         and (pg_catalog.age(o.xmin) operator(pg_catalog.<=) pg_catalog.age(%(low)s::pg_catalog.xid)
              or case when o.relkind operator(pg_catalog.=) any ('{{r,m,p}}'::pg_catalog."char"[])
                      then {counted} else {doubtful} end)
       offset 0
    ) c
    join pg_catalog.pg_namespace n on n.oid operator(pg_catalog.=) c.relnamespace
    left join pg_catalog.pg_index i on i.indexrelid operator(pg_catalog.=) c.oid
   where n.nspname operator(pg_catalog.<>) 'pg_toast'::pg_catalog.name
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


# Only outside a transaction can an index become invalid although its own row stays as it was.
_DOUBTFUL = """o.relkind operator(pg_catalog.=) 'i'::pg_catalog."char" and exists (
  select from pg_catalog.pg_index x where x.indexrelid operator(pg_catalog.=) o.oid and not x.indisvalid)"""


# Handed over at the end of each transaction the counters are few; else they gather for a second.
_FLUSH = {True: "pg_catalog.pg_stat_force_next_flush()::pg_catalog.text", False: "null"}
_FLUSHES = 150_000
"""First server version that hands counters over when asked to."""


def _compose(settle: str, *, inside: bool, flush: bool = False) -> str:
    counters = _XACT if inside else _TOTAL
    counted = " or ".join(f"{counter} operator(pg_catalog.>) 0::pg_catalog.int8" for counter in counters.values())
    return _QUESTION.format(
        set=settle.format(local=str(inside).lower()),
        counted=counted.replace("(c.oid)", "(o.oid)"),
        flush=_FLUSH[flush],
        doubtful="false" if inside else _DOUBTFUL,
        **counters,
    )


_BEFORE = {
    (inside, flush): _compose(_LISTEN, inside=inside, flush=flush)
    for inside in (True, False)
    for flush in (True, False)
}
# A statement that set the level itself is left its way.
_AFTER = {
    inside: _compose(
        "case when pg_catalog.current_setting('client_min_messages') operator(pg_catalog.=) 'debug1' "
        f"then {_RESTORE} end",
        inside=inside,
    )
    for inside in (True, False)
}

COLUMNS = 19
"""Of the question's answer."""

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
    return _ask(connection, _BEFORE[inside, connection.info.server_version >= _FLUSHES], {"low": low, "xact": xact})


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
        return look(cursor.execute(query.encode(), values, prepare=False).fetchall())


def question(*, inside: bool, low: str) -> str:
    """Return the question as plain SQL that changes nothing, for code that runs in the session itself."""
    values = {"low": f"'{int(low)}'", "xact": "null"}
    return _compose("null", inside=inside) % values


def look(rows: Sequence[Sequence[Any]]) -> Look:
    """Return the answer to the question as a look."""
    level, _, lock_timeout, statement_timeout, lsn, low, _, xact, outcome = rows[0][:9]
    high, _, rest = lsn.partition("/")
    found = [row[9:] for row in rows if row[9] is not None]
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


def _relations(rows: Iterable[Sequence[Any]]) -> Iterable[tuple[int, Relation]]:
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
