"""What takes a statement back, as far as the statement itself tells."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, slots=True, kw_only=True)
class Undo:
    """What takes one statement back."""

    sql: tuple[str, ...] = ()
    """Statements to run, in order, without semicolons."""
    unknown: tuple[str, ...] = ()
    """What the statement does not tell and its author has to, one sentence each."""


NOTHING = Undo()
"""There is nothing to take back."""


def run(*sql: str, unknown: str | None = None) -> Undo:
    """Return an undo of these statements."""
    return Undo(sql=sql, unknown=(unknown,) if unknown else ())


def ask(unknown: str) -> Undo:
    """Return an undo that only its author can write."""
    return Undo(unknown=(unknown,))
