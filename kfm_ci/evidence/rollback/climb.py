"""The climb: where a later way back is blocked, earlier ones are drilled from the start, each right after its up."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from math import isqrt

from kfm_ci.evidence.rollback import paper
from kfm_ci.evidence.rollback.course import Course
from kfm_ci.evidence.rollback.model import Connect, Runner, State
from kfm_ci.evidence.rollback.verdict import Trial
from kfm_ci.migrations.files import Migration
from kfm_ci.postgres import catalog, content


def climb(
    trials: Sequence[Trial], *, before: Mapping[str, State], after: Mapping[str, State], connect: Connect, runner: Runner
) -> set[str]:  # fmt: skip
    """Drill each of the first migrations between its up and its up again; return those that ran outside a transaction.

    Rows and schema around each up are captured anew, so that a migration which writes other values each time is
    judged by what it wrote now. After a way back that fails the last kept stand is restored and at most a root of
    all migrations runs again: what the climb costs hardly grows with what fails. ``before`` and ``after`` are what
    was captured the first time; they serve for what has no way back to run.
    """
    autocommit: set[str] = set()
    if not trials:
        return autocommit
    with connect() as connection:
        course = Course(connection=connection, runner=runner, before=before, after=after)
        for trial in trials:
            if not trial.subject.runs:
                course.take_back(trial)
    last = max((number for number, trial in enumerate(trials) if trial.subject.runs), default=-1)
    stand = _Stand(runner)
    stride = isqrt(last + 1) + 1
    for number, trial in enumerate(trials[: last + 1]):
        refused = None if stand.firm or stand.restore() else "what comes before it does not apply once more"
        if refused is None and number and number % stride == 0:
            stand.keep()
        there = _look(connect) if refused is None and trial.subject.runs else None
        if refused is None:
            refused = stand.up(trial)
        if refused is not None:
            _miss([missed for missed in trials[number : last + 1] if missed.subject.runs], trial, refused)
            break
        if there is not None:
            autocommit |= _between(trial, there, stand, connect, runner)
    return autocommit


def _between(trial: Trial, before: State, stand: _Stand, connect: Connect, runner: Runner) -> set[str]:
    """Drill one migration that was just applied; return it when its way back ran outside a transaction."""
    with connect() as connection:
        course = Course(
            connection=connection, runner=runner, before={trial.subject.id: before},
            after={trial.subject.id: State(catalog=catalog.read(connection), content=before.content)},
        )  # fmt: skip
        course.take_back(trial)
        if trial.walked:
            trial.applied = False
            course.reapply([trial])
        else:
            course.stay(trial)
    stand.firm = trial.applied and not trial.findings and not (course.autocommit and not trial.walked)
    return course.autocommit


def _miss(trials: Sequence[Trial], first: Trial, why: str) -> None:
    for trial in trials:
        paper.check(trial)
        trial.messages.append(f"not drilled: {first.subject.id} was not reached from the start: {why}")


def _look(connect: Connect) -> State:
    with connect() as connection:
        return State(catalog=catalog.read(connection), content=content.snapshot(connection))


class _Stand:
    """The drill's database as it should be, and how to get there again."""

    def __init__(self, runner: Runner) -> None:
        self._runner = runner
        self._since: list[Migration] = []
        """Applied since the database was kept."""
        self.firm = False
        """Whether the database is as the ups alone made it."""

    def keep(self) -> None:
        self._runner.keep()
        self._since.clear()

    def restore(self) -> bool:
        self._runner.restore()
        self.firm = all(self._runner.up(migration).error is None for migration in self._since)
        return self.firm

    def up(self, trial: Trial) -> str | None:
        """Apply the next migration; return the server's error."""
        self._since.append(trial.subject.migration)
        return self._runner.up(trial.subject.migration).error
