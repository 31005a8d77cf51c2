"""Rows written since the migration, as only its schema lets them in: a way back can stumble over them."""

from __future__ import annotations

from dataclasses import dataclass

import psycopg

from kfm_ci.evidence.robustness.model import script_finding
from kfm_ci.evidence.robustness.relaxed_constraints import NewRow, newcomers
from kfm_ci.evidence.robustness.replay import Replay, walk
from kfm_ci.migrations.model import Migration
from kfm_ci.model import Finding, Mode, Severity
from kfm_ci.postgres import execute, written_relations
from kfm_ci.postgres.catalog import Catalog
from kfm_ci.rules.server.rollback import ROLLBACK_FAILS_ON_NEW_ROWS
from kfm_ci.sql import statements, transactions
from kfm_ci.sql.script import Script, Statement

_ROWS = ("22", "23")
"""Classes of errors that rows are to blame for: data exceptions, integrity."""


@dataclass(frozen=True, slots=True, kw_only=True)
class RollbackFailure:
    """A row that a way back fails on."""

    what: str
    error: str
    line: int | None

    @property
    def price(self) -> str:
        """What it means for whoever goes back."""
        return f"rolling back fails once there is {self.what}: {self.error}"


def rehearse(course: Replay, down: Script, before: Catalog, after: Catalog) -> tuple[RollbackFailure, ...]:
    """Run a way back that is proven once more, on each row that the migration lets in; return those it fails on.

    The course stands behind the migration, whose schema was ``before`` and is ``after``; it is left as it is found.
    """
    found: dict[str, RollbackFailure] = {}
    alone = transactions.mode(down) is Mode.TRANSACTION
    for newcomer in newcomers(before, after):
        if newcomer.what in found:
            continue
        if alone:
            with course.unmoved():
                stumble = _rolled_back(course, down, newcomer)
        else:
            stumble = _on_a_copy(course, down, newcomer)
        if stumble is not None:
            found[newcomer.what] = stumble
    return tuple(found.values())


def told(migration: Migration, down: Script, stumbles: tuple[RollbackFailure, ...]) -> Finding:
    """Return a note on rows that a way back fails on."""
    rows = "; ".join(f"{stumble.what} ({stumble.error})" for stumble in stumbles)
    return script_finding(
        ROLLBACK_FAILS_ON_NEW_ROWS,
        migration,
        down,
        f"The rollback restores existing rows, but fails on rows allowed only by the new schema: {rows}.",
        help="Convert such rows in the down migration before it forbids them (`update … where …`).",
        severity=Severity.NOTE,
        line=stumbles[0].line or down.first_line,
    )


def _rolled_back(course: Replay, down: Script, newcomer: NewRow) -> RollbackFailure | None:
    session, reached = course.session, None
    try:
        with session.transaction(force_rollback=True):
            if not newcomer.arrives(session):
                return None
            written_relations.run_deferred(session)
            for reached in statements.of(down):
                execute.send(session, reached)
            written_relations.run_deferred(session)
    except psycopg.Error as error:
        return _stumble(newcomer, error.sqlstate, error.diag.message_primary, reached)
    return None


def _on_a_copy(course: Replay, down: Script, newcomer: NewRow) -> RollbackFailure | None:
    course.leave()
    with walk(course.ground, course.database) as copy:
        try:
            if not newcomer.arrives(copy.session):
                return None
        except psycopg.Error:
            return None
        done = copy.run(down)
        message = done.failure.diag.message_primary if done.failure is not None else None
        return _stumble(newcomer, done.sqlstate, message, done.statement)


def _stumble(
    newcomer: NewRow, sqlstate: str | None, message: str | None, statement: Statement | None
) -> RollbackFailure | None:
    if statement is None or not (sqlstate or "").startswith(_ROWS):
        return None  # the new schema refuses the row, or it is not the rows
    return RollbackFailure(what=newcomer.what, error=f"{sqlstate}: {message}", line=statement.line)
