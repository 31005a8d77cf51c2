"""Writing rows: a whole group of tables in one statement, one by one where the server refuses some."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from typing import Any

from psycopg import Connection, Error, sql

from kfm_ci.evidence.seed.model import SeedTable
from kfm_ci.evidence.seed.rows import Row

_RETRIES = 2
"""How often a refused row is replaced by another."""


@contextmanager
def at_rest(connection: Connection[Any], tables: Sequence[SeedTable]) -> Iterator[None]:
    """Keep triggers, rules and forced row security of the tables at rest, within a transaction."""
    for table in tables:
        for guard in table.guards:
            connection.execute(guard.disable.encode())
    yield
    # A table with checks still to come cannot be altered.
    connection.execute("set constraints all immediate")
    for table in tables:
        for guard in table.guards:
            connection.execute(guard.restore.encode())


def together(connection: Connection[Any], tables: Sequence[SeedTable], rows: Mapping[int, Sequence[Row]]) -> None:
    """Write the rows of all these tables in one statement, at whose end their references are checked."""
    filled = [table for table in tables if rows[table.oid]]
    if not filled:
        return
    parts = [_insert(table, rows[table.oid]) for table in filled]
    heads = [
        sql.SQL("{} as ({} returning 1)").format(sql.Identifier(f"w{number}"), part)
        for number, part in enumerate(parts[:-1])
    ]
    prefix = sql.SQL("with {} ").format(sql.SQL(", ").join(heads)) if heads else sql.SQL("")
    with connection.transaction():
        connection.execute(prefix + parts[-1])
        connection.execute("set constraints all immediate")
        connection.execute("set constraints all deferred")


def singly(
    connection: Connection[Any], table: SeedTable, rows: Sequence[Row], another: Callable[[Sequence[Row]], Row | None]
) -> str | None:
    """Write what the server takes, each refused row replaced a few times; return the last refusal.

    ``another`` thinks up a row that can stand beside those written.
    """
    written: list[Row] = []
    refusal: str | None = None
    for row in rows:
        attempt: Row | None = row
        for _ in range(_RETRIES + 1):
            if attempt is None:
                break
            try:
                together(connection, (table,), {table.oid: [attempt]})
            except Error as error:
                refusal = error.diag.message_primary or str(error)
                attempt = another(written)
            else:
                written.append(attempt)
                break
    return refusal


def _insert(table: SeedTable, rows: Sequence[Row]) -> sql.Composed:
    names = [column.name for column in table.columns if column.name in rows[0]]
    target = sql.Identifier(table.schema, table.relation)
    if not names:
        defaults = sql.SQL("insert into {} default values").format(target)
        return sql.Composed([defaults])
    columns = sql.SQL(", ").join(map(sql.Identifier, names))
    values = sql.SQL(", ").join(
        sql.SQL("({})").format(sql.SQL(", ").join(_literal(row[name]) for name in names)) for row in rows
    )
    return sql.SQL("insert into {} ({}) overriding system value values {}").format(target, columns, values)


def _literal(value: str | None) -> sql.Composable:
    return sql.SQL("null") if value is None else sql.Literal(value)
