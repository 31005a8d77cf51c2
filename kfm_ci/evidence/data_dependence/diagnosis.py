"""From a failed statement to the offending rows, the query for production and the fix."""

from __future__ import annotations

from typing import Any

from psycopg import Connection, Error

from kfm_ci.evidence.data_dependence.model import Dependence, Failure, OffendingRows
from kfm_ci.evidence.data_dependence.offending_rows import find_offending_rows
from kfm_ci.evidence.observation import nested_statements
from kfm_ci.postgres.script_outcome import ScriptOutcome
from kfm_ci.sql import statements

_NOT_DATA = ("08", "25", "40", "42", "53", "57", "58", "XX", "0A", "2D", "28", "3D")
"""SQLSTATE classes of errors that rows do not cause."""
_LOCK_NOT_AVAILABLE = "55P03"


def depends_on_data(failed: ScriptOutcome) -> bool:
    """Whether rows can cause a failure, when the same statement succeeds without them."""
    state = failed.sqlstate or ""
    return (
        bool(state)
        and failed.statement is not None
        and not state.startswith(_NOT_DATA)
        and state != _LOCK_NOT_AVAILABLE
    )


def diagnose(failed: ScriptOutcome, *, before: Connection[Any], after: Connection[Any]) -> Dependence:
    """Return message and help on the rows that make a statement fail.

    ``before`` is the database with its rows before the migration (outside a transaction: after its finished
    statements), ``after`` one without rows on which the migration succeeded. Neither is changed.
    """
    if failed.failure is None or failed.statement is None:
        raise ValueError("nothing failed")
    # PL/pgSQL reports the statement inside a block or a function in the error's context
    inside = nested_statements.origin(failed.failure.diag.context or "")
    text = inside.text if inside is not None else failed.statement.text
    try:
        trees = statements.parse(text)
    except statements.SyntaxProblem:
        trees = ()
    tree = trees[0] if len(trees) == 1 else None
    found = find_offending_rows(Failure(error=failed.failure, statement=failed.statement, tree=tree), before, after)
    counts = _count(found, before)
    return Dependence(
        message=_message(failed, statements.kind(text), found, counts),
        remedy=found.remedy and f"{found.remedy}.",
        acknowledgement=_acknowledgement(found, counts),
        table=found.table,
        columns=found.columns if counts is not None else (),
    )


def _count(found: OffendingRows, before: Connection[Any]) -> tuple[int, int] | None:
    """Return the number of offending rows and of all rows; None when the query fails on the earlier schema."""
    if found.table is None or found.condition is None:
        return None
    query = f"select count(*) filter (where {found.condition}), count(*) from {found.table} c"
    try:
        with before.transaction(force_rollback=True):
            row = before.execute(query.encode()).fetchone()
    except Error:
        return None
    return (row[0], row[1]) if row and row[0] else None


def _message(failed: ScriptOutcome, kind: str, found: OffendingRows, counts: tuple[int, int] | None) -> str:
    subject = f"`{kind}`" if kind else "The statement"
    if not found.shape:
        rows = f"rows of {found.table}" if found.table else "synthetic rows"
        failure = f"fails on {rows}"
    else:
        share = "some" if counts is None else f"{counts[0]} of {counts[1]}"
        failure = f"fails on rows: {share} synthetic rows of {found.table} {found.shape}"
    return f"{subject} {failure}. It succeeds on an empty table. PostgreSQL: {failed.error}"


def _acknowledgement(found: OffendingRows, counts: tuple[int, int] | None) -> str:
    condition = "production has no such rows"
    if counts is not None and found.condition is not None:
        alias = " c" if "c." in found.condition and " p " in found.condition else ""
        where = "" if found.condition == "true" else f" where {found.condition}"
        query = found.query or f"select count(*) from {found.table}{alias}{where};"
        condition = f"`{query}` finds none in production"
    return f'If {condition}, write `-- kfm:allow data-dependent reason="…"` above the statement.'
