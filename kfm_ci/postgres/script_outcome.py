"""The outcome of a script: applied, or the error with its place in the file."""

from __future__ import annotations

from dataclasses import dataclass

import psycopg

from kfm_ci.model import Mode, Outcome
from kfm_ci.postgres.execute import StatementFailed
from kfm_ci.sql.script import Statement


@dataclass(frozen=True, slots=True, kw_only=True)
class ScriptOutcome:
    """The outcome of a script."""

    outcome: Outcome
    mode: Mode
    duration_ms: float
    error: str | None = None
    """SQLSTATE, message and hint of PostgreSQL, or kfm-ci's own message."""
    sqlstate: str | None = None
    """Of the server's error; None: the error is not the server's."""
    line: int | None = None
    """1-based line of the error in the file."""
    column: int | None = None
    statement: Statement | None = None
    """The statement that failed."""
    failure: psycopg.Error | None = None
    escaped: bool = False
    """Whether it ended the transaction that it ran in, or left one open."""
    touched: frozenset[int] | None = None
    """OIDs of all relations whose rows may have changed; None: rows of any relation, or not traced."""


def failure(failed: StatementFailed, mode: Mode, duration_ms: float) -> ScriptOutcome:
    """Return the outcome of a script whose statement failed, with the position of the error in its file."""
    diag = failed.error.diag
    part = failed.statement
    line = column = None
    if part is not None:
        line, column = part.line, part.column
        position = int(diag.statement_position or 0)
        if position:
            before = part.text[: position - 1]
            line = part.line + before.count("\n")
            column = position - 1 - before.rfind("\n") if "\n" in before else part.column + position - 1
    message = diag.message_primary or str(failed.error)
    detail = f" ({diag.message_hint})" if diag.message_hint else ""
    return ScriptOutcome(
        outcome=Outcome.FAILED,
        mode=mode,
        duration_ms=duration_ms,
        error=f"{diag.sqlstate}: {message}{detail}" if diag.sqlstate else f"{message}{detail}",
        sqlstate=diag.sqlstate,
        line=line,
        column=column,
        statement=part,
        failure=failed.error,
    )
