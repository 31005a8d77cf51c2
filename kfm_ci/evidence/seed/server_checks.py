"""The server as judge of candidates: which values a type reads, which rows a condition accepts."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from psycopg import Connection, Error, sql

from kfm_ci.evidence.seed.model import Tuple

_QUESTIONS = 60
"""Up to so many questions are spent on candidates that make a condition fail with an error."""


class ServerChecks:
    """Asks below savepoints, so that a wrong candidate costs nothing."""

    def __init__(self, connection: Connection[Any]) -> None:
        """Ask on a connection that is inside a transaction."""
        self._connection = connection

    def accepted(
        self, candidates: Sequence[Tuple], types: Mapping[str, str], conditions: Sequence[str] = ()
    ) -> list[Tuple]:
        """Return the candidates whose values the types read and of which no condition is false, in their order."""
        self._left = _QUESTIONS
        return self._ask(list(candidates), types, conditions)

    def _ask(self, candidates: list[Tuple], types: Mapping[str, str], conditions: Sequence[str]) -> list[Tuple]:
        if not candidates or self._left <= 0:
            return []
        self._left -= 1
        try:
            with self._connection.transaction():
                rows = self._connection.execute(_question(candidates, types, conditions)).fetchall()
            return [candidates[number - 1] for (number,) in rows]
        except Error:
            if len(candidates) == 1:
                return []
        half = len(candidates) // 2
        return [*self._ask(candidates[:half], types, conditions), *self._ask(candidates[half:], types, conditions)]


def _question(candidates: Sequence[Tuple], types: Mapping[str, str], conditions: Sequence[str]) -> sql.Composed:
    names = list(types)
    arrays = sql.SQL(", ").join(
        sql.SQL("{}::text[]").format(sql.Literal([row[name] for row in candidates])) for name in names
    )
    aliases = sql.SQL(", ").join(sql.Identifier(f"v{number}") for number in range(len(names)))
    # What is counted below cannot be left out by the planner: every value is read by its type.
    values = sql.SQL(", ").join(
        sql.SQL("v{}::{} as {}").format(sql.SQL(str(number)), sql.SQL(types[name]), sql.Identifier(name))
        for number, name in enumerate(names)
    )
    used = sql.SQL(" and ").join(
        [
            sql.SQL("num_nonnulls({}) >= 0").format(sql.SQL(", ").join(map(sql.Identifier, names))),
            *(sql.SQL("({}) is not false").format(sql.SQL(condition)) for condition in conditions),
        ]
    )
    return sql.SQL(
        "select i from (select i, {} from unnest({}) with ordinality u({}, i) offset 0) t where {} order by i"
    ).format(values, arrays, aliases, used)
