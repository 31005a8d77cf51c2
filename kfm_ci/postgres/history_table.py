"""Rows of a tool's history table."""

from __future__ import annotations

from collections.abc import Container

from psycopg import sql

from kfm_ci.migrations.history_tables import HistoryRow, HistoryTable, RowState
from kfm_ci.postgres.session import Session

_FIND = """
select n.nspname, c.relname, array_agg(a.attname::text), %(schema)s <> '' or pg_table_is_visible(c.oid)
  from pg_class c
  join pg_namespace n on n.oid = c.relnamespace
  join pg_attribute a on a.attrelid = c.oid and a.attnum > 0 and not a.attisdropped
 where lower(c.relname) = lower(%(table)s) and c.relkind in ('r', 'p')
   and (%(schema)s = '' or n.nspname = %(schema)s) and n.nspname not in ('pg_catalog', 'information_schema')
 group by n.nspname, c.relname, c.oid
 order by not pg_table_is_visible(c.oid), n.nspname <> 'public', n.nspname
"""


def read(session: Session, table: HistoryTable, name: str, *, keys: Container[str]) -> tuple[HistoryRow, ...] | None:
    """Return the rows of a tool's history table; None if no table of that name has the tool's columns.

    A table outside the configured schema and the search path counts only if it has a row of one of the ``keys``:
    hosting platforms have their own tables of such names.
    """
    schema, _, plain = name.rpartition(".")
    for found_schema, found_table, columns, meant in session.execute(
        _FIND, {"table": plain, "schema": schema}
    ).fetchall():
        if table.columns <= {column.lower() for column in columns}:
            place = sql.Identifier(found_schema, found_table)
            rows = session.execute(sql.SQL(table.query).format(table=place)).fetchall()
            if meant or any(table.normalise(str(row[0])) in keys for row in rows):
                return tuple(
                    HistoryRow(migration=str(key), checksum=checksum, state=RowState(state))
                    for key, checksum, state in rows
                )
    return None


def create(session: Session, table: HistoryTable, name: str) -> None:
    """Create a tool's empty history table as the tool does before the first migration, unless it exists."""
    schema, _, plain = name.rpartition(".")
    if schema:
        session.execute(sql.SQL("create schema if not exists {}").format(sql.Identifier(schema)))
    place = sql.Identifier(schema, plain) if schema else sql.Identifier(plain)
    session.execute(sql.SQL("create table if not exists {} (").format(place) + sql.SQL(table.definition) + sql.SQL(")"))
