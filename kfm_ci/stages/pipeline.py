"""The sentence: validate, provision, dry-run, apply, rollback, smoke, checksums."""

from __future__ import annotations

from collections.abc import Callable

from kfm_ci.clock import Clock
from kfm_ci.errors import Cancelled, CannotCheck, KfmError
from kfm_ci.evidence.journal import Journal
from kfm_ci.evidence.model import StageEvidence
from kfm_ci.model import StageStatus
from kfm_ci.postgres.session import LOST, gone
from kfm_ci.stages.apply import Apply
from kfm_ci.stages.checksums import Checksums
from kfm_ci.stages.dry_run import DryRun
from kfm_ci.stages.provision import Provision
from kfm_ci.stages.rollback import Rollback
from kfm_ci.stages.run import Run
from kfm_ci.stages.smoke import Smoke
from kfm_ci.stages.smoke_checks.compatibility import coexist
from kfm_ci.stages.stage import Failed, Skip, Stage
from kfm_ci.stages.validate import Validate

GATE: tuple[Stage, ...] = (Validate(), Provision(), DryRun(), Apply(), Rollback(), Smoke(coexist), Checksums())


def execute(
    stages: tuple[Stage, ...], run: Run, *, clock: Clock, journal: Journal, progress: Callable[[StageEvidence], None]
) -> None:
    """Run stages in order; each says everything it can, and a later one runs unless what it stands on failed."""
    run.journal = journal
    for stage in stages:
        journal.note("stage-started", stage=stage.name)
        began = clock.milliseconds()
        cancelled = isinstance(run.failure, Cancelled)
        status, message = (StageStatus.SKIPPED, "cancelled") if cancelled else _outcome(stage, run)
        ended = StageEvidence(
            name=stage.name, status=status, duration_ms=round(clock.milliseconds() - began, 3), message=message
        )
        run.stages.append(ended)
        journal.note("stage-ended", stage=stage.name, status=status.value, message=message)
        progress(ended)


def _outcome(stage: Stage, run: Run) -> tuple[StageStatus, str | None]:
    try:
        return StageStatus.PASSED, stage.run(run)
    except Skip as reason:
        return StageStatus.SKIPPED, str(reason)
    except Failed as reason:
        return StageStatus.FAILED, str(reason)
    except KfmError as error:
        # a signal counts more than what it interrupted
        run.failure = error if isinstance(error, Cancelled) else run.failure or error
        return StageStatus.ERRORED, str(error)
    except LOST as error:
        lost = gone(run.server, error) if run.server else CannotCheck(code="KFM-C08", message="the server is gone")
        run.failure = run.failure or lost
        return StageStatus.ERRORED, str(lost)
