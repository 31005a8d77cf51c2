"""What can be said of a way back before it is run."""

from __future__ import annotations

from typing import assert_never

from kfm_ci.evidence.rollback.verdict import Trial
from kfm_ci.model import Strategy


def check(trial: Trial) -> bool:
    """Report what is missing on paper; return whether there is anything to run."""
    subject = trial.subject
    migration = subject.migration
    match subject.strategy:
        case Strategy.DOWN:
            if migration.down is not None:
                return True
            trial.missing(
                f"{subject.id} is to be rolled back by its down, and has none",
                help="Write the down file, or declare `rollback: compensating` or `rollback: manual`.",
            )
        case Strategy.COMPENSATING:
            if subject.compensation is not None:
                return True
            trial.missing(
                f"{subject.id} is to be rolled back by another migration, and there is none of the name it gives",
                help="Name an existing migration in `compensated-by`.",
            )
        case Strategy.MANUAL:
            runbook = subject.runbook
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
            return migration.down is not None or (runbook is not None and bool(runbook.drills))
        case Strategy.NONE:
            trial.missing(
                f"{subject.id} has no rollback strategy",
                help="Write a down file, or declare `rollback: compensating` or `rollback: manual` in the header.",
            )
        case _:
            assert_never(subject.strategy)
    return False
