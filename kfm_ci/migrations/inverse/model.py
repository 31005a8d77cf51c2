"""What takes a statement back, as far as the statement itself tells."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, slots=True, kw_only=True)
class InverseStatements:
    """What takes one statement back."""

    sql: tuple[str, ...] = ()
    """Statements to run, in order, without semicolons."""
    unknown: tuple[str, ...] = ()
    """What the statement does not tell and its author has to, one sentence each."""


NOTHING = InverseStatements()
"""There is nothing to take back."""


def run(*sql: str, unknown: str | None = None) -> InverseStatements:
    """Return an undo of these statements."""
    return InverseStatements(sql=sql, unknown=(unknown,) if unknown else ())


def ask(unknown: str) -> InverseStatements:
    """Return an undo that only its author can write."""
    return InverseStatements(unknown=(unknown,))
