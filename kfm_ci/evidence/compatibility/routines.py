"""Existing functions and procedures on the new schema: PostgreSQL renames and drops objects that their bodies name."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

import psycopg
from psycopg import Connection
from psycopg.rows import namedtuple_row

from kfm_ci.evidence.compatibility import function_bodies, prepared_statement
from kfm_ci.evidence.compatibility.prepared_statement import StatementShape

# PostgreSQL stores `BEGIN ATOMIC` bodies as parse trees, which follow renames; bodies stored as text do not.
ROUTINES = """
select p.oid::pg_catalog.regprocedure::pg_catalog.text as name, l.lanname as language, p.prosrc as body,
       pg_catalog.pg_get_functiondef(p.oid) as definition,
       coalesce(p.proargnames, '{}') as arguments, coalesce(p.proconfig, '{}') as settings,
       array(select distinct pg_catalog.format('%I.%I', n.nspname, c.relname) from pg_catalog.pg_trigger t
               join pg_catalog.pg_class c on c.oid operator(pg_catalog.=) t.tgrelid
               join pg_catalog.pg_namespace n on n.oid operator(pg_catalog.=) c.relnamespace
              where t.tgfoid operator(pg_catalog.=) p.oid and not t.tgisinternal) as tables,
       array(select distinct a.attname::pg_catalog.text from pg_catalog.pg_trigger t
               join pg_catalog.pg_attribute a on a.attrelid operator(pg_catalog.=) t.tgrelid
              where t.tgfoid operator(pg_catalog.=) p.oid and not t.tgisinternal and not a.attisdropped) as columns
  from pg_catalog.pg_proc p join pg_catalog.pg_language l on l.oid operator(pg_catalog.=) p.prolang
  join pg_catalog.pg_namespace s on s.oid operator(pg_catalog.=) p.pronamespace
 where p.pronamespace operator(pg_catalog.<>) 'pg_catalog'::pg_catalog.regnamespace::pg_catalog.oid -- first: the
       -- conditions below are slow for thousands of rows
   and l.lanname operator(pg_catalog.=) any ('{sql,plpgsql}'::pg_catalog.name[])
   and p.prokind operator(pg_catalog.=) any ('{f,p}'::pg_catalog."char"[])
   and (pg_catalog.to_jsonb(p) operator(pg_catalog.->>) 'prosqlbody'::pg_catalog.text) is null
   and not s.nspname operator(pg_catalog.=) any (
         '{pg_catalog,information_schema,kfm_ci,kfm_observe}'::pg_catalog.name[])
   and s.nspname operator(pg_catalog.!~) '^pg_(toast|temp)'::pg_catalog.text
   and not exists (select from pg_catalog.pg_depend d
                    where d.classid operator(pg_catalog.=) 'pg_catalog.pg_proc'::pg_catalog.regclass::pg_catalog.oid
                      and d.objid operator(pg_catalog.=) p.oid
                      and d.deptype operator(pg_catalog.=) 'e'::pg_catalog."char")
 order by 1
"""


@dataclass(frozen=True, slots=True, kw_only=True)
class BrokenRoutine:
    """A routine that worked on the old schema and fails on the new one."""

    name: str
    """With argument types."""
    why: str
    """The error, or what the body can no longer read."""


def has_routines(connection: Connection[Any]) -> bool:
    """Whether a routine has a body stored as text."""
    return bool(_read(connection))


def find_broken(old: Connection[Any], new: Connection[Any]) -> Iterator[BrokenRoutine]:
    """Yield the routines of both schemas whose bodies are valid on the old schema and not on the new one."""
    before = {routine.name: routine for routine in _read(old)}
    for routine in _read(new):
        was = before.get(routine.name)
        if was is None:
            continue
        why = _sql_error(old, new, routine) if routine.language == "sql" else _plpgsql_error(old, new, routine, was)
        if why is not None:
            yield BrokenRoutine(name=routine.name, why=why)


def _read(connection: Connection[Any]) -> list[Any]:
    with connection.cursor(row_factory=namedtuple_row) as cursor:
        return cursor.execute(ROUTINES).fetchall()


def _sql_error(old: Connection[Any], new: Connection[Any], routine: Any) -> str | None:
    error = _create_error(new, routine.definition)
    return error if error is not None and _create_error(old, routine.definition) is None else None


def _create_error(connection: Connection[Any], definition: str) -> str | None:
    """Return the error for a definition: PostgreSQL checks the whole body of a function in SQL."""
    try:
        with connection.transaction(force_rollback=True):
            connection.execute("set local check_function_bodies = on")
            connection.execute(definition.encode())
    except psycopg.Error as error:
        return f"{error.sqlstate}: {error.diag.message_primary}"
    return None


def _plpgsql_error(old: Connection[Any], new: Connection[Any], routine: Any, was: Any) -> str | None:
    dropped = function_bodies.trigger_columns(routine.body) & set(was.columns) - set(routine.columns)
    if dropped and routine.tables:
        return f"it takes {', '.join(sorted(dropped))} from the row, which {', '.join(routine.tables)} no longer has"
    for query in dict.fromkeys(function_bodies.extract_queries(routine.body, routine.arguments)):
        after = _prepare(new, query, routine.settings)
        if after.names_missing_object and _prepare(old, query, routine.settings).error is None:
            return after.error
    return None


def _prepare(connection: Connection[Any], query: str, settings: list[str]) -> StatementShape:
    """Prepare a query under the settings of its routine."""
    with connection.transaction(force_rollback=True):
        for setting in settings:
            name, _, value = setting.partition("=")
            connection.execute("select pg_catalog.set_config(%s, %s, true)", [name, value])
        return prepared_statement.prepare(connection, query)
