"""How many rows each table has."""

from __future__ import annotations

from typing import LiteralString, cast

from psycopg import sql

from kfm_ci.postgres.session import Session

_TABLES = """
select format('%I.%I', n.nspname, c.relname)
  from pg_class c join pg_namespace n on n.oid = c.relnamespace
 where c.relkind = 'r' and n.nspname !~ '^pg_' and n.nspname not in ('information_schema', 'kfm_ci')
"""


def count(session: Session) -> dict[str, int]:
    """Return the number of rows by the table's quoted, schema-qualified name; our own ledger is left out."""
    found = {}
    for (name,) in session.execute(_TABLES).fetchall():
        # the server quoted it
        row = session.execute(sql.SQL("select count(*) from ") + sql.SQL(cast(LiteralString, name))).fetchone()
        found[str(name)] = int(row[0]) if row else 0
    return found
