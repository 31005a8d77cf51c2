"""Static checks of a rollback, before it is run."""

from __future__ import annotations

from typing import assert_never

from kfm_ci.evidence.rollback.result import DrillCase
from kfm_ci.model import Strategy


def check(case: DrillCase) -> bool:
    """Report what a rollback is missing; return whether there is anything to run."""
    subject = case.subject
    match subject.strategy:
        case Strategy.DOWN if not subject.can_run:
            down = subject.migration.down
            problem = "has no down migration" if down is None else f"`{down.file.path}` has no statement"
            case.report_missing(
                f"`{subject.id}` declares `rollback: down`, but {problem}.",
                help="Write the down migration, or declare `rollback: compensating` or `rollback: manual`.",
            )
        case Strategy.COMPENSATING if not subject.can_run:
            case.report_missing(
                f"`{subject.id}` declares `rollback: compensating`, but its `compensated-by` names no migration.",
                help="Name an existing migration in `compensated-by`.",
            )
        case Strategy.MANUAL:
            _check_runbook(case)
        case Strategy.NONE if subject.is_empty:
            case.messages.append("The migration has no statement, so there is nothing to roll back.")
        case Strategy.NONE:
            case.report_missing(
                f"`{subject.id}` has no rollback strategy.",
                help="Write a down migration, or declare `rollback: compensating` or `rollback: manual` in the header.",
            )
        case Strategy.DOWN | Strategy.COMPENSATING:
            pass
        case _:
            assert_never(subject.strategy)
    return subject.can_run


def _check_runbook(case: DrillCase) -> None:
    subject, runbook = case.subject, case.subject.runbook
    if runbook is None:
        case.report_missing(
            f"`{subject.id}` declares `rollback: manual`, but has no runbook.",
            help="Write a runbook with the sections trigger, steps, verification and owner, and name it in `runbook`.",
        )
    elif runbook.missing:
        sections = "section" if len(runbook.missing) == 1 else "sections"
        case.report_missing(
            f"The runbook `{runbook.path}` has no {sections} {', '.join(runbook.missing)}.",
            help="Add a heading for each: trigger, steps, verification, owner.",
        )
