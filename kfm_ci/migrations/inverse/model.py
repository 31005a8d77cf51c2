"""The inverse of a statement."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, slots=True, kw_only=True)
class InverseStatements:
    """The statements that revert one statement."""

    sql: tuple[str, ...] = ()
    """Statements to run, in order, without semicolons."""
    unknown: tuple[str, ...] = ()
    """Facts that are not in the statement and that the author must add, as noun phrases."""


NOTHING = InverseStatements()
"""Inverse of a statement with nothing to revert."""


def run(*sql: str, unknown: str | None = None) -> InverseStatements:
    """Return an inverse with these statements."""
    return InverseStatements(sql=sql, unknown=(unknown,) if unknown else ())


def ask(unknown: str) -> InverseStatements:
    """Return an inverse that only the author can write."""
    return InverseStatements(unknown=(unknown,))
