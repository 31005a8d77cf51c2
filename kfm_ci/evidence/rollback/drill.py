"""The rollback drill (apply, roll back, re-apply; Liquibase: update-testing-rollback)."""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from dataclasses import replace

from kfm_ci.evidence.rollback.drill_step import DrillRun
from kfm_ci.evidence.rollback.isolated_drill import drill_isolated
from kfm_ci.evidence.rollback.model import Connect, DrillResult, DrillStep, DrillSubject, Runner, State
from kfm_ci.evidence.rollback.result import DrillCase
from kfm_ci.evidence.rollback.shell_command import rollback_command
from kfm_ci.model import Strategy


def drill(
    migrations: Sequence[DrillSubject],
    *,
    before: Mapping[str, State],
    after: Mapping[str, State],
    connect: Connect,
    runner: Runner,
    native_format: bool = True,
) -> tuple[DrillResult, ...]:
    """Roll migrations back in reverse order and apply them again; return the results in the given order.

    ``migrations`` are those applied last, in the order applied; ``before`` and ``after`` hold the state captured
    around each up, by id; the database is in the state after the last one. Migrations before one whose rollback is
    blocked are drilled in isolation, and so are those with a finding that leftovers of a later rollback can cause.
    Errors of the server become findings; exceptions of ``connect`` or ``runner`` pass through.
    """
    cases = [DrillCase(subject=subject, native_format=native_format) for subject in migrations]
    with connect() as connection:
        last = after[cases[-1].subject.id] if cases else None
        run = DrillRun(
            connection=connection,
            runner=runner,
            before=before,
            after=after,
            content=last.content if last else None,
            schema=last.catalog if last else None,
            first=cases[0].subject.id if cases else None,
        )
        on_leftovers = _roll_back_all(run, cases)
        if all(case.is_applied for case in cases if case.step is not DrillStep.ROLLED_BACK):
            run.reapply([case for case in cases if case.step is DrillStep.ROLLED_BACK])
    # leftovers of a later rollback can be reported under another name by now, so such a case is drilled without them
    repeated = {case.subject.id for case in cases if case.subject.id in on_leftovers and case.has_rollback_finding}
    pending = {case.subject.id for case in cases if case.step is DrillStep.PENDING}
    isolated = [
        case if case.subject.id in pending else _new_case(case.subject, repeated | pending, native_format=native_format)
        for case in cases
    ]
    autocommit = run.autocommit | drill_isolated(isolated, before=before, after=after, connect=connect, runner=runner)
    cases = [
        new if new.has_run and new.subject.id in repeated else old for old, new in zip(cases, isolated, strict=True)
    ]
    return _build_results(cases, autocommit)


def drill_alone(
    migrations: Sequence[DrillSubject],
    chosen: Collection[str],
    *,
    before: Mapping[str, State],
    after: Mapping[str, State],
    connect: Connect,
    runner: Runner,
    native_format: bool = True,
) -> dict[str, DrillResult]:
    """Drill the chosen migrations in isolation, each right after its up; return their results by id.

    Arguments as for ``drill``; the runner begins before the first migration.
    """
    cases = [_new_case(item, chosen, native_format=native_format) for item in migrations]
    autocommit = drill_isolated(cases, before=before, after=after, connect=connect, runner=runner)
    results = _build_results(cases, autocommit)
    return {result.migration_id: result for result in results if result.migration_id in chosen}


def _roll_back_all(run: DrillRun, cases: Sequence[DrillCase]) -> set[str]:
    """Roll back in reverse order until one is blocked or fails; return the ids of those that ran on leftovers."""
    on_leftovers: set[str] = set()
    for case in reversed(cases):
        if not run.known.is_empty:
            on_leftovers.add(case.subject.id)
        run.roll_back(case)
        if case.step is not DrillStep.ROLLED_BACK:
            break
    return on_leftovers


def _new_case(subject: DrillSubject, chosen: Collection[str], *, native_format: bool) -> DrillCase:
    """Return a new case of a migration; if it is not chosen, only its up migration is run."""
    drilled = subject if subject.id in chosen else replace(subject, strategy=Strategy.NONE)
    return DrillCase(subject=drilled, native_format=native_format)


def _build_results(cases: Sequence[DrillCase], autocommit: Collection[str]) -> tuple[DrillResult, ...]:
    return tuple(
        case.build_result(rollback_command(case.subject, autocommit=case.subject.id in autocommit)) for case in cases
    )
