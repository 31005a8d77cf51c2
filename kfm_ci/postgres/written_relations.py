"""Relations that a transaction may have written to: it holds a lock on each of them until it ends."""

from __future__ import annotations

from typing import Any, Final

from psycopg import Connection

# Deferred triggers write too, so they run before the locks are read; their errors are those of the COMMIT.
RUN_DEFERRED: Final = "set constraints all immediate"

# Rows read differently without a lock on their table after a renamed enum value, and with virtual generated columns.
UNLOCKED_CHANGES: Final = """
(exists (select from pg_catalog.pg_enum e
          where pg_catalog.age(e.xmin) operator(pg_catalog.<=)
                pg_catalog.age(pg_catalog.pg_current_xact_id()::pg_catalog.xid))
 or exists (select from pg_catalog.pg_attrdef d
              join pg_catalog.pg_attribute a on a.attrelid operator(pg_catalog.=) d.adrelid
                                            and a.attnum operator(pg_catalog.=) d.adnum
             where a.attgenerated operator(pg_catalog.=) 'v'::pg_catalog."char"))
"""
LOCKED_RELATIONS: Final = f"""
select pg_catalog.array_agg(l.relation::pg_catalog.int8),
       coalesce(pg_catalog.bool_or(c.relkind operator(pg_catalog.=) 'c'), false) or {UNLOCKED_CHANGES}
  from pg_catalog.pg_locks l left join pg_catalog.pg_class c on c.oid operator(pg_catalog.=) l.relation
 where l.pid operator(pg_catalog.=) pg_catalog.pg_backend_pid()
   and l.locktype operator(pg_catalog.=) 'relation'
   and l.relation operator(pg_catalog.>=) 16384::pg_catalog.oid
   and not l.mode operator(pg_catalog.=) any ('{{AccessShareLock,RowShareLock}}'::pg_catalog.text[])
"""
"""The relations in one array, and whether rows of other relations may differ as well."""


def run_deferred(connection: Connection[Any]) -> None:
    """Run the transaction's deferred triggers and constraint checks; raises psycopg's error."""
    connection.execute(RUN_DEFERRED)


def find_written(connection: Connection[Any]) -> frozenset[int] | None:
    """Return the OIDs of all relations whose rows may have changed, after ``run_deferred``; None: any relation."""
    locked, unsure = connection.execute(LOCKED_RELATIONS).fetchone() or (None, True)
    return None if unsure else frozenset(locked or ())
