"""From a refusal to what an author must know: which rows, the query for production, the safe way."""

from __future__ import annotations

from typing import Any

from psycopg import Connection, Error

from kfm_ci.evidence.data_dependence.model import Dependence, Failure, OffendingRows
from kfm_ci.evidence.data_dependence.offending_rows import offence
from kfm_ci.evidence.observation import nested_statements
from kfm_ci.postgres.script_outcome import ScriptOutcome
from kfm_ci.sql import statements

_NOT_DATA = ("08", "25", "40", "42", "53", "57", "58", "XX", "0A", "2D", "28", "3D")
"""Classes of errors that no row is to blame for."""
_WAITED = "55P03"


def depends_on_data(failed: ScriptOutcome) -> bool:
    """Whether rows can be to blame for a failure, when the same statement succeeds without them."""
    state = failed.sqlstate or ""
    return bool(state) and failed.statement is not None and not state.startswith(_NOT_DATA) and state != _WAITED


def diagnose(failed: ScriptOutcome, *, before: Connection[Any], after: Connection[Any]) -> Dependence:
    """Say what a failed statement depends on.

    ``before`` is the database with its rows as they were before the migration (or as far as it came outside a
    transaction), ``after`` one without rows on which the migration succeeded. Neither is changed.
    """
    if failed.failure is None or failed.statement is None:
        raise ValueError("nothing failed")
    # Inside a block or a function the server names the statement itself.
    inside = nested_statements.origin(failed.failure.diag.context or "")
    try:
        trees = statements.parse(inside.text if inside is not None else failed.statement.text)
    except statements.SyntaxProblem:
        trees = ()
    tree = trees[0] if len(trees) == 1 else None
    found = offence(Failure(error=failed.failure, statement=failed.statement, tree=tree), before, after)
    counted = _count(found, before)
    return Dependence(
        message=_message(failed, found, counted),
        help=_help(found, counted),
        table=found.table,
        columns=found.columns if counted is not None else (),
    )


def _count(found: OffendingRows, before: Connection[Any]) -> tuple[int, int] | None:
    """Return how many rows offend, of how many; None when the query cannot be asked of what was there before."""
    if found.table is None or found.condition is None:
        return None
    query = f"select count(*) filter (where {found.condition}), count(*) from {found.table} c"
    try:
        with before.transaction(force_rollback=True):
            row = before.execute(query.encode()).fetchone()
    except Error:
        return None
    return (row[0], row[1]) if row and row[0] else None


def _message(failed: ScriptOutcome, found: OffendingRows, counted: tuple[int, int] | None) -> str:
    if not found.shape:
        rows = f"rows of {found.table}" if found.table else "synthetic rows"
        seen = f"fails on {rows}"
    elif counted is not None:
        seen = f"fails on rows: {counted[0]} of {counted[1]} synthetic rows of {found.table} {found.shape}"
    else:
        seen = f"fails on rows: some synthetic rows of {found.table} {found.shape}"
    return f"{seen}. It succeeds on an empty table. PostgreSQL: {failed.error}"


def _help(found: OffendingRows, counted: tuple[int, int] | None) -> str:
    asked = ""
    if counted is not None and found.condition is not None:
        alias = " c" if "c." in found.condition and " p " in found.condition else ""
        where = "" if found.condition == "true" else f" where {found.condition}"
        query = found.query or f"select count(*) from {found.table}{alias}{where};"
        asked = f"Whether production has such rows: `{query}` "
    none = "If there are none" if asked else "If production has no such rows"
    return f'{asked}{found.remedy}. {none}: `-- kfm:allow data-dependent reason="…"` above the statement.'
