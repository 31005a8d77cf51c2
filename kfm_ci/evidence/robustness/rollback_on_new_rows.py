"""Rollback failures on new rows: a working rollback can fail on rows allowed only by the new schema."""

from __future__ import annotations

from dataclasses import dataclass

import psycopg

from kfm_ci.evidence.robustness.model import script_finding
from kfm_ci.evidence.robustness.relaxed_constraints import NewRow, new_rows
from kfm_ci.evidence.robustness.replay import Replay, open_replay
from kfm_ci.migrations.model import Migration
from kfm_ci.model import Finding, Mode, Severity
from kfm_ci.postgres import execute, written_relations
from kfm_ci.postgres.catalog import Catalog
from kfm_ci.rules.server.rollback import ROLLBACK_FAILS_ON_NEW_ROWS
from kfm_ci.sql import statements, transactions
from kfm_ci.sql.script import Script, Statement

_DATA_ERRORS = ("22", "23")
"""SQLSTATE classes of errors that rows cause: data exception, integrity constraint violation."""


@dataclass(frozen=True, slots=True, kw_only=True)
class RollbackFailure:
    """A row on which a rollback fails."""

    row: str
    error: str
    line: int | None

    @property
    def price(self) -> str:
        """The sentence for the data loss on rollback."""
        return f"rolling back fails on {self.row}: {self.error}"


def find_failures(replay: Replay, down: Script, before: Catalog, after: Catalog) -> tuple[RollbackFailure, ...]:
    """Run a proven rollback again on each row that only the new schema allows; return the failures.

    The replay is in the state after the migration, which changed the schema ``before`` to ``after``; it is left
    unchanged.
    """
    failures: dict[str, RollbackFailure] = {}
    is_transactional = transactions.mode(down) is Mode.TRANSACTION
    for row in new_rows(before, after):
        if row.description in failures:
            continue
        if is_transactional:
            with replay.preserving_sequences():
                failure = _dry_run(replay, down, row)
        else:
            failure = _run_on_clone(replay, down, row)
        if failure is not None:
            failures[row.description] = failure
    return tuple(failures.values())


def build_finding(migration: Migration, down: Script, failures: tuple[RollbackFailure, ...]) -> Finding:
    """Return a note on the rows on which a rollback fails."""
    rows = "; ".join(f"{failure.row} ({failure.error})" for failure in failures)
    return script_finding(
        ROLLBACK_FAILS_ON_NEW_ROWS,
        migration,
        down,
        f"The rollback restores existing rows, but fails on rows allowed only by the new schema: {rows}.",
        help="Convert such rows in the down migration before it forbids them (`update … where …`).",
        severity=Severity.NOTE,
        line=failures[0].line or down.first_line,
    )


def _dry_run(replay: Replay, down: Script, row: NewRow) -> RollbackFailure | None:
    session, reached = replay.session, None
    try:
        with session.transaction(force_rollback=True):
            if not row.write(session):
                return None
            written_relations.run_deferred(session)
            for reached in statements.of(down):
                execute.send(session, reached)
            written_relations.run_deferred(session)
    except psycopg.Error as error:
        return _failure(row, error.sqlstate, error.diag.message_primary, reached)
    return None


def _run_on_clone(replay: Replay, down: Script, row: NewRow) -> RollbackFailure | None:
    replay.disconnect()
    with open_replay(replay.databases, replay.database) as clone:
        try:
            if not row.write(clone.session):
                return None
        except psycopg.Error:
            return None
        applied = clone.run(down)
        message = applied.failure.diag.message_primary if applied.failure is not None else None
        return _failure(row, applied.sqlstate, message, applied.statement)


def _failure(
    row: NewRow, sqlstate: str | None, message: str | None, statement: Statement | None
) -> RollbackFailure | None:
    """Return a failure of the rollback; None when the row itself was rejected, or when rows are not the cause."""
    if statement is None or not (sqlstate or "").startswith(_DATA_ERRORS):
        return None
    return RollbackFailure(row=row.description, error=f"{sqlstate}: {message}", line=statement.line)
