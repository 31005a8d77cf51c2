"""Schema changes as evidence, and the tables around the changed ones."""

from __future__ import annotations

import os
from collections.abc import Iterable
from typing import Any

from psycopg import Connection

from kfm_ci.evidence.model import ObjectChange, SchemaDiff
from kfm_ci.evidence.tables import Column, Table
from kfm_ci.postgres import administrator, catalog
from kfm_ci.postgres.catalog import Catalog, Difference

# names are quoted like those of the catalog; foreign keys join tables in both directions
NEIGHBOURHOOD = """
with named as (
  select c.oid, quote_ident(n.nspname) || '.' || quote_ident(c.relname) as name
    from pg_class c join pg_namespace n on n.oid = c.relnamespace where c.relkind in ('r', 'p', 'f')
), near as (
  select oid from named where name = any (%(names)s)
  union select k.confrelid from pg_constraint k join named m on m.oid = k.conrelid
         where k.contype = 'f' and m.name = any (%(names)s)
  union select k.conrelid from pg_constraint k join named m on m.oid = k.confrelid
         where k.contype = 'f' and m.name = any (%(names)s)
)
select m.name, a.attname, format_type(a.atttypid, a.atttypmod),
       case when exists (select from pg_constraint k where k.conrelid = a.attrelid and k.contype = 'p'
                                                       and a.attnum = any (k.conkey)) then 'PK'
            when exists (select from pg_constraint k where k.conrelid = a.attrelid and k.contype = 'f'
                                                       and a.attnum = any (k.conkey)) then 'FK' end,
       array(select distinct r.name from pg_constraint k join named r on r.oid = k.confrelid
              where k.conrelid = m.oid and k.contype = 'f' order by 1)
  from near join named m on m.oid = near.oid
  left join pg_attribute a on a.attrelid = m.oid and a.attnum > 0 and not a.attisdropped
 order by m.name collate "C", a.attnum
"""


def excerpts(before: str, after: str, width: int = 160) -> tuple[str, str]:
    """Return two definitions from shortly before their first difference, each cut to a width."""
    if len(before) <= width and len(after) <= width:
        return before, after
    same = len(os.path.commonprefix([before, after]))
    start = max(0, same - width // 4)
    return _cut(before, start, width), _cut(after, start, width)


def _cut(text: str, start: int, width: int) -> str:
    end = start + width
    return ("… " if start else "") + text[start:end] + (" …" if end < len(text) else "")


def convert(difference: Difference) -> SchemaDiff:
    """Return a difference of catalogs as evidence."""
    changed = (ObjectChange(name=name, before=before, after=after) for name, before, after in difference.changed)
    return SchemaDiff(added=difference.added, changed=tuple(changed), removed=difference.removed)


def diff(before: Catalog, after: Catalog) -> SchemaDiff:
    """Return what changed, without the parts of tables that were created or dropped as a whole."""
    return convert(catalog.fold(catalog.diff(before, after), before=before, after=after))


def changed_tables(difference: SchemaDiff, after: Catalog) -> tuple[str, ...]:
    """Return the names of the tables of ``after`` that are changed, or that have a changed part."""
    touched = {*difference.added, *(change.name for change in difference.changed)}
    # a dropped part is missing from the catalog, so its table is found by the start of its name
    tables = [name.removeprefix("table ") for name, _ in after.entries if name.startswith("table ")]
    for name in (*touched, *difference.removed):
        touched.update(f"table {table}" for table in tables if name.partition(" ")[2].startswith(f"{table}."))
    for name in tuple(touched):
        parent = after.parents.get(name)
        while parent is not None and parent not in touched:
            touched.add(parent)
            parent = after.parents.get(parent)
    return tuple(table for table in tables if f"table {table}" in touched)


def read_neighbourhood(connection: Connection[Any], changed_table_names: Iterable[str]) -> tuple[Table, ...]:
    """Return these tables and those that a foreign key joins to them, sorted by name."""
    with connection.transaction(force_rollback=True):
        connection.execute(administrator.PIN)
        rows = connection.execute(NEIGHBOURHOOD, {"names": list(changed_table_names)}).fetchall()
    columns: dict[str, list[Column]] = {}
    references: dict[str, tuple[str, ...]] = {}
    for table, name, kind, key, referenced in rows:
        references[table] = tuple(referenced)
        own = columns.setdefault(table, [])
        if name is not None:
            own.append(Column(name=name, type=kind, key=key))
    return tuple(Table(name=name, columns=tuple(columns[name]), references=references[name]) for name in columns)
