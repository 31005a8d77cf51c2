"""The isolated drill: from the first migration on, each rollback right after its own up migration."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from math import isqrt

from kfm_ci.evidence.rollback import prerequisites
from kfm_ci.evidence.rollback.checkpoint import DrillDatabase
from kfm_ci.evidence.rollback.drill_step import DrillRun
from kfm_ci.evidence.rollback.model import Connect, DrillStep, Runner, State
from kfm_ci.evidence.rollback.result import DrillCase
from kfm_ci.model import Mode
from kfm_ci.postgres.catalog import Catalog
from kfm_ci.sql import statements, transactions


def drill_isolated(
    cases: Sequence[DrillCase],
    *,
    before: Mapping[str, State],
    after: Mapping[str, State],
    connect: Connect,
    runner: Runner,
) -> set[str]:
    """Apply, roll back and re-apply each migration in order; return those whose rollback ran outside a transaction.

    Schema and rows around each up are captured again, because a migration may write different values in each run.
    After a rollback that fails, the last checkpoint is restored. There is one checkpoint for about the square root of
    the number of migrations, so many failures cost little more than few. ``before`` and ``after`` are the states
    captured first; they serve for migrations without a rollback to run.
    """
    if not cases:
        return set()
    with connect() as connection:
        run = DrillRun(connection=connection, runner=runner, before=before, after=after)
        for case in cases:
            if not case.subject.can_run:
                run.roll_back(case)
    last = max((number for number, case in enumerate(cases) if case.subject.can_run), default=-1)
    with DrillDatabase(runner, connect) as database:
        return _drill_in_order(cases[: last + 1], database)


def _drill_in_order(cases: Sequence[DrillCase], database: DrillDatabase) -> set[str]:
    autocommit: set[str] = set()
    stride = isqrt(len(cases)) + 1
    schema: Catalog | None = None
    for number, case in enumerate(cases):
        identity = case.subject.id
        if not database.clean:
            database.restore()
            schema = None
        if not database.clean:
            _skip(cases[number:], f"`{identity}` was not reached from the start: an earlier migration fails")
            break
        if number and number % stride == 0:
            database.keep()
        before = database.capture(schema) if case.subject.can_run else None
        error = database.apply(case.subject.migration)
        if error is not None:
            _skip(cases[number:], f"`{identity}` was not reached from the start: {error}")
            break
        schema = _drill_applied(case, before, database, autocommit) if before is not None else None
    return autocommit


def _drill_applied(case: DrillCase, before: State, database: DrillDatabase, autocommit: set[str]) -> Catalog:
    """Drill a migration that was just applied; return the schema after its up."""
    after, identity = database.capture(), case.subject.id
    run = DrillRun(
        connection=database.connection,
        runner=database,
        before={identity: before},
        after={identity: after},
        content=after.content,
        schema=after.catalog,
    )
    run.roll_back(case)
    if case.step is DrillStep.ROLLED_BACK:
        run.reapply([case])
        database.clean = case.is_applied and not case.findings
    else:
        database.clean = case.is_applied and _is_transactional(case)
    autocommit |= run.autocommit
    return after.catalog


def _is_transactional(case: DrillCase) -> bool:
    """Whether PostgreSQL reverted everything that a rollback did before it failed."""
    down = case.subject.down
    return (
        case.mode is Mode.TRANSACTION
        and down is not None
        and not any(transactions.controls_transaction(part) for part in statements.of(down))
    )


def _skip(cases: Sequence[DrillCase], reason: str) -> None:
    for case in cases:
        if case.subject.can_run:
            prerequisites.check(case)
            case.messages.append(f"Not drilled: {reason}.")
