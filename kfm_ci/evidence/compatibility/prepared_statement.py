"""What a statement is to the server: whether it prepares, and which columns it gives; nothing is run."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from psycopg import Connection
from psycopg.pq import ExecStatus

TYPES = "select t.o, pg_catalog.format_type(t.o, null) from pg_catalog.unnest(%s::pg_catalog.oid[]) as t (o)"

MISSING = frozenset({"42703", "42P01", "42883", "42704", "3F000", "42P02"})
"""What the server says of a name that is not there: column, relation, function, type, schema, parameter."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Shape:
    """A statement as the server understands it."""

    columns: tuple[tuple[str, str], ...] = ()
    """Name and type of each column of its result."""
    error: str | None = None
    """SQLSTATE and the server's message when it does not prepare."""

    @property
    def missing(self) -> bool:
        """Whether it does not prepare because something that it names is not there."""
        return self.error is not None and self.error[:5] in MISSING


def of(connection: Connection[Any], statement: str) -> Shape:
    """Return the shape of one statement, with parameters as ``$1``; leaves the session as it was."""
    prepared = connection.pgconn.prepare(b"", statement.encode())
    if prepared.status != ExecStatus.COMMAND_OK:
        # The fields of an error, by the protocol's letters: state and primary message.
        state, message = (prepared.error_field(field) or b"" for field in (ord("C"), ord("M")))
        return Shape(error=f"{state.decode()}: {message.decode('utf-8', 'replace')}")
    described = connection.pgconn.describe_prepared(b"")
    found = [
        ((described.fname(index) or b"").decode("utf-8", "replace"), described.ftype(index))
        for index in range(described.nfields)
    ]
    names = dict(connection.execute(TYPES, [[oid for _, oid in found]]).fetchall()) if found else {}
    return Shape(columns=tuple((name, names[oid]) for name, oid in found))


def difference(before: Shape, after: Shape) -> str | None:
    """Return how a statement that prepared before is another now; None when callers notice nothing.

    Columns that come on top are not noticed by who asks for columns by name.
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
            return f"no longer gives the column {column[0]}"
        return f"gives {column[0]} as {now}, was {column[1]}"
    return None
