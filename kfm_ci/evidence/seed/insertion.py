"""Inserting rows: those of several tables in one statement, or row by row where the server rejects some."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from typing import Any

from psycopg import Connection, Error, sql

from kfm_ci.evidence.seed.model import SeedTable
from kfm_ci.evidence.seed.rows import Row

_RETRIES = 2
"""Number of other rows that are tried for a rejected one."""


@contextmanager
def disable_hooks(connection: Connection[Any], tables: Sequence[SeedTable]) -> Iterator[None]:
    """Disable triggers, rules and forced row security of the tables, within a transaction."""
    for table in tables:
        for hook in table.hooks:
            connection.execute(hook.disable.encode())
    yield
    # ALTER TABLE fails while the table has pending trigger events, such as deferred foreign key checks
    connection.execute("set constraints all immediate")
    for table in tables:
        for hook in table.hooks:
            connection.execute(hook.restore.encode())


def insert_together(
    connection: Connection[Any], tables: Sequence[SeedTable], rows: Mapping[int, Sequence[Row]]
) -> None:
    """Insert the rows of all these tables in one statement, at whose end their foreign keys are checked."""
    inserts = [_insert(table, rows[table.oid]) for table in tables if rows[table.oid]]
    if not inserts:
        return
    queries = [
        sql.SQL("{} as ({} returning 1)").format(sql.Identifier(f"w{number}"), insert)
        for number, insert in enumerate(inserts[:-1])
    ]
    prefix = sql.SQL("with {} ").format(sql.SQL(", ").join(queries)) if queries else sql.SQL("")
    with connection.transaction():
        connection.execute(prefix + inserts[-1])
        connection.execute("set constraints all immediate")
        connection.execute("set constraints all deferred")


def insert_one_by_one(
    connection: Connection[Any], table: SeedTable, rows: Sequence[Row], redraw: Callable[[Sequence[Row]], Row | None]
) -> str | None:
    """Insert the rows that the server accepts, and return its last error.

    ``redraw`` returns another row for a rejected one, given the rows that are inserted.
    """
    inserted: list[Row] = []
    message: str | None = None
    for row in rows:
        attempt: Row | None = row
        for _ in range(_RETRIES + 1):
            if attempt is None:
                break
            try:
                insert_together(connection, (table,), {table.oid: [attempt]})
            except Error as error:
                message = error.diag.message_primary or str(error)
                attempt = redraw(inserted)
            else:
                inserted.append(attempt)
                break
    return message


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
