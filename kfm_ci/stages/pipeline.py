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
from kfm_ci.postgres.session import CONNECTION_ERRORS, connection_error
from kfm_ci.stages.apply import Apply
from kfm_ci.stages.checksums import Checksums
from kfm_ci.stages.dry_run import DryRun
from kfm_ci.stages.gate_input import GateInput
from kfm_ci.stages.provision import Provision
from kfm_ci.stages.results import RunningServer
from kfm_ci.stages.rollback import Rollback
from kfm_ci.stages.smoke import Smoke
from kfm_ci.stages.smoke_checks.compatibility import check_running_release
from kfm_ci.stages.stage import Failed, Results, Skip, Stage, StageOutcome, Stopped
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
    outcome = StageOutcome()
    try:
        try:
            return StageStatus.PASSED, stage.run(given, done), done.failure
        except Stopped as stopped:
            outcome = stopped.outcome
            raise stopped.error from stopped
    except Skip as reason:
        return StageStatus.SKIPPED, replace(outcome, message=str(reason)), done.failure
    except Failed as reason:
        found = () if outcome.findings else reason.findings
        return (
            StageStatus.FAILED,
            replace(outcome, findings=(*outcome.findings, *found), message=str(reason)),
            done.failure,
        )
    except KfmError as error:
        # a signal counts more than the error that it interrupts
        failure = error if isinstance(error, Cancelled) else done.failure or error
        return StageStatus.ERRORED, replace(outcome, message=str(error)), failure
    except CONNECTION_ERRORS as error:
        running = outcome.result if isinstance(outcome.result, RunningServer) else done.get(RunningServer)
        lost = (
            connection_error(running.server, error)
            if running
            else CannotCheck(
                code="KFM-C08",
                message="The server stopped or closed the connection.",
                help="Run again; check the memory and disk limits of the machine if the error persists.",
            )
        )
        return StageStatus.ERRORED, replace(outcome, message=str(lost)), done.failure or lost
