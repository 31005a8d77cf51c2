"""Functions and procedures of the old release, on the new schema: the server drops and renames under their bodies."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

import psycopg
from psycopg import Connection
from psycopg.rows import namedtuple_row

from kfm_ci.evidence.compatibility import function_bodies, prepared_statement

# A body that the server holds as a tree follows renames by itself; only text goes stale.
ROUTINES = """
select p.oid::regprocedure::text as name, l.lanname as language, p.prosrc as body, pg_get_functiondef(p.oid) as definition,
       coalesce(p.proargnames, '{}') as arguments, coalesce(p.proconfig, '{}') as settings,
       array(select distinct quote_ident(n.nspname) || '.' || quote_ident(c.relname) from pg_trigger t
               join pg_class c on c.oid = t.tgrelid join pg_namespace n on n.oid = c.relnamespace
              where t.tgfoid = p.oid and not t.tgisinternal) as tables,
       array(select distinct a.attname::text from pg_trigger t join pg_attribute a on a.attrelid = t.tgrelid
              where t.tgfoid = p.oid and not t.tgisinternal and not a.attisdropped) as columns
  from pg_proc p join pg_language l on l.oid = p.prolang join pg_namespace s on s.oid = p.pronamespace
 where p.pronamespace <> 'pg_catalog'::regnamespace -- first: what comes next is slow for thousands of rows
   and l.lanname in ('sql', 'plpgsql') and p.prokind in ('f', 'p') and to_jsonb(p) ->> 'prosqlbody' is null
   and s.nspname not in ('pg_catalog', 'information_schema', 'kfm_ci', 'kfm_observe') and s.nspname !~ '^pg_(toast|temp)'
   and not exists (select from pg_depend d where d.classid = 'pg_proc'::regclass and d.objid = p.oid and d.deptype = 'e')
 order by 1
"""


@dataclass(frozen=True, slots=True, kw_only=True)
class Broken:
    """A routine that worked on the old schema and fails on the new one."""

    name: str
    why: str


def exist(connection: Connection[Any]) -> bool:
    """Whether there is any routine whose body is text."""
    return bool(_read(connection))


def broken(old: Connection[Any], new: Connection[Any]) -> Iterator[Broken]:
    """Yield the routines of both schemas whose bodies the old schema can carry and the new one cannot."""
    before = {routine.name: routine for routine in _read(old)}
    for routine in _read(new):
        was = before.get(routine.name)
        if was is None:
            continue
        why = _sql(old, new, routine) if routine.language == "sql" else _procedural(old, new, routine, was)
        if why is not None:
            yield Broken(name=routine.name, why=why)


def _read(connection: Connection[Any]) -> list[Any]:
    with connection.cursor(row_factory=namedtuple_row) as cursor:
        return cursor.execute(ROUTINES).fetchall()


def _sql(old: Connection[Any], new: Connection[Any], routine: Any) -> str | None:
    problem = _created(new, routine.definition)
    return problem if problem is not None and _created(old, routine.definition) is None else None


def _created(connection: Connection[Any], definition: str) -> str | None:
    """Return why the server does not take a definition; it looks at the whole body of a function in SQL."""
    try:
        with connection.transaction(force_rollback=True):
            connection.execute("set local check_function_bodies = on")
            connection.execute(definition.encode())
    except psycopg.Error as error:
        return f"{error.sqlstate}: {error.diag.message_primary}"
    return None


def _procedural(old: Connection[Any], new: Connection[Any], routine: Any, was: Any) -> str | None:
    gone = function_bodies.fields(routine.body) & set(was.columns) - set(routine.columns)
    if gone and routine.tables:
        return f"takes {', '.join(sorted(gone))} from the row, which {', '.join(routine.tables)} no longer has"
    for query in dict.fromkeys(function_bodies.queries(routine.body, routine.arguments)):
        after = _shape(new, query, routine.settings)
        if after.missing and _shape(old, query, routine.settings).error is None:
            return after.error
    return None


def _shape(connection: Connection[Any], query: str, settings: list[str]) -> prepared_statement.Shape:
    with connection.transaction(force_rollback=True):
        for setting in settings:
            name, _, value = setting.partition("=")
            connection.execute("select pg_catalog.set_config(%s, %s, true)", [name, value])
        return prepared_statement.of(connection, query)
