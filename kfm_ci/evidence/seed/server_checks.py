"""Candidates checked by the server: which values a type can read, which rows satisfy a check expression."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from psycopg import Connection, Error, sql

from kfm_ci.evidence.seed.model import Tuple

_MAX_QUERIES = 60
"""Queries per set of candidates: a set that raises an error is halved to find the candidate that causes it."""


class ServerChecks:
    """Runs each query in a savepoint, so that an invalid candidate does not abort the transaction."""

    def __init__(self, connection: Connection[Any]) -> None:
        """Use a connection that is inside a transaction."""
        self._connection = connection

    def accept(
        self, candidates: Sequence[Tuple], types: Mapping[str, str], conditions: Sequence[str] = ()
    ) -> list[Tuple]:
        """Return the candidates whose values their types can read and for which no condition is false, in order."""
        self._queries_left = _MAX_QUERIES
        return self._accept(list(candidates), types, conditions)

    def _accept(self, candidates: list[Tuple], types: Mapping[str, str], conditions: Sequence[str]) -> list[Tuple]:
        if not candidates or self._queries_left <= 0:
            return []
        self._queries_left -= 1
        try:
            with self._connection.transaction():
                rows = self._connection.execute(_query(candidates, types, conditions)).fetchall()
            return [candidates[number - 1] for (number,) in rows]
        except Error:
            if len(candidates) == 1:
                return []
        half = len(candidates) // 2
        return [
            *self._accept(candidates[:half], types, conditions),
            *self._accept(candidates[half:], types, conditions),
        ]


def _query(candidates: Sequence[Tuple], types: Mapping[str, str], conditions: Sequence[str]) -> sql.Composed:
    names = list(types)
    arrays = sql.SQL(", ").join(
        sql.SQL("{}::text[]").format(sql.Literal([row[name] for row in candidates])) for name in names
    )
    aliases = sql.SQL(", ").join(sql.Identifier(f"v{number}") for number in range(len(names)))
    values = sql.SQL(", ").join(
        sql.SQL("v{}::{} as {}").format(sql.SQL(str(number)), sql.SQL(types[name]), sql.Identifier(name))
        for number, name in enumerate(names)
    )
    # num_nonnulls uses every column, so the planner cannot drop a cast whose value no condition reads
    used = sql.SQL(" and ").join(
        [
            sql.SQL("num_nonnulls({}) >= 0").format(sql.SQL(", ").join(map(sql.Identifier, names))),
            *(sql.SQL("({}) is not false").format(sql.SQL(condition)) for condition in conditions),
        ]
    )
    return sql.SQL(
        "select i from (select i, {} from unnest({}) with ordinality u({}, i) offset 0) t where {} order by i"
    ).format(values, arrays, aliases, used)
