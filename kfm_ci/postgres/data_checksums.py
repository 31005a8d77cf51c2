"""Order-independent checksums of a database's rows, so that two states compare without copies of the data."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable
from dataclasses import dataclass
from typing import Any

from psycopg import Connection, Error, sql

from kfm_ci.postgres import json_checksums
from kfm_ci.postgres.catalog import OWN_SCHEMAS, SETTINGS
from kfm_ci.postgres.sequences import SequenceContent, read

ROW_LIMIT = 100_000
"""Most rows of a table whose single hashes are kept, so that differing rows can be counted."""

BATCH = 40
"""Tables read by one statement."""

# A partitioned table stores no rows, its partitions do. Row security or a missing SELECT makes a table unreadable.
TABLES = """
select quote_ident(n.nspname) || '.' || quote_ident(c.relname), n.nspname, c.relname, c.relkind = 'S',
       case when c.relkind = 'S' then has_sequence_privilege(c.oid, 'select')
            else has_table_privilege(c.oid, 'select') and not row_security_active(c.oid) end,
       coalesce((select array_agg(a.attname::text order by a.attname collate "C") from pg_attribute a
                  where a.attrelid = c.oid and a.attnum > 0 and not a.attisdropped), '{}'),
       coalesce((select s.seqincrement from pg_sequence s where s.seqrelid = c.oid), 0), c.oid::bigint,
       coalesce((select array_agg(a.attname::text) from pg_attribute a
                  where a.attrelid = c.oid and a.attnum > 0 and a.atttypid = 'jsonb'::regtype), '{}')
  from pg_class c join pg_namespace n on n.oid = c.relnamespace
 where c.relkind in ('r', 'S') and c.relpersistence <> 't'
   and n.nspname not in ('pg_catalog', 'information_schema') and n.nspname <> all (%s)
   and n.nspname !~ '^pg_(toast|temp)' and has_schema_privilege(n.oid, 'usage')
   and not exists (select from pg_depend d where d.classid = 'pg_class'::regclass and d.objid = c.oid
                                              and d.deptype = 'e')
 order by 1
"""

_Table = tuple[str, str, str, list[str], list[str]]
"""Quoted name, schema, relation, columns, and those of them of type jsonb."""


@dataclass(frozen=True, slots=True, kw_only=True)
class ColumnContent:
    """Checksums of one column's values in any order."""

    name: str
    checksum: int
    """Sum of the hashes of the values as text."""
    nulls: int
    elements: int = 0
    """The same, with the elements of a JSON array in any order."""
    paths: tuple[tuple[str, int], ...] = ()
    """The same by the path of a JSON value."""


@dataclass(frozen=True, slots=True, kw_only=True)
class TableContent:
    """Checksums of one table's rows in any order."""

    name: str
    rows: int
    columns: tuple[ColumnContent, ...] = ()
    checksum: int = 0
    """Sum of the hashes of whole rows, over exactly ``columns``."""
    hashes: tuple[int, ...] | None = None
    """Hash of each row, sorted; None above ``ROW_LIMIT``."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Content:
    """Checksums of all rows of a database, and the values of its sequences."""

    tables: tuple[TableContent, ...] = ()
    sequences: tuple[SequenceContent, ...] = ()
    unread: tuple[str, ...] = ()
    """Tables and sequences that could not be read, so that their rows are unknown."""

    def table(self, name: str) -> TableContent | None:
        """Return the table of that name, or None."""
        return next((table for table in self.tables if table.name == name), None)


@dataclass(frozen=True, slots=True, kw_only=True)
class TableDifference:
    """Difference of one table's rows in the columns that it had before."""

    name: str
    missing: bool = False
    """Whether the table was dropped or can no longer be read."""
    columns: tuple[str, ...] = ()
    """Columns that were dropped or whose values differ."""
    inside: tuple[tuple[str, tuple[str, ...]], ...] = ()
    """Changed paths of jsonb columns, by column name."""
    lost: int | None = None
    """Number of rows that were deleted or changed; None above ``ROW_LIMIT``."""
    gained: int | None = None
    """Number of rows that were inserted or changed; None above ``ROW_LIMIT``."""
    filled: bool = False
    """Whether the only change is that nulls got a value, so that no data is lost."""


@dataclass(frozen=True, slots=True, kw_only=True)
class ContentDifference:
    """Difference between two contents; new tables and columns do not count."""

    tables: tuple[TableDifference, ...] = ()
    sequences: tuple[str, ...] = ()
    """Sequences that were dropped or moved backwards."""
    unread: tuple[str, ...] = ()

    @property
    def empty(self) -> bool:
        """Whether all earlier rows were read and are unchanged."""
        return not (self.tables or self.sequences or self.unread)


def snapshot(
    connection: Connection[Any],
    *,
    like: Content | None = None,
    since: Content | None = None,
    touched: frozenset[int] | None = None,
    only: frozenset[int] | None = None,
) -> Content:
    """Return the content of the connected database; does not change the session or its transaction.

    ``only``: OIDs of the tables to read, all if None. Sequences are always read.
    ``like``: an earlier content; only its tables and columns are read, so that both compare after an ADD COLUMN.
    ``since``: an earlier content whose tables are reused unread unless their OID is in ``touched``.
    """
    wanted = (
        None if like is None else {item.name: tuple(column.name for column in item.columns) for item in like.tables}
    )
    known = {item.name: item for item in since.tables} if since is not None and touched is not None else {}
    with connection.transaction(force_rollback=True):
        connection.execute(SETTINGS)
        rows = connection.execute(TABLES, (list(OWN_SCHEMAS),)).fetchall()
        unread = [row[0] for row in rows if not row[4]]
        contents: list[TableContent] = []
        tables: list[_Table] = []
        sequences: list[tuple[str, str, str, int]] = []
        for name, schema, relation, is_sequence, readable, columns, increment, oid, json in rows:
            if not readable:
                continue
            if is_sequence:
                sequences.append((name, schema, relation, increment))
            elif (wanted is None or name in wanted) and (only is None or oid in only):
                kept = tuple(column for column in columns if wanted is None or column in wanted[name])
                old = known.get(name)
                if old is not None and oid not in (touched or ()) and tuple(item.name for item in old.columns) == kept:
                    contents.append(old)
                else:
                    tables.append((name, schema, relation, list(kept), [column for column in kept if column in json]))
        contents += _read_tables(connection, tables, unread)
        positions = tuple(read(connection, sequences))
    return Content(
        tables=tuple(sorted(contents, key=lambda item: item.name)), sequences=positions, unread=tuple(sorted(unread))
    )


def compare(before: Content, after: Content) -> ContentDifference:
    """Return the difference of ``before`` and ``after``, which must have been read ``like`` before."""
    tables = {table.name: table for table in after.tables}
    sequences = {sequence.name: sequence for sequence in after.sequences}
    known = {table.name for table in before.tables} | {sequence.name for sequence in before.sequences}
    differences = (_compare_table(table, tables.get(table.name)) for table in before.tables)
    return ContentDifference(
        tables=tuple(item for item in differences if item is not None and item.name not in after.unread),
        sequences=tuple(
            item.name
            for item in before.sequences
            if item.name not in after.unread and _has_moved_back(item, sequences.get(item.name))
        ),
        unread=tuple(sorted({*before.unread, *(known & set(after.unread))})),
    )


def _compare_table(before: TableContent, after: TableContent | None) -> TableDifference | None:
    if after is None:
        return TableDifference(name=before.name, missing=True, lost=before.rows)
    if (before.rows, before.checksum, before.columns) == (after.rows, after.checksum, after.columns):
        return None
    now = {column.name: column for column in after.columns}
    columns = tuple(column for column in before.columns if now.get(column.name) != column)
    lost = gained = None
    if len(now) != len(before.columns):
        lost = before.rows  # a column was dropped, so every row differs
    elif before.hashes is not None and after.hashes is not None:
        old, new = Counter(before.hashes), Counter(after.hashes)
        lost, gained = (old - new).total(), (new - old).total()
    filled = (
        lost is not None
        and lost == gained
        and lost > 0
        and all(column.name in now and column.nulls - now[column.name].nulls == lost for column in columns)
        and bool(columns)
    )
    inside = (
        (column.name, tuple(json_checksums.path_changes(column.paths, now[column.name].paths)))
        for column in columns
        if column.name in now
    )
    return TableDifference(
        name=before.name,
        columns=tuple(column.name for column in columns),
        lost=lost,
        gained=gained,
        filled=filled,
        inside=tuple(item for item in inside if item[1]),
    )


def _has_moved_back(before: SequenceContent, after: SequenceContent | None) -> bool:
    if after is None:
        return True
    reached = (before.last_value, before.is_called)
    now = (after.last_value, after.is_called)
    return now < reached if before.increment > 0 else (-now[0], now[1]) < (-reached[0], reached[1])


def _read_tables(connection: Connection[Any], tables: list[_Table], unread: list[str]) -> Iterable[TableContent]:
    for start in range(0, len(tables), BATCH):
        batch = tables[start : start + BATCH]
        try:
            with connection.transaction():
                found = _read_batch(connection, batch)
        except Error:
            # An error in one table, as of a virtual generated column, must not leave the others of the batch unread.
            if len(batch) > 1:
                for table in batch:
                    yield from _read_tables(connection, [table], unread)
            else:
                unread.append(batch[0][0])
            continue
        yield from found


def _read_batch(connection: Connection[Any], batch: list[_Table]) -> list[TableContent]:
    query = sql.SQL(" union all ").join(_checksum(number, *table[1:]) for number, table in enumerate(batch))
    found = connection.execute(query).fetchall()
    return [
        TableContent(
            name=batch[number][0],
            rows=rows,
            checksum=int(checksum or 0),
            columns=tuple(
                ColumnContent(
                    name=name,
                    checksum=int(total or 0),
                    nulls=nulls,
                    elements=int(loose.get(name, total) or 0),
                    paths=tuple(sorted((path, int(sum_of)) for path, sum_of in inside.get(name, {}).items())),
                )
                for name, total, nulls in zip(batch[number][3], sums or (), nulls_of or (), strict=True)
            ),
            hashes=None if hashes is None else tuple(hashes),
        )
        for number, rows, checksum, hashes, sums, nulls_of, loosely, paths in sorted(found, key=lambda row: row[0])
        for loose in [dict(zip(batch[number][4], loosely, strict=True))]
        for inside in [dict(zip(batch[number][4], paths, strict=True))]
    ]


# The text of the type's output function: a cast to text may be a function of the migration, which would run here.
_VALUE = sql.SQL("hashtextextended(case when {column} is distinct from null then format('%s', {column}) end, 0)")


def _checksum(number: int, schema: str, relation: str, columns: list[str], json: list[str]) -> sql.Composed:
    values = [_VALUE.format(column=sql.Identifier("t", name)) for name in columns]
    sums = [sql.SQL("sum({}::numeric)").format(value) for value in values]
    loose = [sql.SQL("sum({}::numeric)").format(json_checksums.elements(sql.Identifier("t", name))) for name in json]
    paths = [json_checksums.paths(sql.Identifier(schema, relation), name) for name in json]
    nulls = [sql.SQL("count(*) - count({})").format(sql.Identifier("t", name)) for name in columns]
    row = sql.SQL(", ").join(sql.Identifier("t", name) for name in columns)
    whole = sql.SQL("hashtextextended(row({})::text, 0)").format(row)
    return sql.SQL(
        "(select {}::integer, count(*), sum(({whole})::numeric), "
        "case when count(*) <= {limit} then coalesce(array_agg({whole} order by {whole}), '{{}}') end, "
        "array[{sums}]::numeric[], array[{nulls}]::bigint[], array[{loose}]::numeric[], "
        "array[{paths}]::jsonb[] from only {table} t)"
    ).format(
        number,
        whole=whole,
        limit=ROW_LIMIT,
        sums=sql.SQL(", ").join(sums),
        loose=sql.SQL(", ").join(loose),
        paths=sql.SQL(", ").join(paths),
        nulls=sql.SQL(", ").join(nulls),
        table=sql.Identifier(schema, relation),
    )
