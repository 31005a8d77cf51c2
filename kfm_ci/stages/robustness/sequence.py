"""One more run of the new migrations, each checked at its place in the order."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field

from kfm_ci.evidence.model import RollbackEvidence
from kfm_ci.evidence.robustness import interruption, rollback_on_new_rows, second_run
from kfm_ci.evidence.robustness.relaxed_constraints import new_rows
from kfm_ci.evidence.robustness.replay import Replay
from kfm_ci.model import Finding, Outcome, Proof, Severity, Strategy
from kfm_ci.postgres.catalog import Catalog
from kfm_ci.postgres.session import Session
from kfm_ci.rules.server.robustness import NOT_RESUMABLE
from kfm_ci.sql.script import Script
from kfm_ci.stages.results import ApplyResult, ExecutableMigration, Provisioned

Check = Callable[[], Finding | None]


@dataclass(slots=True, kw_only=True)
class RobustnessRun:
    """A replay of the new migrations, with checks before and after each."""

    base: Provisioned
    applied: ApplyResult
    rollbacks: Mapping[str, RollbackEvidence]
    replay: Replay
    price: dict[str, tuple[str, ...]] = field(default_factory=dict)
    """By migration, data loss on rollback that these checks found."""
    _count: int = 0
    """Number of new migrations that were run."""
    _failed: bool = False

    def check(self) -> list[Finding]:
        """Return the findings of all checks, up to the last migration that has one."""
        found: list[Finding] = []
        for number, migration in enumerate(self.base.new):
            if not self.applied.is_applied(migration):
                continue
            for place, checks in ((number, self._before(migration)), (number + 1, self._after(migration))):
                for check in checks:
                    if not self._advance(place):
                        return found
                    finding = check()
                    if finding is not None:
                        _add(found, finding)
        return found

    def finish(self) -> Session | None:
        """Run the rest; return the session, or None when a migration fails the second time."""
        return self.replay.session if self._advance(len(self.base.new)) else None

    def _advance(self, number: int) -> bool:
        """Run migrations until this number of new ones is applied."""
        while self._count < number and not self._failed:
            self._failed = self.replay.run(self.base.new[self._count].up).outcome is Outcome.FAILED
            self._count += 1
        return not self._failed

    def _before(self, migration: ExecutableMigration) -> Iterator[Check]:
        """Yield the checks before the migration runs."""
        script, after = migration.up, self.applied.records[migration.id].after
        # a static finding reports once that no file of a non-transactional tool has a transaction
        if (
            not self.base.change.head.semantics.non_transactional
            and after is not None
            and interruption.can_interrupt(script)
        ):
            yield lambda: self._interrupt(migration, script, after.catalog)

    def _after(self, migration: ExecutableMigration) -> Iterator[Check]:
        """Yield the checks after the migration has run."""
        script, down, record = migration.up, migration.down, self.applied.records[migration.id]
        severity = Severity.ERROR if self.base.change.native_format else Severity.WARNING
        if second_run.is_data_migration(migration, script):
            yield lambda: second_run.check(self.replay, migration, script, severity=severity)
        rollback = self.rollbacks.get(migration.id, RollbackEvidence())
        is_proven = rollback.proof is Proof.PROVEN and rollback.strategy is Strategy.DOWN
        if down is None or record.before is None or record.after is None or not is_proven:
            return
        before, after = record.before.catalog, record.after.catalog
        if interruption.can_interrupt(down):
            yield lambda: self._interrupt(migration, down, before)
        if new_rows(before, after):
            yield lambda: self._roll_back_on_new_rows(migration, down, before, after)

    def _interrupt(self, migration: ExecutableMigration, script: Script, expected: Catalog) -> Finding | None:
        transaction = self.base.change.head.semantics.how_to_enable_transaction
        return interruption.check(self.replay, migration, script, expected, transaction=transaction)

    def _roll_back_on_new_rows(
        self, migration: ExecutableMigration, down: Script, before: Catalog, after: Catalog
    ) -> Finding | None:
        failures = rollback_on_new_rows.find_failures(self.replay, down, before, after)
        if not failures:
            return None
        self.price[migration.id] = tuple(failure.price for failure in failures)
        return rollback_on_new_rows.build_finding(migration, down, failures)


def _add(found: list[Finding], finding: Finding) -> None:
    """Add a finding; interruptions of the up and of the down section of one file are one finding."""
    for number, item in enumerate(found):
        is_same = (item.rule, item.migration, item.place.file) == (
            finding.rule,
            finding.migration,
            finding.place.file,
        )
        if is_same and finding.rule == NOT_RESUMABLE.id:
            found[number] = interruption.merge(item, finding)
            return
    found.append(finding)
