"""Blocking locks of a migration, and the work that extends them."""

from __future__ import annotations

from dataclasses import dataclass

from kfm_ci import phrases
from kfm_ci.assess.case import SHOWN, Case, Step, blocking, unqualified
from kfm_ci.evidence.statement_evidence import Lock, LockMode
from kfm_ci.model import Hazard

BLOCKING_HAZARDS = (Hazard.BLOCKS_READS, Hazard.BLOCKS_WRITES)
_DATA = frozenset({"INSERT", "UPDATE", "DELETE", "MERGE", "SELECT", "COPY"})
WAITS = "waits in"
_WAITING = frozenset(
    {
        "pg_sleep",
        "pg_sleep_for",
        "pg_sleep_until",
        "pg_advisory_lock",
        "pg_advisory_lock_shared",
        "pg_advisory_xact_lock",
        "pg_advisory_xact_lock_shared",
    }
)
_VALIDATES = "validating foreign key constraint"
REWRITES, CHANGES_ROWS, SCANS = "rewrites", "changes rows of", "scans"
"""Verbs of work under a lock; an index build has the names of its indexes in its own."""


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class WorkUnderLock:
    """Work of a statement whose duration grows with a table; compared by identity, because there are thousands."""

    step: Step
    what: str
    relation: str


@dataclass(frozen=True, slots=True, kw_only=True)
class BlockingLock:
    """A blocking lock, and the work until it is released."""

    step: Step
    """The statement that took it."""
    lock: Lock
    work: tuple[WorkUnderLock, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class BlockGroup:
    """The blocking locks of one statement, by hazard; of several statements where the same later work extends them."""

    step: Step
    """The first of the statements."""
    hazard: Hazard
    locks: tuple[BlockingLock, ...]

    @property
    def work(self) -> tuple[WorkUnderLock, ...]:
        """The work under the locks, each item once."""
        shared = {id(lock.work): lock.work for lock in self.locks}
        return tuple(dict.fromkeys(item for items in shared.values() for item in items))

    @property
    def is_early(self) -> bool:
        """Whether the statement itself is quick, and the work comes after it."""
        work = self.work
        return bool(work) and not any(item.step is self.step for item in work)


def works(step: Step) -> tuple[WorkUnderLock, ...]:
    """Return the work of a statement that grows with a relation that existed before the pull request."""
    seen = step.seen
    if seen.kind == "TRUNCATE TABLE":
        return ()
    old = frozenset(seen.effects.preexisting)
    found = [WorkUnderLock(step=step, what=REWRITES, relation=name) for name in seen.effects.rewrites if name in old]
    found += [
        WorkUnderLock(step=step, what=CHANGES_ROWS, relation=name) for name, _ in seen.effects.changes if name in old
    ]
    reported = {work.relation for work in found}
    scanned = [name for name in _proportional_scans(step) if name in old and name not in reported]
    builds = seen.effects.index_builds if not reported else ()
    what = f"builds index {phrases.quoted(builds, SHOWN)} on" if builds else SCANS
    found += [WorkUnderLock(step=step, what=what, relation=name) for name in scanned]
    found += [WorkUnderLock(step=step, what=WAITS, relation=name) for name in sorted(_waits(step))]
    return tuple(found)


def _waits(step: Step) -> frozenset[str]:
    """Return the functions of a statement that wait, however few rows there are."""
    return frozenset((call.strings("funcname") or ("",))[-1].lower() for call in step.nodes("FuncCall")) & _WAITING


def _proportional_scans(step: Step) -> tuple[str, ...]:
    """Return the scans that also happen on a large table."""
    seen = step.seen
    if seen.kind in _DATA and step.trees:
        # PostgreSQL scans a table of a few rows to check one foreign key, but not a large one
        target = {unqualified(name) for name, _ in seen.effects.changes}
        return tuple(name for name in seen.effects.scans if unqualified(name) in step.names - target)
    created = {lock.relation for lock in seen.locks.all if not lock.preexisting}
    if any(line.startswith(_VALIDATES) for line in seen.notices) and not created.isdisjoint(seen.effects.scans):
        # the referencing table is new and has no rows to look up
        return ()
    return seen.effects.scans


def blocking_locks(case: Case) -> tuple[BlockingLock, ...]:
    """Return every blocking lock, in the order in which they were taken."""
    found = []
    work = [works(step) for step in case.steps]
    for index, step in enumerate(case.steps):
        locks = blocking(step.seen.locks.taken)
        if not locks:
            continue
        end = next((at for at, later in enumerate(case.steps) if at > index and _ends(later)), len(case.steps))
        # PostgreSQL releases all locks of a transaction at its end, so one tuple serves them all
        whole = tuple(item for at in range(index, end) for item in work[at])
        for lock in locks:
            shown = whole if case.in_transaction else _work_while_held(case, lock, work, range(index, end))
            found.append(BlockingLock(step=step, lock=lock, work=shown))
    return tuple(found)


def _work_while_held(
    case: Case, lock: Lock, work: list[tuple[WorkUnderLock, ...]], span: range
) -> tuple[WorkUnderLock, ...]:
    """Return the work of the steps in ``span`` during which the server still shows a lock on the relation."""
    return tuple(
        item
        for at in span
        if at == span.start or any(held.relation == lock.relation for held in case.steps[at].seen.locks.held)
        for item in work[at]
    )


def _ends(step: Step) -> bool:
    return step.seen.kind in {"COMMIT", "ROLLBACK"} and " TO " not in f" {step.text.upper()} "


def hazard_of(lock: Lock) -> Hazard:
    """Return the hazard of a blocking lock: only AccessExclusiveLock conflicts with reads."""
    return Hazard.BLOCKS_READS if lock.mode is LockMode.ACCESS_EXCLUSIVE else Hazard.BLOCKS_WRITES
