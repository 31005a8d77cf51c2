"""The climb: where a later way back is blocked, earlier ones are drilled from the start, each right after its up."""

from __future__ import annotations

from collections.abc import Sequence
from math import isqrt

from kfm_ci.evidence.rollback import paper
from kfm_ci.evidence.rollback.course import Course
from kfm_ci.evidence.rollback.model import Connect, Runner, State
from kfm_ci.evidence.rollback.verdict import Trial
from kfm_ci.migrations.files import Migration
from kfm_ci.postgres import catalog, content


def climb(trials: Sequence[Trial], *, connect: Connect, runner: Runner) -> set[str]:
    """Drill each of the first migrations between its up and its up again; return those that ran outside a transaction.

    Rows and schema around each up are captured anew, so that a migration which writes other values each time is
    judged by what it wrote now. After a way back that fails the last kept stand is restored and at most a root of
    all migrations runs again: what the climb costs hardly grows with what fails.
    """
    autocommit: set[str] = set()
    if not trials:
        return autocommit
    stand = _Stand(runner)
    stride = isqrt(len(trials)) + 1
    for number, trial in enumerate(trials):
        before = _look(connect) if stand.firm or stand.restore() else None
        if before is not None and number and number % stride == 0:
            stand.keep()
        refused = "what comes before it does not apply once more" if before is None else stand.up(trial)
        if before is None or refused is not None:
            for missed in trials[number:]:
                paper.check(missed)
                missed.messages.append(f"not drilled: {trial.subject.id} was not reached from the start: {refused}")
            break
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
        autocommit |= course.autocommit
        stand.firm = trial.applied and not trial.findings and not (course.autocommit and not trial.walked)
    return autocommit


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
