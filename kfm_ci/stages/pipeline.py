"""The gate in one sentence: validate, provision, dry-run, apply, rollback, smoke, checksums."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from typing import TypeVar

from kfm_ci.clock import Clock
from kfm_ci.errors import Cancelled, CannotCheck, KfmError
from kfm_ci.evidence.journal import Journal
from kfm_ci.evidence.model import StageEvidence
from kfm_ci.model import Finding, StageStatus
from kfm_ci.postgres.session import connection_error
from kfm_ci.stages.apply import Apply
from kfm_ci.stages.checksums import Checksums
from kfm_ci.stages.dry_run import DryRun
from kfm_ci.stages.gate_input import GateInput
from kfm_ci.stages.provision import Provision
from kfm_ci.stages.results import RunningServer
from kfm_ci.stages.rollback import Rollback
from kfm_ci.stages.smoke import Smoke
from kfm_ci.stages.smoke_checks.compatibility import check_running_release
from kfm_ci.stages.stage import ConnectionLost, EarlyEnd, Errored, Results, Stage, StageOutcome, keeping
from kfm_ci.stages.validate import Validate

Given = TypeVar("Given")

GATE: tuple[Stage[GateInput], ...] = (
    Validate(),
    Provision(),
    DryRun(),
    Apply(),
    Rollback(),
    Smoke(check_running_release),
    Checksums(),
)


def execute(
    stages: tuple[Stage[Given], ...],
    given: Given,
    *,
    clock: Clock,
    journal: Journal,
    progress: Callable[[StageEvidence], None],
    notices: tuple[Finding, ...] = (),
) -> Results:
    """Run stages in order and return their results.

    Each reports everything it can; a later stage runs unless a stage that it needs failed, and none after a
    cancellation.
    """
    done = Results(notices=notices)
    for stage in stages:
        try:
            done = _step(stage, given, done, clock=clock, journal=journal)
            progress(done.stages[-1])
        except Cancelled as error:
            done = replace(done, failure=error)
    return done


def _step(stage: Stage[Given], given: Given, done: Results, *, clock: Clock, journal: Journal) -> Results:
    journal.note("stage-started", stage=stage.name)
    began = clock.milliseconds()
    status, outcome, failure = _run(stage, given, done)
    duration = round(clock.milliseconds() - began, 3)
    ended = StageEvidence(name=stage.name, status=status, duration_ms=duration, message=outcome.message)
    journal.note("stage-ended", stage=stage.name, status=status.value, message=outcome.message)
    return replace(done, stages=(*done.stages, ended), outcomes=(*done.outcomes, outcome), failure=failure)


def _run(stage: Stage[Given], given: Given, done: Results) -> tuple[StageStatus, StageOutcome, KfmError | None]:
    """Return how a stage ended, its outcome, and the failure of the run so far."""
    if isinstance(done.failure, Cancelled):
        return StageStatus.SKIPPED, StageOutcome(message="cancelled"), done.failure
    try:
        with keeping(StageOutcome):
            return StageStatus.PASSED, stage.run(given, done), done.failure
    except Errored as end:
        # a signal counts more than the error that it interrupts
        failure = end.error if isinstance(end.error, Cancelled) else done.failure or end.error
        return end.status, replace(end.outcome, message=str(end)), failure
    except ConnectionLost as end:
        lost = _connection_error(end.error, replace(done, outcomes=(*done.outcomes, end.outcome)))
        return end.status, replace(end.outcome, message=str(lost)), done.failure or lost
    except EarlyEnd as end:
        return end.status, replace(end.outcome, message=str(end)), done.failure


def _connection_error(error: Exception, done: Results) -> CannotCheck:
    """Return the error for a lost connection, with the state of the server if a stage started one."""
    running = done.get(RunningServer)
    if running is not None:
        return connection_error(running.server, error)
    return CannotCheck(
        code="KFM-C08",
        message="The server stopped or closed the connection.",
        help="Run again; check the memory and disk limits of the machine if the error persists.",
    )
