"""The impact of a migration's locks, from its statements."""

from __future__ import annotations

from dataclasses import dataclass

from kfm_ci.evidence.model import MigrationEvidence, SchemaDiff
from kfm_ci.evidence.statement_evidence import Lock, LockMode, StatementEvidence
from kfm_ci.model import Mode

_MODES = tuple(LockMode)


@dataclass(frozen=True, slots=True, kw_only=True)
class Hold:
    """One lock on one relation, from the statement that took it until its release."""

    relation: str
    kind: str
    mode: LockMode
    preexisting: bool
    statement: StatementEvidence
    """The statement that took it."""
    under: tuple[StatementEvidence, ...]
    """The statements that ran while it was held, the taking one first."""
    start_ms: float
    """In milliseconds since the migration's first statement."""
    duration_ms: float
    """Lower bound: the statements' own time, as observed on a throwaway server."""
    work: tuple[str, ...] = ()
    """Work that grows with the table's size and ran under it: ``rewrite``, ``scan``, ``index build``."""

    @property
    def is_blocking(self) -> bool:
        """Whether it blocks ordinary statements on an existing relation; locks of indexes do not count."""
        return self.preexisting and self.kind != "index" and bool(self.mode.blocks)

    @property
    def effect(self) -> str:
        """The blocked statements as text: ``blocks reads and writes``."""
        return f"blocks {' and '.join(self.mode.blocks) or 'neither reads nor writes'}"


def holds(statements: tuple[StatementEvidence, ...], mode: Mode) -> tuple[Hold, ...]:
    """Return one hold per relation and lock mode, in the order in which they were taken.

    In a transaction a lock is held until COMMIT; outside one, until its statement ends.
    """
    found: dict[tuple[str, LockMode], Hold] = {}
    start = 0.0
    for index, statement in enumerate(statements):
        under = statements[index:] if mode is Mode.TRANSACTION else (statement,)
        for lock in statement.locks.taken:
            hold = _hold(lock, under, start)
            key = (lock.relation, lock.mode)
            before = found.get(key)
            if before is None or (mode is Mode.AUTOCOMMIT and hold.duration_ms > before.duration_ms):
                found[key] = hold
        start += statement.duration_ms
    return tuple(found.values())


def _hold(lock: Lock, under: tuple[StatementEvidence, ...], start: float) -> Hold:
    return Hold(
        relation=lock.relation,
        kind=lock.kind,
        mode=lock.mode,
        preexisting=lock.preexisting,
        statement=under[0],
        under=under,
        start_ms=start,
        duration_ms=sum(statement.duration_ms for statement in under),
        work=_work(under),
    )


def _work(under: tuple[StatementEvidence, ...]) -> tuple[str, ...]:
    named = (
        ("rewrite", any(item.effects.rewrites for item in under)),
        ("scan", any(item.effects.scans for item in under)),
        ("index build", any(item.effects.index_builds for item in under)),
    )
    return tuple(name for name, is_present in named if is_present)


def strongest(found: tuple[Hold, ...]) -> tuple[Hold, ...]:
    """Return the strongest hold of each relation."""
    best: dict[str, Hold] = {}
    for hold in found:
        held = best.get(hold.relation)
        if held is None or _MODES.index(hold.mode) > _MODES.index(held.mode):
            best[hold.relation] = hold
    return tuple(best.values())


def blocking(migration: MigrationEvidence) -> tuple[Hold, ...]:
    """Return the blocking holds, one per relation, longest first."""
    return tuple(sorted(strongest(all_blocking(migration)), key=lambda hold: -hold.duration_ms))


def all_blocking(migration: MigrationEvidence) -> tuple[Hold, ...]:
    """Return all blocking holds, also weaker ones before a stronger one, longest first."""
    found = [hold for hold in holds(migration.statements, migration.apply.mode) if hold.is_blocking]
    return tuple(sorted(found, key=lambda hold: -hold.duration_ms))


def tables_touched(migration: MigrationEvidence) -> tuple[str, ...]:
    """Return the tables whose rows or definition the migration may change, sorted."""
    weakest = _MODES.index(LockMode.ROW_EXCLUSIVE)
    locked = {
        lock.relation
        for statement in migration.statements
        for lock in statement.locks.taken
        if lock.kind in {"table", "partition"} and _MODES.index(lock.mode) >= weakest
    }
    return tuple(sorted(locked))


def change_words(diff: SchemaDiff) -> str:
    """Return the size of a diff as text, such as ``2 added, 1 changed``."""
    counted = (("added", len(diff.added)), ("changed", len(diff.changed)), ("removed", len(diff.removed)))
    return ", ".join(f"{number} {word}" for word, number in counted if number) or "no schema change"


def span(first: int, last: int) -> str:
    """Return lines as text: ``line 4`` or ``lines 4–7``."""
    return f"line {first}" if last <= first else f"lines {first}–{last}"


def duration(milliseconds: float) -> str:
    """Return a duration for readers: ``0.4 ms``, ``12 ms``, ``3.4 s``."""
    if milliseconds >= 1000:
        return f"{milliseconds / 1000:.1f} s"
    return f"{milliseconds:.0f} ms" if milliseconds >= 10 else f"{milliseconds:.1f} ms"
