"""What can be said of a way back before it is run."""

from __future__ import annotations

from typing import assert_never

from kfm_ci.evidence.rollback.result import DrillCase
from kfm_ci.model import Strategy


def check(trial: DrillCase) -> bool:
    """Report what is missing on paper; return whether there is anything to run."""
    subject = trial.subject
    match subject.strategy:
        case Strategy.DOWN if not subject.runs:
            down = subject.migration.down
            lack = "has none" if down is None else f"there is no statement in {down.file.path}"
            trial.missing(
                f"{subject.id} is to be rolled back by its down, and {lack}",
                help="Write the down file, or declare `rollback: compensating` or `rollback: manual`.",
            )
        case Strategy.COMPENSATING if not subject.runs:
            trial.missing(
                f"{subject.id} is to be rolled back by another migration, and there is none of the name it gives",
                help="Name an existing migration in `compensated-by`.",
            )
        case Strategy.MANUAL:
            _check_runbook(trial)
        case Strategy.NONE if subject.idle:
            trial.messages.append("there is no statement in it, so there is nothing to take back")
        case Strategy.NONE:
            trial.missing(
                f"{subject.id} has no rollback strategy",
                help="Write a down file, or declare `rollback: compensating` or `rollback: manual` in the header.",
            )
        case Strategy.DOWN | Strategy.COMPENSATING:
            pass
        case _:
            assert_never(subject.strategy)
    return subject.runs


def _check_runbook(trial: DrillCase) -> None:
    subject, runbook = trial.subject, trial.subject.runbook
    if runbook is None:
        trial.missing(
            f"{subject.id} is to be rolled back by hand, and has no runbook",
            help="Write one with the sections trigger, steps, verification and owner, and name it in `runbook`.",
        )
    elif runbook.missing:
        trial.missing(
            f"the runbook {runbook.path} has no section {', '.join(runbook.missing)}",
            help="Add a heading for each: who acts on what sign, what is done, how success is seen.",
        )
