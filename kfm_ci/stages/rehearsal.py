"""Part of stage ``rollback``: new migrations interrupted, run twice, and run under other settings."""

from __future__ import annotations

import itertools
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass

from kfm_ci.evidence.rehearsal import interruption, rebuild, repetition
from kfm_ci.evidence.rehearsal.model import Ground
from kfm_ci.evidence.rehearsal.walk import Walk, walk
from kfm_ci.evidence.rehearsal.written import Written
from kfm_ci.migrations.files import Migration
from kfm_ci.model import Finding, Outcome, Severity
from kfm_ci.postgres.engines.base import Server
from kfm_ci.postgres.session import Session
from kfm_ci.stages import baseline
from kfm_ci.stages.base import Run
from kfm_ci.stages.provision import prepare, script_of

_numbers = itertools.count()


def rehearse(run: Run) -> list[Finding]:
    """Return what goes wrong when the new migrations do not run once, in one go, on a server like ours."""
    server, base = run.server, run.base_database
    if server is None or base is None:
        return []
    ground = Ground(connect=run.connect, clone=lambda database: _clone(server, database))
    with walk(ground, run.origin or base) as walked:
        course = _Course(run=run, walk=walked)
        found = course.rehearse()
        last = run.seen[run.new[-1].id].after
        if last is None or run.final_catalog is None or not all(_applied(run, item) for item in run.new):
            return found
        rows = Written(
            pairs=[(item, script_of(item)) for item in run.new], first=last.content, again=course.finish
        )  # fmt: skip
        configured = {name.lower() for name in run.config.database.settings}
        differs = rebuild.elsewhere(ground, run.origin or base, rows, run.final_catalog, configured=configured)
    if differs is not None:
        found.append(differs)
    if (differs is None or differs.severity is Severity.NOTE) and run.change.head.tool is None and _interleaved(run):
        with _empty(run, server) as empty:
            held = baseline.noted(run, empty).applied
            everything = [(item, script_of(item)) for item in run.change.head.migrations if item.id not in held]
            rebuilt = rebuild.afresh(ground, empty, everything, run.final_catalog)
        found += [rebuilt] if rebuilt is not None else []
    return found


@dataclass(slots=True, kw_only=True)
class _Course:
    """One more run of the new migrations, each rehearsed where it stands in the order."""

    run: Run
    walk: Walk
    _done: int = 0
    """How many of the new migrations were run."""
    _failed: bool = False

    def rehearse(self) -> list[Finding]:
        """Go as far as there is something to rehearse; return what was found."""
        severity = Severity.ERROR if self.run.change.house_format else Severity.WARNING
        found: list[Finding | None] = []
        for number, migration in enumerate(self.run.new):
            interrupted, repeated = self._concerned(migration)
            if not (interrupted or repeated):
                continue
            script, after = script_of(migration), self.run.seen[migration.id].after
            if not self._advance(number):
                break
            if interrupted and after is not None:
                self.walk.leave()
                found.append(
                    interruption.rehearse(self.walk.ground, self.walk.database, migration, script, after.catalog)
                )
            if not self._advance(number + 1):
                break
            if repeated:
                found.append(repetition.rehearse(self.walk, migration, script, severity=severity))
        return [item for item in found if item is not None]

    def finish(self) -> Session | None:
        """Run the rest; return the session, or None when a migration fails the second time."""
        return self.walk.session if self._advance(len(self.run.new)) else None

    def _advance(self, number: int) -> bool:
        """Run migrations until so many of the new ones are there."""
        while self._done < number and not self._failed:
            self._failed = self.walk.run(script_of(self.run.new[self._done])).outcome is Outcome.FAILED
            self._done += 1
        return not self._failed

    def _concerned(self, migration: Migration) -> tuple[bool, bool]:
        """Whether a migration is to be interrupted, and whether it is to be run twice."""
        if not _applied(self.run, migration):
            return False, False
        script = script_of(migration)
        # what every file of a bare tool lacks is told once, on paper
        interrupted = not self.run.change.head.bare and interruption.concerns(script)
        return interrupted, repetition.concerns(migration, script)


def _applied(run: Run, migration: Migration) -> bool:
    seen = run.seen.get(migration.id)
    return seen is not None and seen.apply.outcome is Outcome.APPLIED


def _interleaved(run: Run) -> bool:
    """Whether the files, in their order, are not simply those of the base and then the new ones.

    Else running them all on an empty database is what was done already, statement for statement.
    """
    base = run.change.base
    if base is None:
        return False
    merged = [(item.id, item.up.file.sha256) for item in base.migrations]
    return [(item.id, item.up.file.sha256) for item in run.change.head.migrations[: len(merged)]] != merged


@contextmanager
def _clone(server: Server, database: str) -> Iterator[str]:
    name = server.create_database(f"rehearsal_{next(_numbers)}", template=database)
    try:
        yield name
    finally:
        server.drop_database(name)


@contextmanager
def _empty(run: Run, server: Server) -> Iterator[str]:
    name = server.create_database(f"rehearsal_{next(_numbers)}")
    try:
        prepare(run, name)
        yield name
    finally:
        server.drop_database(name)
