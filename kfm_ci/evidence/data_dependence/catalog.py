"""Constraints and indexes from the catalog of a database on which the migration succeeded."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from psycopg import Connection

from kfm_ci.postgres.catalog import SETTINGS

CONSTRAINT = """
select k.contype::text, pg_get_expr(k.conbin, k.conrelid),
       array(select a.attname::text from unnest(k.conkey) with ordinality u(n, place)
               join pg_attribute a on a.attrelid = k.conrelid and a.attnum = n order by place),
       case when k.confrelid <> 0 then (select quote_ident(n.nspname) || '.' || quote_ident(c.relname) from pg_class c
              join pg_namespace n on n.oid = c.relnamespace where c.oid = k.confrelid) end,
       array(select a.attname::text from unnest(k.confkey) with ordinality u(n, place)
               join pg_attribute a on a.attrelid = k.confrelid and a.attnum = n order by place)
  from pg_constraint k join pg_class t on t.oid = k.conrelid join pg_namespace s on s.oid = t.relnamespace
 where s.nspname = %s and t.relname = %s and k.conname = %s
"""

INDEX = """
select array(select pg_get_indexdef(i.indexrelid, n, true) from generate_series(1, i.indnkeyatts) n),
       array(select a.attname::text from pg_attribute a where a.attrelid = i.indrelid and a.attnum = any (i.indkey)),
       pg_get_expr(i.indpred, i.indrelid)
  from pg_index i join pg_class c on c.oid = i.indexrelid join pg_class t on t.oid = i.indrelid
  join pg_namespace s on s.oid = t.relnamespace
 where s.nspname = %s and t.relname = %s and c.relname = %s
"""

OPERATORS = """
select array(select case when n.nspname in ('pg_catalog', 'public') then o.oprname::text
                    else 'operator(' || quote_ident(n.nspname) || '.' || o.oprname || ')' end
               from unnest(k.conexclop) with ordinality u(oid, place) join pg_operator o on o.oid = u.oid
               join pg_namespace n on n.oid = o.oprnamespace order by place)
  from pg_constraint k join pg_class t on t.oid = k.conrelid join pg_namespace s on s.oid = t.relnamespace
 where s.nspname = %s and t.relname = %s and k.conname = %s and k.contype = 'x'
"""

# uses the search_path of the session, as the statement did
RESOLVE = """
select n.nspname, c.relname, pg_catalog.format('%%I.%%I', n.nspname, c.relname)
  from pg_catalog.pg_class c join pg_catalog.pg_namespace n on n.oid operator(pg_catalog.=) c.relnamespace
 where c.oid operator(pg_catalog.=) pg_catalog.to_regclass(%s::pg_catalog.text)::pg_catalog.oid
"""

COLUMNS = """
select a.attname::pg_catalog.text, pg_catalog.format_type(a.atttypid, a.atttypmod) from pg_catalog.pg_attribute a
 where a.attrelid operator(pg_catalog.=) pg_catalog.to_regclass(%s::pg_catalog.text)::pg_catalog.oid
   and a.attnum operator(pg_catalog.>) 0::pg_catalog.int2 and not a.attisdropped
"""


@dataclass(frozen=True, slots=True, kw_only=True)
class Constraint:
    """A constraint of a table; ``target`` and ``keys`` are table and columns that a foreign key refers to."""

    kind: str
    """``pg_constraint.contype``."""
    expression: str | None
    columns: tuple[str, ...]
    target: str | None
    keys: tuple[str, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class Index:
    """An index with its parts, its plain columns and its predicate."""

    parts: tuple[str, ...]
    """Columns and expressions as SQL."""
    columns: tuple[str, ...]
    predicate: str | None


def constraint(connection: Connection[Any], schema: str, table: str, name: str) -> Constraint | None:
    """Return a constraint, or None when the table has none of that name."""
    with connection.transaction(force_rollback=True):
        connection.execute(SETTINGS)
        row = connection.execute(CONSTRAINT, (schema, table, name)).fetchone()
    if row is None:
        return None
    return Constraint(kind=row[0], expression=row[1], columns=tuple(row[2]), target=row[3], keys=tuple(row[4]))


def index(connection: Connection[Any], schema: str, table: str, name: str) -> Index | None:
    """Return an index, or None when the table has none of that name."""
    with connection.transaction(force_rollback=True):
        connection.execute(SETTINGS)
        row = connection.execute(INDEX, (schema, table, name)).fetchone()
    return None if row is None else Index(parts=tuple(row[0]), columns=tuple(row[1]), predicate=row[2])


def operators(connection: Connection[Any], schema: str, table: str, name: str) -> tuple[str, ...]:
    """Return the operators of an exclusion constraint, one for each part of its index; empty when it does not exist."""
    with connection.transaction(force_rollback=True):
        connection.execute(SETTINGS)
        row = connection.execute(OPERATORS, (schema, table, name)).fetchone()
    return () if row is None else tuple(row[0])


def resolve(connection: Connection[Any], name: str) -> tuple[str, str, str] | None:
    """Return schema, name and qualified name of a relation by its name in SQL; None when it does not exist."""
    row = connection.execute(RESOLVE, (name,)).fetchone()
    return None if row is None else (row[0], row[1], row[2])


def columns(connection: Connection[Any], name: str) -> dict[str, str]:
    """Return the columns of a relation with their types; empty when there is no such relation."""
    return dict(connection.execute(COLUMNS, (name,)).fetchall())
