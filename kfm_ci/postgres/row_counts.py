"""Row counts of all tables."""

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
    """Return the row count of each table by its quoted, schema-qualified name, without kfm-ci's ledger."""
    found = {}
    for (name,) in session.execute(_TABLES).fetchall():
        # format('%I') quoted the name
        row = session.execute(sql.SQL("select count(*) from ") + sql.SQL(cast(LiteralString, name))).fetchone()
        found[str(name)] = int(row[0]) if row else 0
    return found
