"""Images of a table's rows: a hash of every value, read through the output functions of the types.

An administrator reads them, so row security hides no row. No cast, operator or function of the migrations' author is
called: every name is qualified, and ``format`` uses a type's output function.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable, Mapping
from dataclasses import dataclass, field
from typing import Any, LiteralString

from psycopg import Connection, Error, sql

from kfm_ci.postgres.catalog import OWN_SCHEMAS, SETTINGS

ROW_LIMIT = 50_000
"""Most rows of a table of which an image is read."""

# A partitioned table stands for its partitions. Tables of an extension belong to it.
_TABLES: LiteralString = """
select c.oid::pg_catalog.int8,
       pg_catalog.concat(pg_catalog.quote_ident(n.nspname), '.', pg_catalog.quote_ident(c.relname)),
       array(with recursive part(oid) as (
               select i.inhrelid from pg_catalog.pg_inherits i where i.inhparent operator(pg_catalog.=) c.oid
               union select i.inhrelid from pg_catalog.pg_inherits i, part
                      where i.inhparent operator(pg_catalog.=) part.oid)
             select part.oid::pg_catalog.int8 from part)
  from pg_catalog.pg_class c join pg_catalog.pg_namespace n on n.oid operator(pg_catalog.=) c.relnamespace
 where c.relkind operator(pg_catalog.=) any ('{r,p}'::pg_catalog."char"[]) and not c.relispartition
   and c.relpersistence operator(pg_catalog.<>) 't'::pg_catalog."char"
   and c.oid operator(pg_catalog.>=) 16384::pg_catalog.oid
   and n.nspname::pg_catalog.text operator(pg_catalog.<>) all (%s::pg_catalog.text[])
   and not exists (select from pg_catalog.pg_depend d where d.classid operator(pg_catalog.=) 1259::pg_catalog.oid
                      and d.objid operator(pg_catalog.=) c.oid
                      and d.deptype operator(pg_catalog.=) 'e'::pg_catalog."char")
 order by c.oid
"""
# A virtual generated column would run the author's expression, and a foreign partition its server's code.
_COLUMNS: LiteralString = """
select c.oid::pg_catalog.int8, n.nspname::pg_catalog.text, c.relname::pg_catalog.text,
       exists (with recursive part(oid) as (
                 select i.inhrelid from pg_catalog.pg_inherits i where i.inhparent operator(pg_catalog.=) c.oid
                 union select i.inhrelid from pg_catalog.pg_inherits i, part
                        where i.inhparent operator(pg_catalog.=) part.oid)
               select from part join pg_catalog.pg_class f on f.oid operator(pg_catalog.=) part.oid
                where f.relkind operator(pg_catalog.=) 'f'::pg_catalog."char"),
       a.attnum::pg_catalog.int4, a.attname::pg_catalog.text, a.atttypid::pg_catalog.int8,
       b.typname::pg_catalog.text, b.typtype::pg_catalog.text
  from pg_catalog.pg_class c
  join pg_catalog.pg_namespace n on n.oid operator(pg_catalog.=) c.relnamespace
  join pg_catalog.pg_attribute a on a.attrelid operator(pg_catalog.=) c.oid
  join pg_catalog.pg_type t on t.oid operator(pg_catalog.=) a.atttypid
  join pg_catalog.pg_type b on b.oid operator(pg_catalog.=)
                             case when t.typtype operator(pg_catalog.=) 'd'::pg_catalog."char" then t.typbasetype
                                  else t.oid end
 where c.oid operator(pg_catalog.=) any (%s::pg_catalog.oid[])
   and a.attnum operator(pg_catalog.>) 0::pg_catalog.int2 and not a.attisdropped
   and a.attgenerated operator(pg_catalog.=) ''::pg_catalog."char"
   and b.typname::pg_catalog.text operator(pg_catalog.!~) '^_?reg'
 order by c.oid, a.attnum
"""
_KEYS: LiteralString = """
select distinct on (i.indrelid) i.indrelid::pg_catalog.int8, i.indkey::pg_catalog.int2[]
  from pg_catalog.pg_index i
 where i.indrelid operator(pg_catalog.=) any (%s::pg_catalog.oid[]) and i.indisunique and i.indisvalid
   and i.indpred is null and i.indexprs is null
   and i.indnkeyatts operator(pg_catalog.=) i.indnatts
   and not exists (select from pg_catalog.pg_attribute a
                    where a.attrelid operator(pg_catalog.=) i.indrelid and not a.attnotnull
                      and a.attnum operator(pg_catalog.=) any (i.indkey::pg_catalog.int2[]))
 order by i.indrelid, i.indisprimary desc, i.indexrelid
"""
_LABELS: LiteralString = """
select e.enumtypid::pg_catalog.int8,
       pg_catalog.hashtextextended(e.enumlabel::pg_catalog.text, 0), e.oid::pg_catalog.int8
  from pg_catalog.pg_enum e
"""

Row = tuple[int | None, ...]
"""Hashes of a row's values, by position as ``TableImage.columns``; None is NULL."""


@dataclass(frozen=True, slots=True, kw_only=True)
class ImageColumn:
    """A stored column of a table."""

    number: int
    """``attnum``, which a rename does not change."""
    name: str
    type_oid: int
    type_name: str
    """Of a domain, its base type."""


@dataclass(frozen=True, slots=True, kw_only=True)
class TableImage:
    """The rows of one table."""

    columns: tuple[ImageColumn, ...]
    rows: tuple[Row, ...] | None
    """None: they were not read."""
    key: tuple[int, ...] = ()
    """``attnum`` of the columns of the primary key, else of a unique key that is never NULL; empty: there is none."""
    labels: Mapping[int, Mapping[int, int]] = field(default_factory=dict)
    """By OID of an enum, its labels: OID by hash."""
    unread: str | None = None
    """Why the rows were not read."""


@dataclass(frozen=True, slots=True, kw_only=True)
class TableName:
    """A table that is no partition."""

    oid: int
    name: str
    """Schema-qualified, quoted where needed."""
    parts: frozenset[int]
    """OIDs of its partitions and of the tables that inherit from it."""


def read_tables(connection: Connection[Any]) -> tuple[TableName, ...]:
    """Return the tables whose rows are compared: all but kfm-ci's own, temporary ones and those of extensions."""
    found = connection.execute(_TABLES, (["pg_catalog", "information_schema", *OWN_SCHEMAS],)).fetchall()
    return tuple(TableName(oid=oid, name=name, parts=frozenset(parts)) for oid, name, parts in found)


def find_empty(connection: Connection[Any], tables: Iterable[TableName]) -> frozenset[int]:
    """Return the OIDs of the tables without a row."""
    with connection.transaction(force_rollback=True):
        connection.execute(SETTINGS)
        heads = _heads(connection, [table.oid for table in tables])
        queries = [
            sql.SQL("select {}::pg_catalog.int8, exists (select from {})").format(
                sql.Literal(oid), sql.Identifier(head.schema, head.relation)
            )
            for oid, head in heads.items()
            if not head.is_foreign
        ]
        foreign = {oid for oid, head in heads.items() if head.is_foreign}
        rows = connection.execute(sql.SQL(" union all ").join(queries)).fetchall() if queries else []
    return frozenset({oid for oid, has_rows in rows if not has_rows} | foreign)


def read_images(connection: Connection[Any], oids: Collection[int]) -> dict[int, TableImage]:
    """Return the images of the tables that exist, by OID; does not change the session."""
    if not oids:
        return {}
    with connection.transaction(force_rollback=True):
        connection.execute(SETTINGS)
        heads = _heads(connection, oids)
        keys = {oid: tuple(key) for oid, key in connection.execute(_KEYS, (list(oids),)).fetchall()}
        labels: dict[int, dict[int, int]] = {}
        for type_oid, label, oid in connection.execute(_LABELS).fetchall():
            labels.setdefault(type_oid, {})[label] = oid
        return {oid: _read(connection, head, keys.get(oid, ()), labels) for oid, head in heads.items()}


@dataclass(frozen=True, slots=True, kw_only=True)
class _Head:
    """A table as its rows are read."""

    schema: str
    relation: str
    is_foreign: bool
    columns: tuple[ImageColumn, ...]


def _heads(connection: Connection[Any], oids: Collection[int]) -> dict[int, _Head]:
    found: dict[int, list[tuple[Any, ...]]] = {}
    for row in connection.execute(_COLUMNS, (list(oids),)).fetchall():
        found.setdefault(row[0], []).append(row)
    return {
        oid: _Head(
            schema=rows[0][1],
            relation=rows[0][2],
            is_foreign=rows[0][3],
            columns=tuple(
                ImageColumn(number=number, name=name, type_oid=type_oid, type_name=type_name)
                for _, _, _, _, number, name, type_oid, type_name, _ in rows
            ),
        )
        for oid, rows in found.items()
    }


def _read(
    connection: Connection[Any], head: _Head, key: tuple[int, ...], labels: Mapping[int, Mapping[int, int]]
) -> TableImage:
    numbers = {column.number for column in head.columns}
    image = TableImage(
        columns=head.columns,
        rows=None,
        key=key if numbers.issuperset(key) else (),
        labels={column.type_oid: labels[column.type_oid] for column in head.columns if column.type_oid in labels},
    )
    if head.is_foreign:
        return _unread(image, "a foreign table holds a part of its rows")
    cells = sql.SQL(", ").join(_cell(column) for column in head.columns)
    query = sql.SQL("select array[{}]::pg_catalog.int8[] from {} t limit {}").format(
        cells, sql.Identifier(head.schema, head.relation), sql.Literal(ROW_LIMIT + 1)
    )
    try:
        with connection.transaction():
            rows = connection.execute(query).fetchall()
    except Error as error:
        return _unread(image, error.diag.message_primary or type(error).__name__)
    if len(rows) > ROW_LIMIT:
        return _unread(image, f"it has more than {ROW_LIMIT:,} rows")
    return TableImage(
        columns=image.columns, rows=tuple(tuple(row) for (row,) in rows), key=image.key, labels=image.labels
    )


def _unread(image: TableImage, reason: str) -> TableImage:
    return TableImage(columns=image.columns, rows=None, key=image.key, labels=image.labels, unread=reason)


def _cell(column: ImageColumn) -> sql.Composed:
    value: sql.Composable = sql.Identifier("t", column.name)
    text = {
        # 7 and 7.00 are one number, and blanks at the end of a character(n) are padding
        "numeric": sql.SQL("pg_catalog.format('%s', pg_catalog.trim_scale({}))"),
        "bpchar": sql.SQL("pg_catalog.rtrim(pg_catalog.format('%s', {}))"),
    }.get(column.type_name, sql.SQL("pg_catalog.format('%s', {})"))
    return sql.SQL(
        "case when pg_catalog.num_nulls({value}) operator(pg_catalog.=) 0 "
        "then pg_catalog.hashtextextended({text}, 0) end"
    ).format(value=value, text=text.format(value))
