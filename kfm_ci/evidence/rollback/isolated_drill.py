"""The climb: where a later way back is blocked, earlier ones are drilled from the start, each right after its up."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from math import isqrt

from kfm_ci.evidence.rollback import prerequisites
from kfm_ci.evidence.rollback.checkpoint import DrillDatabase
from kfm_ci.evidence.rollback.drill_step import DrillRun
from kfm_ci.evidence.rollback.model import Connect, Runner, State
from kfm_ci.evidence.rollback.result import DrillCase
from kfm_ci.model import Mode
from kfm_ci.postgres.catalog import Catalog
from kfm_ci.sql import statements, transactions


def climb(
    trials: Sequence[DrillCase],
    *,
    before: Mapping[str, State],
    after: Mapping[str, State],
    connect: Connect,
    runner: Runner,
) -> set[str]:
    """Drill each of the first migrations between its up and its up again; return those that ran outside a transaction.

    Rows and schema around each up are captured anew, so that a migration which writes other values each time is
    judged by what it wrote now. After a way back that fails the last kept stand is restored and at most a root of
    all migrations runs again: what the climb costs hardly grows with what fails. ``before`` and ``after`` are what
    was captured the first time; they serve for what has no way back to run.
    """
    if not trials:
        return set()
    with connect() as connection:
        course = DrillRun(connection=connection, runner=runner, before=before, after=after)
        for trial in trials:
            if not trial.subject.runs:
                course.take_back(trial)
    last = max((number for number, trial in enumerate(trials) if trial.subject.runs), default=-1)
    with DrillDatabase(runner, connect) as stand:
        return _climb(trials[: last + 1], stand)


def _climb(trials: Sequence[DrillCase], stand: DrillDatabase) -> set[str]:
    autocommit: set[str] = set()
    stride = isqrt(len(trials)) + 1
    schema: Catalog | None = None
    for number, trial in enumerate(trials):
        if not stand.firm:
            stand.restore()
            schema = None
        if not stand.firm:
            _miss(trials[number:], f"{trial.subject.id} was not reached from the start: what comes before it fails")
            break
        if number and number % stride == 0:
            stand.keep()
        before = stand.look(schema) if trial.subject.runs else None
        refused = stand.climb(trial.subject.migration)
        if refused is not None:
            _miss(trials[number:], f"{trial.subject.id} was not reached from the start: {refused}")
            break
        schema = _between(trial, before, stand, autocommit) if before is not None else None
    return autocommit


def _between(trial: DrillCase, before: State, stand: DrillDatabase, autocommit: set[str]) -> Catalog:
    """Drill one migration that was just applied; return the schema that it made."""
    after, identity = stand.look(), trial.subject.id
    course = DrillRun(
        connection=stand.connection,
        runner=stand,
        before={identity: before},
        after={identity: after},
        seen=after.content,
        schema=after.catalog,
    )
    course.take_back(trial)
    if trial.walked:
        trial.applied = False
        course.reapply([trial])
        stand.firm = trial.applied and not trial.findings
    else:
        course.stay(trial)
        stand.firm = trial.applied and _undone(trial)
    autocommit |= course.autocommit
    return after.catalog


def _undone(trial: DrillCase) -> bool:
    """Whether the server rolled back all that a way back did before it failed."""
    down = trial.subject.down
    return (
        trial.mode is Mode.TRANSACTION
        and down is not None
        and not any(transactions.controls_transaction(part) for part in statements.of(down))
    )


def _miss(trials: Sequence[DrillCase], why: str) -> None:
    for trial in trials:
        if trial.subject.runs:
            prerequisites.check(trial)
            trial.messages.append(f"Not drilled: {why}.")
