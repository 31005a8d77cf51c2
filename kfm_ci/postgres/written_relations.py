"""Which relations a transaction may have written to, asked just before it ends: every writer holds a lock until then."""

from __future__ import annotations

from typing import Any, Final

from psycopg import Connection

# Triggers that wait for the commit write too: they go first, and what they refuse is refused here as it would be there.
SETTLE: Final = "set constraints all immediate"

# A table's text changes without a lock on it when a type's values get new names, or when it is computed at each look.
ELSEWHERE: Final = """
(exists (select from pg_catalog.pg_enum e
          where pg_catalog.age(e.xmin) operator(pg_catalog.<=)
                pg_catalog.age(pg_catalog.pg_current_xact_id()::pg_catalog.xid))
 or exists (select from pg_catalog.pg_attrdef d
              join pg_catalog.pg_attribute a on a.attrelid operator(pg_catalog.=) d.adrelid
                                            and a.attnum operator(pg_catalog.=) d.adnum
             where a.attgenerated operator(pg_catalog.=) 'v'::pg_catalog."char"))
"""
LOCKED: Final = f"""
select pg_catalog.array_agg(l.relation::pg_catalog.int8),
       coalesce(pg_catalog.bool_or(c.relkind operator(pg_catalog.=) 'c'), false) or {ELSEWHERE}
  from pg_catalog.pg_locks l left join pg_catalog.pg_class c on c.oid operator(pg_catalog.=) l.relation
 where l.pid operator(pg_catalog.=) pg_catalog.pg_backend_pid()
   and l.locktype operator(pg_catalog.=) 'relation'
   and l.relation operator(pg_catalog.>=) 16384::pg_catalog.oid
   and not l.mode operator(pg_catalog.=) any ('{{AccessShareLock,RowShareLock}}'::pg_catalog.text[])
"""
"""The relations in one array, and whether rows of others may differ as well."""


def settle(connection: Connection[Any]) -> None:
    """Have the transaction's deferred triggers and constraints speak now; raises what they refuse."""
    connection.execute(SETTLE)


def relations(connection: Connection[Any]) -> frozenset[int] | None:
    """Return the OIDs of all relations whose rows may differ from before a settled transaction; None: any may."""
    locked, unsure = connection.execute(LOCKED).fetchone() or (None, True)
    return None if unsure else frozenset(locked or ())
