"""The drill itself: downs in reverse, each judged against the state before its up, then up again."""

from __future__ import annotations

from collections.abc import Collection, Iterator, Mapping, Sequence
from dataclasses import replace

from kfm_ci.evidence.rollback.drill_step import DrillRun
from kfm_ci.evidence.rollback.isolated_drill import climb
from kfm_ci.evidence.rollback.model import Connect, DrillResult, DrillSubject, Runner, State
from kfm_ci.evidence.rollback.result import DrillCase, command
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
    """Walk every way back, latest migration first, and forward again; return what was seen, in the given order.

    ``migrations`` are those applied last, in the order applied; ``before`` and ``after`` hold the state captured
    around each up, by id; the database is as the last of them says. What was applied before a migration that cannot be
    taken back is drilled on a climb from the start; so is what is accused after a later one left something behind.
    Errors of the server become findings; whatever ``connect`` or ``runner`` raise passes through.
    """
    trials = [DrillCase(subject=subject, native_format=native_format) for subject in migrations]
    left = list(trials)
    with connect() as connection:
        last = after[trials[-1].subject.id] if trials else None
        course = DrillRun(
            connection=connection,
            runner=runner,
            before=before,
            after=after,
            seen=last.content if last else None,
            schema=last.catalog if last else None,
            end=trials[0].subject.id if trials else None,
        )
        undone: list[DrillCase] = []
        while left:
            trial = left.pop()
            trial.inherits = course.littered
            course.take_back(trial)
            if not trial.walked:
                course.stay(trial)
                break
            trial.applied = False
            undone.append(trial)
        if all(trial.applied for trial in trials if trial not in undone):
            course.reapply(list(reversed(undone)))
    # what a later way back left behind can be what is told, whatever it is called by now: it is tried without that
    again = {trial.subject.id for trial in trials if trial.inherits and trial.accused}
    waiting = again | {trial.subject.id for trial in left}
    anew = [
        trial if trial in left else _afresh(trial.subject, waiting, native_format=native_format) for trial in trials
    ]
    autocommit = course.autocommit | climb(anew, before=before, after=after, connect=connect, runner=runner)
    trials = [new if new.tried and new.subject.id in again else old for old, new in zip(trials, anew, strict=True)]
    return tuple(_conclude(trials, autocommit))


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
    """Drill the ways back of some migrations alone, each right after its up; return what was seen, by id.

    Arguments as for ``drill``; the runner begins before the first migration.
    """
    trials = [_afresh(item, chosen, native_format=native_format) for item in migrations]
    autocommit = climb(trials, before=before, after=after, connect=connect, runner=runner)
    return {result.migration_id: result for result in _conclude(trials, autocommit) if result.migration_id in chosen}


def _afresh(subject: DrillSubject, chosen: Collection[str], *, native_format: bool) -> DrillCase:
    """Return a new trial of a migration; of one that is not chosen nothing but the up is run."""
    asked = subject if subject.id in chosen else replace(subject, strategy=Strategy.NONE)
    return DrillCase(subject=asked, native_format=native_format)


def _conclude(trials: Sequence[DrillCase], autocommit: Collection[str]) -> Iterator[DrillResult]:
    for trial in trials:
        trial.command = command(trial.subject, autocommit=trial.subject.id in autocommit)
        yield trial.conclude()
