"""Foreign keys without an index on the referencing columns: each delete in the referenced table scans the other one."""

from __future__ import annotations

from typing import Any

from psycopg import Connection

from kfm_ci.evidence.tables import ForeignKey
from kfm_ci.postgres import administrator

# PostgreSQL looks up referencing rows with a valid, non-partial index whose first columns are those of the key.
UNINDEXED = """
select quote_ident(n.nspname) || '.' || quote_ident(c.relname), k.conname,
       array(select a.attname::text from unnest(k.conkey) with ordinality u(attnum, place)
               join pg_attribute a on a.attrelid = k.conrelid and a.attnum = u.attnum order by u.place),
       quote_ident(m.nspname) || '.' || quote_ident(r.relname)
  from pg_constraint k
  join pg_class c on c.oid = k.conrelid join pg_namespace n on n.oid = c.relnamespace
  join pg_class r on r.oid = k.confrelid join pg_namespace m on m.oid = r.relnamespace
 where k.contype = 'f' and k.conparentid = 0
   and not exists (
     select from pg_index i
      where i.indrelid = k.conrelid and i.indisvalid and i.indpred is null
        and (i.indkey::int2[])[0:cardinality(k.conkey) - 1] @> k.conkey)
 order by 1, 2
"""


def read_unindexed(connection: Connection[Any]) -> tuple[ForeignKey, ...]:
    """Return the foreign keys of the database without such an index, sorted by table and name."""
    with connection.transaction(force_rollback=True):
        connection.execute(administrator.PIN)
        rows = connection.execute(UNINDEXED).fetchall()
    return tuple(
        ForeignKey(table=table, name=name, columns=tuple(columns), referenced=referenced)
        for table, name, columns, referenced in rows
    )
