"""One more run of the new migrations, each rehearsed where it stands in the order."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass, replace

from kfm_ci.evidence.robustness import interruption, rollback_on_new_rows, second_run
from kfm_ci.evidence.robustness.relaxed_constraints import newcomers
from kfm_ci.evidence.robustness.replay import Replay
from kfm_ci.migrations.model import Migration
from kfm_ci.model import Finding, Outcome, Proof, Severity, Strategy
from kfm_ci.postgres.catalog import Catalog
from kfm_ci.postgres.session import Session
from kfm_ci.sql.script import Script
from kfm_ci.stages.run import Run
from kfm_ci.stages.setup.execution import script_of

Rehearsal = Callable[[], Finding | None]


@dataclass(slots=True, kw_only=True)
class RobustnessRun:
    """A walk under way."""

    run: Run
    walk: Replay
    _done: int = 0
    """How many of the new migrations were run."""
    _failed: bool = False

    def rehearse(self) -> list[Finding]:
        """Go as far as there is something to rehearse; return what was found."""
        found: list[Finding] = []
        for number, migration in enumerate(self.run.new):
            if not applied(self.run, migration):
                continue
            for place, rehearsals in ((number, self._ahead(migration)), (number + 1, self._behind(migration))):
                for rehearsal in rehearsals:
                    if not self._advance(place):
                        return found
                    told = rehearsal()
                    if told is not None:
                        _tell(found, told)
        return found

    def finish(self) -> Session | None:
        """Run the rest; return the session, or None when a migration fails the second time."""
        return self.walk.session if self._advance(len(self.run.new)) else None

    def _advance(self, number: int) -> bool:
        """Run migrations until so many of the new ones are there."""
        while self._done < number and not self._failed:
            self._failed = self.walk.run(script_of(self.run.new[self._done])).outcome is Outcome.FAILED
            self._done += 1
        return not self._failed

    def _ahead(self, migration: Migration) -> Iterator[Rehearsal]:
        """Yield what is rehearsed where the migration is still to run."""
        script, after = script_of(migration), self.run.seen[migration.id].after
        # what every file of a bare tool lacks is told once, on paper
        if not self.run.change.head.bare and after is not None and interruption.concerns(script):
            yield lambda: self._interrupt(migration, script, after.catalog)

    def _behind(self, migration: Migration) -> Iterator[Rehearsal]:
        """Yield what is rehearsed where it has run."""
        script, down, seen = script_of(migration), migration.down, self.run.seen[migration.id]
        severity = Severity.ERROR if self.run.change.house_format else Severity.WARNING
        if second_run.concerns(migration, script):
            yield lambda: second_run.rehearse(self.walk, migration, script, severity=severity)
        proven = seen.rollback.proof is Proof.PROVEN and seen.rollback.strategy is Strategy.DOWN
        if down is None or seen.before is None or seen.after is None or not proven:
            return
        before, after = seen.before.catalog, seen.after.catalog
        if interruption.concerns(down):
            yield lambda: self._interrupt(migration, down, before)
        if newcomers(before, after):
            yield lambda: self._let_in(migration, down, before, after)

    def _interrupt(self, migration: Migration, script: Script, expected: Catalog) -> Finding | None:
        tool = self.run.change.head.tool
        transaction = tool.transaction if tool is not None else None
        return interruption.rehearse(self.walk, migration, script, expected, transaction=transaction)

    def _let_in(self, migration: Migration, down: Script, before: Catalog, after: Catalog) -> Finding | None:
        seen = self.run.seen[migration.id]
        stumbles = rollback_on_new_rows.rehearse(self.walk, down, before, after)
        if not stumbles:
            return None
        price = (*seen.rollback.price, *(stumble.price for stumble in stumbles))
        seen.rollback = replace(seen.rollback, price=price)
        return rollback_on_new_rows.told(migration, down, stumbles)


def _tell(found: list[Finding], told: Finding) -> None:
    """Add a finding; what is one fault of one file, cut off on the way there and on the way back, is told once."""
    rule, file = "not-resumable", told.place.file
    for number, item in enumerate(found):
        if (item.rule, item.migration, item.place.file) == (rule, told.migration, file) and told.rule == rule:
            found[number] = interruption.joined(item, told)
            return
    found.append(told)


def applied(run: Run, migration: Migration) -> bool:
    """Whether a new migration was applied."""
    seen = run.seen.get(migration.id)
    return seen is not None and seen.apply.outcome is Outcome.APPLIED
