"""Checksums of JSON values, computed in SQL: of array elements in any order, and by path."""

from __future__ import annotations

from collections.abc import Iterator

from psycopg import sql

DEPTH = 4
"""Depth of the paths; a deeper value counts as one value."""
MAX_ROWS = 10_000
"""Rows of a table above which no paths are read."""
MAX_PATHS = 200
"""Most paths of a column."""

_ELEMENTS = sql.SQL("""hashtextextended(case jsonb_typeof({column})
    when 'array' then (select sum(hashtextextended(item::text, 0)::numeric)
                        from jsonb_array_elements({column}) item)::text
    else {column}::text end, 0)""")

# In the syntax of jsonpath, but without the index of an element: arrays compare as sets.
_PATHS = sql.SQL("""
(select coalesce(jsonb_object_agg(path, total::text), '{{}}') from (
  with recursive step (path, value, depth) as (
    select '$', t.{column}, 0 from only {table} t
     where t.{column} is not null and (select count(*) from only {table}) <= {rows}
    union all
    select step.path || next.name, next.value, step.depth + 1 from step cross join lateral (
      select '.' || case when key ~ '^[A-Za-z_][A-Za-z0-9_]*$' then key else to_json(key)::text end, value
        from jsonb_each(case jsonb_typeof(step.value) when 'object' then step.value end)
      union all
      select '[*]', value from jsonb_array_elements(case jsonb_typeof(step.value) when 'array' then step.value end)
    ) next (name, value) where step.depth < {depth}
  )
  select path, sum(hashtextextended(value::text, 0)::numeric) as total from step
   where depth = {depth} or jsonb_typeof(value) not in ('object', 'array') or (value in ('{{}}', '[]') and depth > 0)
   group by path order by path collate "C" limit {most}) leaf)""")


def elements(column: sql.Identifier) -> sql.Composed:
    """Return the hash of a value; the order of an array's elements does not change it."""
    return _ELEMENTS.format(column=column)


def paths(table: sql.Identifier, column: str) -> sql.Composed:
    """Return a query for one JSON object: the sum of the hashes of all values by path."""
    return _PATHS.format(column=sql.Identifier(column), table=table, rows=MAX_ROWS, depth=DEPTH, most=MAX_PATHS)


def path_changes(before: tuple[tuple[str, int], ...], after: tuple[tuple[str, int], ...]) -> Iterator[str]:
    """Yield the change of each path with another value, shortest path first."""
    was, now = dict(before), dict(after)
    for path in sorted(was.keys() | now.keys(), key=lambda item: (len(item), item)):
        shown = path if len(path) <= 80 else f"{path[:79]}…"
        if path not in now:
            yield f"{shown} is lost"
        elif path not in was:
            yield f"{shown} is new"
        elif was[path] != now[path]:
            yield f"{shown} is changed"
