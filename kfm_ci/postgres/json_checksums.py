"""What stands inside values of JSON, summed up in SQL: by element, whatever their order, and by the path that leads there."""

from __future__ import annotations

from collections.abc import Iterator

from psycopg import sql

DEPTH = 4
"""So deep paths are followed; what lies below counts as one value."""
ROWS = 10_000
"""Of a table of more rows no paths are read."""
MOST = 200
"""So many paths of a column are kept."""

_ELEMENTS = sql.SQL("""hashtextextended(case jsonb_typeof({column})
    when 'array' then (select sum(hashtextextended(item::text, 0)::numeric) from jsonb_array_elements({column}) item)::text
    else {column}::text end, 0)""")

# As jsonpath writes it, but without the number of an element: an array is a set here.
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
    """Return the hash of a value that, where it is an array, does not follow the order of its elements."""
    return _ELEMENTS.format(column=column)


def paths(table: sql.Identifier, column: str) -> sql.Composed:
    """Return a query for one object: by path the sum of the hashes of all values that stand there."""
    return _PATHS.format(column=sql.Identifier(column), table=table, rows=ROWS, depth=DEPTH, most=MOST)


def apart(before: tuple[tuple[str, int], ...], after: tuple[tuple[str, int], ...]) -> Iterator[str]:
    """Yield what became of each path under which something else stands, shortest first."""
    was, now = dict(before), dict(after)
    for path in sorted(was.keys() | now.keys(), key=lambda item: (len(item), item)):
        shown = path if len(path) <= 80 else f"{path[:79]}…"
        if path not in now:
            yield f"{shown} is lost"
        elif path not in was:
            yield f"{shown} is new"
        elif was[path] != now[path]:
            yield f"{shown} is changed"
