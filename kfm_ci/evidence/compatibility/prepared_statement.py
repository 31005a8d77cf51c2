"""Statements that PostgreSQL prepares but does not run: whether they prepare, and the columns that they return."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from psycopg import Connection
from psycopg.pq import ExecStatus

TYPES = "select t.o, pg_catalog.format_type(t.o, null) from pg_catalog.unnest(%s::pg_catalog.oid[]) as t (o)"

MISSING = frozenset({"42703", "42P01", "42883", "42704", "3F000", "42P02"})
"""SQLSTATEs for undefined names: column, table, function, object, schema, parameter."""


@dataclass(frozen=True, slots=True, kw_only=True)
class StatementShape:
    """The result columns of a statement, or the error when it is prepared."""

    columns: tuple[tuple[str, str], ...] = ()
    """Name and type of each column of its result."""
    error: str | None = None
    """SQLSTATE and PostgreSQL's message when it does not prepare."""

    @property
    def names_missing_object(self) -> bool:
        """Whether it does not prepare because it names a missing object."""
        return self.error is not None and self.error[:5] in MISSING


def prepare(connection: Connection[Any], statement: str) -> StatementShape:
    """Return the shape of one statement, with parameters as ``$1``; leaves the session as it was."""
    prepared = connection.pgconn.prepare(b"", statement.encode())
    if prepared.status != ExecStatus.COMMAND_OK:
        # fields of the protocol's ErrorResponse: C is the SQLSTATE, M the primary message
        state, message = (prepared.error_field(field) or b"" for field in (ord("C"), ord("M")))
        return StatementShape(error=f"{state.decode()}: {message.decode('utf-8', 'replace')}")
    described = connection.pgconn.describe_prepared(b"")
    found = [
        ((described.fname(index) or b"").decode("utf-8", "replace"), described.ftype(index))
        for index in range(described.nfields)
    ]
    names = dict(connection.execute(TYPES, [[oid for _, oid in found]]).fetchall()) if found else {}
    return StatementShape(columns=tuple((name, names[oid]) for name, oid in found))


def describe_change(before: StatementShape, after: StatementShape) -> str | None:
    """Return how the result of a statement that prepared before changed; None when clients are not affected.

    Additional columns do not affect clients that read columns by name.
    """
    if before.error is not None:
        return None
    if after.error is not None:
        return f"no longer prepares: {after.error}"
    left = list(after.columns)
    for column in before.columns:
        if column in left:
            left.remove(column)
            continue
        now = next((kind for name, kind in left if name == column[0]), None)
        if now is None:
            return f"no longer returns the column {column[0]}"
        return f"returns {column[0]} as {now} instead of {column[1]}"
    return None
