"""The drill itself: downs in reverse, each judged against the state before its up, then up again."""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from dataclasses import replace

from kfm_ci.evidence.rollback.climb import climb
from kfm_ci.evidence.rollback.course import Course
from kfm_ci.evidence.rollback.model import Connect, Drillable, DrillResult, Runner, State
from kfm_ci.evidence.rollback.verdict import Trial, command
from kfm_ci.model import Strategy


def drill(
    migrations: Sequence[Drillable],
    *,
    before: Mapping[str, State],
    after: Mapping[str, State],
    connect: Connect,
    runner: Runner,
    house_format: bool = True,
) -> tuple[DrillResult, ...]:
    """Walk every way back, latest migration first, and forward again; return what was seen, in the given order.

    ``migrations`` are those applied last, in the order applied; ``before`` and ``after`` hold the state captured
    around each up, by id; the database is as the last of them says. What was applied before a migration that cannot be
    taken back is drilled on a climb from the start. Errors of the server become findings; whatever ``connect`` or
    ``runner`` raise passes through.
    """
    trials = [Trial(subject=subject, house_format=house_format) for subject in migrations]
    left = list(trials)
    with connect() as connection:
        seen = after[trials[-1].subject.id].content if trials else None
        course = Course(connection=connection, runner=runner, before=before, after=after, seen=seen)
        undone: list[Trial] = []
        hindered: Trial | None = None
        while left:
            trial = left.pop()
            course.take_back(trial)
            if not trial.walked:
                course.stay(trial)
                # what a later way back left behind can be in its way: it is tried once more without that
                hindered = trial if trial.tried and any(item.findings for item in undone) else None
                break
            trial.applied = False
            undone.append(trial)
        if all(trial.applied for trial in trials if trial not in undone):
            course.reapply(list(reversed(undone)))
    if hindered is not None:
        left.append(Trial(subject=hindered.subject, house_format=house_format))
        trials[trials.index(hindered)] = left[-1]
    autocommit = course.autocommit | climb(left, before=before, after=after, connect=connect, runner=runner)
    for trial in trials:
        trial.command = command(trial.subject, autocommit=trial.subject.id in autocommit)
    return tuple(trial.conclude() for trial in trials)


def drill_alone(
    migrations: Sequence[Drillable],
    chosen: Collection[str],
    *,
    before: Mapping[str, State],
    after: Mapping[str, State],
    connect: Connect,
    runner: Runner,
    house_format: bool = True,
) -> dict[str, DrillResult]:
    """Drill the ways back of some migrations alone, each right after its up; return what was seen, by id.

    Arguments as for ``drill``; the runner begins before the first migration.
    """
    trials = [
        Trial(subject=item if item.id in chosen else replace(item, strategy=Strategy.NONE), house_format=house_format)
        for item in migrations
    ]
    autocommit = climb(trials, before=before, after=after, connect=connect, runner=runner)
    for trial in trials:
        trial.command = command(trial.subject, autocommit=trial.subject.id in autocommit)
    return {trial.subject.id: trial.conclude() for trial in trials if trial.subject.id in chosen}
