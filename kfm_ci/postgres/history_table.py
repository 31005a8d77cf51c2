"""Rows of a tool's history table."""

from __future__ import annotations

from collections.abc import Container
from typing import Any

import psycopg
from psycopg import sql

from kfm_ci.errors import CannotCheck
from kfm_ci.migrations.history_tables import HistoryRow, HistoryTable, RowState
from kfm_ci.postgres.session import Session

_FIND = """
select n.nspname, c.relname, pg_catalog.array_agg(a.attname::pg_catalog.text), pg_catalog.pg_table_is_visible(c.oid)
  from pg_catalog.pg_class c
  join pg_catalog.pg_namespace n on n.oid operator(pg_catalog.=) c.relnamespace
  join pg_catalog.pg_attribute a
    on a.attrelid operator(pg_catalog.=) c.oid and a.attnum operator(pg_catalog.>) 0::pg_catalog.int2
   and not a.attisdropped
 where pg_catalog.lower(c.relname::pg_catalog.text) operator(pg_catalog.=) pg_catalog.lower(%(table)s::pg_catalog.text)
   and c.relkind operator(pg_catalog.=) any ('{r,p}'::pg_catalog."char"[])
   and n.nspname operator(pg_catalog.=) any (
         case when %(schema)s::pg_catalog.text operator(pg_catalog.=) '' then array[n.nspname]
              else array[%(schema)s::pg_catalog.name] end)
   and not n.nspname operator(pg_catalog.=) any ('{pg_catalog,information_schema}'::pg_catalog.name[])
 group by n.nspname, c.relname, c.oid
 order by not pg_catalog.pg_table_is_visible(c.oid), n.nspname operator(pg_catalog.<>) 'public'::pg_catalog.name,
          n.nspname
"""


def read(session: Session, table: HistoryTable, name: str, *, keys: Container[str]) -> tuple[HistoryRow, ...] | None:
    """Return the rows of a tool's history table; None if no table of that name has the tool's columns.

    A table outside the configured schema and the search path counts only if it has a row of one of the ``keys``:
    hosting platforms have their own tables of such names.
    """
    schema, _, plain = name.rpartition(".")
    for found_schema, found_table, columns, visible in session.execute(
        _FIND, {"table": plain, "schema": schema}
    ).fetchall():
        if table.columns <= {column.lower() for column in columns}:
            place = sql.Identifier(found_schema, found_table)
            rows = _rows(session, table, place)
            if schema or visible or any(table.normalise(str(row[0])) in keys for row in rows):
                return tuple(
                    HistoryRow(migration=str(key), checksum=checksum, state=RowState(state))
                    for key, checksum, state in rows
                )
    return None


def _rows(session: Session, table: HistoryTable, place: sql.Identifier) -> list[tuple[Any, ...]]:
    try:
        return session.execute(sql.SQL(table.query).format(table=place)).fetchall()
    except psycopg.Error as error:
        if session.closed:
            raise
        raise CannotCheck(
            code="KFM-C34",
            message=f"The history table cannot be read: {error.diag.message_primary}.",
            where=place.as_string(None),
            help="Grant SELECT on the table to the role that migrations run as, and give it the columns of the tool.",
        ) from error


def create(session: Session, table: HistoryTable, name: str) -> None:
    """Create a tool's empty history table as the tool does before the first migration, unless it exists."""
    schema, _, plain = name.rpartition(".")
    if schema:
        session.execute(sql.SQL("create schema if not exists {}").format(sql.Identifier(schema)))
    place = sql.Identifier(schema, plain) if schema else sql.Identifier(plain)
    session.execute(sql.SQL("create table if not exists {} (").format(place) + sql.SQL(table.definition) + sql.SQL(")"))
