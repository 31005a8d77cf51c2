"""Static checks of a rollback, before it is run."""

from __future__ import annotations

from typing import assert_never

from kfm_ci.evidence.rollback.result import DrillCase
from kfm_ci.model import Strategy


def check(trial: DrillCase) -> bool:
    """Report what a rollback misses; return whether there is anything to run."""
    subject = trial.subject
    match subject.strategy:
        case Strategy.DOWN if not subject.runs:
            down = subject.migration.down
            lack = "has no down migration" if down is None else f"`{down.file.path}` has no statement"
            trial.missing(
                f"`{subject.id}` declares `rollback: down`, but {lack}.",
                help="Write the down migration, or declare `rollback: compensating` or `rollback: manual`.",
            )
        case Strategy.COMPENSATING if not subject.runs:
            trial.missing(
                f"`{subject.id}` declares `rollback: compensating`, but its `compensated-by` names no migration.",
                help="Name an existing migration in `compensated-by`.",
            )
        case Strategy.MANUAL:
            _check_runbook(trial)
        case Strategy.NONE if subject.idle:
            trial.messages.append("The migration has no statement, so there is nothing to roll back.")
        case Strategy.NONE:
            trial.missing(
                f"`{subject.id}` has no rollback strategy.",
                help="Write a down migration, or declare `rollback: compensating` or `rollback: manual` in the header.",
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
            f"`{subject.id}` declares `rollback: manual`, but has no runbook.",
            help="Write a runbook with the sections trigger, steps, verification and owner, and name it in `runbook`.",
        )
    elif runbook.missing:
        trial.missing(
            f"The runbook `{runbook.path}` has no section {', '.join(runbook.missing)}.",
            help="Add a heading for each: who acts on which trigger, the steps, how success is verified.",
        )
