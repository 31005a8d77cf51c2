"""Blocking locks of a migration, and the work that extends them."""

from __future__ import annotations

from dataclasses import dataclass

from kfm_ci.assess.case import Case, Step, bare, blocking, few
from kfm_ci.evidence.statement_evidence import Lock, LockMode
from kfm_ci.model import Hazard

_DATA = frozenset({"INSERT", "UPDATE", "DELETE", "MERGE", "SELECT", "COPY"})


BLOCKING_HAZARDS = (Hazard.BLOCKS_READS, Hazard.BLOCKS_WRITES)


_VALIDATES = "validating foreign key constraint"


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
    waits: tuple[BlockingLock, ...]

    @property
    def work(self) -> tuple[WorkUnderLock, ...]:
        """The work under the locks, each item once."""
        shared = {id(wait.work): wait.work for wait in self.waits}
        return tuple(dict.fromkeys(item for items in shared.values() for item in items))

    @property
    def early(self) -> bool:
        """Whether the statement itself is quick, and the work comes after it."""
        work = self.work
        return bool(work) and not any(item.step is self.step for item in work)


def works(step: Step) -> tuple[WorkUnderLock, ...]:
    """Return the work of a statement that grows with a relation that existed before the pull request."""
    seen = step.seen
    if seen.kind == "TRUNCATE TABLE":
        return ()
    old = frozenset(seen.effects.preexisting)
    found = [WorkUnderLock(step=step, what="rewrites", relation=name) for name in seen.effects.rewrites if name in old]
    found += [
        WorkUnderLock(step=step, what="changes rows of", relation=name)
        for name, _ in seen.effects.changes
        if name in old
    ]
    done = {work.relation for work in found}
    scanned = [name for name in _proportional_scans(step) if name in old and name not in done]
    builds = seen.effects.index_builds if not done else ()
    if builds:
        found += [WorkUnderLock(step=step, what=f"builds index {few(builds)} on", relation=name) for name in scanned]
    else:
        found += [WorkUnderLock(step=step, what="scans", relation=name) for name in scanned]
    return tuple(found)


def _proportional_scans(step: Step) -> tuple[str, ...]:
    """Return the scans that also happen on a large table."""
    seen = step.seen
    if seen.kind in _DATA and step.trees:
        # PostgreSQL scans a table of a few rows to check one foreign key, but not a large one
        target = {bare(name) for name, _ in seen.effects.changes}
        return tuple(name for name in seen.effects.scans if bare(name) in step.names - target)
    young = {lock.relation for lock in seen.locks.all if not lock.preexisting}
    if any(line.startswith(_VALIDATES) for line in seen.notices) and not young.isdisjoint(seen.effects.scans):
        # the referencing table is new and has no rows to look up
        return ()
    return seen.effects.scans


def waits(case: Case) -> tuple[BlockingLock, ...]:
    """Return every blocking lock, in the order in which they were taken."""
    found = []
    done = [works(step) for step in case.steps]
    for index, step in enumerate(case.steps):
        locks = blocking(step.seen.locks.taken)
        if not locks:
            continue
        end = next((at for at, later in enumerate(case.steps) if at > index and _ends(later)), len(case.steps))
        whole = tuple(item for at in range(index, end) for item in done[at])
        for lock in locks:
            # PostgreSQL releases all locks of a transaction at its end, so one tuple serves them all
            found.append(
                BlockingLock(
                    step=step,
                    lock=lock,
                    work=whole
                    if case.in_transaction
                    else tuple(
                        item
                        for at in range(index, end)
                        if at == index or any(held.relation == lock.relation for held in case.steps[at].seen.locks.held)
                        for item in done[at]
                    ),
                )
            )
    return tuple(found)


def _ends(step: Step) -> bool:
    return step.seen.kind in {"COMMIT", "ROLLBACK"} and " TO " not in f" {step.text.upper()} "


def hazard_of(lock: Lock) -> Hazard:
    """Return the hazard of a blocking lock: only AccessExclusiveLock conflicts with reads."""
    return Hazard.BLOCKS_READS if lock.mode is LockMode.ACCESS_EXCLUSIVE else Hazard.BLOCKS_WRITES
