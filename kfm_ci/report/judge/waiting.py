"""Who waits for what: locks on older relations, and the work that runs under them."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

from kfm_ci.evidence.model import Lock, LockMode
from kfm_ci.model import Finding, Hazard, Severity
from kfm_ci.report.judge.advice import instead
from kfm_ci.report.judge.case import Case, Step, bare, blocking, few, listed

_DATA = frozenset({"INSERT", "UPDATE", "DELETE", "MERGE", "SELECT", "COPY"})
_BLOCKING = (Hazard.BLOCKS_READS, Hazard.BLOCKS_WRITES)
_TOLD = 6
"""So many works are named."""
_VALIDATES = "validating foreign key constraint"


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Work:
    """Something a statement did whose duration grows with a table; compared as itself, for there are thousands."""

    step: Step
    what: str
    relation: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Wait:
    """A lock that others wait for, and what runs until it is let go."""

    step: Step
    """The statement that took it."""
    lock: Lock
    work: tuple[Work, ...]


def works(step: Step) -> tuple[Work, ...]:
    """Return what a statement did that grows with a relation older than the pull request."""
    seen = step.seen
    if seen.kind == "TRUNCATE TABLE":
        return ()
    old = frozenset(seen.existed)
    found = [Work(step=step, what="rewrites", relation=name) for name in seen.rewrites if name in old]
    found += [Work(step=step, what="changes rows of", relation=name) for name, _ in seen.changes if name in old]
    done = {work.relation for work in found}
    scanned = [name for name in _proportional_scans(step) if name in old and name not in done]
    builds = seen.index_builds if not done else ()
    if builds:
        found += [Work(step=step, what=f"builds index {few(builds)} on", relation=name) for name in scanned]
    else:
        found += [Work(step=step, what="reads all of", relation=name) for name in scanned]
    return tuple(found)


def _proportional_scans(step: Step) -> tuple[str, ...]:
    """Return the scans that will be scans on a large table too."""
    seen = step.seen
    if seen.kind in _DATA and step.trees:
        # A table of a few rows is read in full to check one foreign key; a large one is not.
        target = {bare(name) for name, _ in seen.changes}
        return tuple(name for name in seen.scans if bare(name) in step.names - target)
    young = {lock.relation for lock in (*seen.locks, *seen.held) if not lock.preexisting}
    if any(line.startswith(_VALIDATES) for line in seen.notices) and not young.isdisjoint(seen.scans):
        # The referring table is new: there is nothing to look up in the old one.
        return ()
    return seen.scans


def waits(case: Case) -> tuple[Wait, ...]:
    """Return every lock that others wait for, in the order in which they were taken."""
    found = []
    done = [works(step) for step in case.steps]
    for index, step in enumerate(case.steps):
        locks = blocking(step.seen.locks)
        if not locks:
            continue
        end = next((at for at, later in enumerate(case.steps) if at > index and _ends(later)), len(case.steps))
        whole = tuple(item for at in range(index, end) for item in done[at])
        for lock in locks:
            # All locks of a transaction last as long as it does: one tuple serves them all.
            found.append(Wait(step=step, lock=lock, work=whole if case.in_transaction else tuple(
                item for at in range(index, end)
                if at == index or any(held.relation == lock.relation for held in case.steps[at].seen.held)
                for item in done[at]
            )))  # fmt: skip
    return tuple(found)


def _ends(step: Step) -> bool:
    return step.seen.kind in {"COMMIT", "ROLLBACK"} and " TO " not in f" {step.text.upper()} "


def judge(case: Case) -> Iterator[Finding]:
    """Yield what readers and writers wait for, and what is rewritten or read meanwhile."""
    every = waits(case)
    for step in case.steps:
        mine = [wait for wait in every if wait.step is step]
        read, written = ([wait for wait in mine if _hazard(wait.lock) is hazard] for hazard in _BLOCKING)
        if any(wait.work for wait in read) and not any(item.step is step for wait in mine for item in wait.work):
            # What is slow comes later, and is told of once.
            yield from _blocked(case, step, [*read, *written], Hazard.BLOCKS_READS)
        else:
            yield from _blocked(case, step, read, Hazard.BLOCKS_READS)
            yield from _blocked(case, step, written, Hazard.BLOCKS_WRITES)
        yield from _worked(case, step, every)
        yield from _unobserved(case, step)


def _hazard(lock: Lock) -> Hazard:
    return Hazard.BLOCKS_READS if lock.mode is LockMode.ACCESS_EXCLUSIVE else Hazard.BLOCKS_WRITES


def _blocked(case: Case, step: Step, mine: list[Wait], hazard: Hazard) -> Iterator[Finding]:
    until = "until COMMIT" if case.in_transaction else "while it runs"
    busy = [wait for wait in mine if wait.work]
    if busy:
        shared = {id(wait.work): wait.work for wait in busy}
        work = tuple(dict.fromkeys(item for items in shared.values() for item in items))
        severity, size = case.scaled(hazard, frozenset(item.relation for item in work))
        mode = busy[0].lock.mode.value
        yield case.find(
            _rule(step, work, hazard), hazard,
            f"{_who(busy)} wait {until} ({mode} from line {step.seen.line}), while {_meanwhile(work)}. {size}",
            step=step, severity=severity, help=_remedy(case, step, work),
        )  # fmt: skip
        return
    if mine:
        yield case.find(
            "brief-lock", hazard,
            f"{_who(mine)} wait {until} ({mine[0].lock.mode.value}), for catalog changes only.",
            step=step, severity=Severity.NOTE,
        )  # fmt: skip


def _who(waiting: list[Wait]) -> str:
    """Return who waits for what: ``reads and writes of a, and writes of b``."""
    locked = {hazard: [wait.lock for wait in waiting if _hazard(wait.lock) is hazard] for hazard in _BLOCKING}
    words = {Hazard.BLOCKS_READS: "reads and writes", Hazard.BLOCKS_WRITES: "writes"}
    return ", and ".join(f"{words[hazard]} of {listed(found)}" for hazard, found in locked.items() if found)


def _meanwhile(work: tuple[Work, ...]) -> str:
    """Return what is done meanwhile, statement by statement, the first of them named."""
    told: dict[tuple[int, str], list[str]] = {}
    for item in work:
        told.setdefault((item.step.seen.line, item.what), []).append(item.relation)
    more = [f"{len(told) - _TOLD} more"] if len(told) > _TOLD else []
    return "; ".join(
        [*(f"line {line} {what} {few(names)}" for (line, what), names in list(told.items())[:_TOLD]), *more]
    )


def _rule(step: Step, work: tuple[Work, ...], hazard: Hazard) -> str:
    if not any(item.step is step for item in work):
        return "work-under-earlier-lock"
    if step.seen.kind == "CREATE INDEX":
        return "index-not-concurrent"
    if step.seen.kind == "REINDEX":
        return "reindex-not-concurrent"
    return "readers-wait" if hazard is Hazard.BLOCKS_READS else "writers-wait"


def _remedy(case: Case, step: Step, work: tuple[Work, ...]) -> str | None:
    if any(item.step is step for item in work):
        return instead(step, case.migration.outside)
    lines = ", ".join(str(line) for line in sorted({item.step.seen.line for item in work}))
    return f"Commit first: move what stands on line {lines} into a migration of its own, after this one."


def _worked(case: Case, step: Step, every: tuple[Wait, ...]) -> Iterator[Finding]:
    shared = {id(wait.work): wait.work for wait in every}
    under = {key for key, items in shared.items() if any(item.step is step for item in items)}
    locked = {wait.lock.relation for wait in every if id(wait.work) in under}
    done = works(step)
    rewritten = sorted({item.relation for item in done if item.what == "rewrites"})
    if rewritten:
        severity, size = case.scaled(Hazard.TABLE_REWRITE, frozenset(rewritten))
        yield case.find(
            "rewrite-under-lock", Hazard.TABLE_REWRITE,
            f"PostgreSQL rewrites {few(rewritten)} with all its indexes. {size}",
            step=step, severity=severity, help=instead(step, case.migration.outside),
        )  # fmt: skip
    read = sorted({item.relation for item in done if item.what == "reads all of" and item.relation in locked})
    if read:
        severity, size = case.scaled(Hazard.FULL_SCAN, frozenset(read))
        yield case.find(
            "scan-under-lock", Hazard.FULL_SCAN,
            f"PostgreSQL reads all of {few(read)} while others wait for it. {size}",
            step=step, severity=severity, help=instead(step, case.migration.outside),
        )  # fmt: skip
    changed = {item.relation for item in done if item.what == "changes rows of"}
    held = {lock.relation for lock in step.seen.held if lock.mode is LockMode.ACCESS_EXCLUSIVE and lock.preexisting}
    if changed & held:
        names = few(sorted(changed & held))
        severity, size = case.scaled(Hazard.BACKFILL, frozenset(changed & held))
        yield case.find(
            "backfill-under-lock", Hazard.BACKFILL,
            f"changes rows of {names} in the transaction that holds AccessExclusiveLock on it. {size}",
            step=step, severity=severity, help=instead(step, case.migration.outside),
        )  # fmt: skip


def _unobserved(case: Case, step: Step) -> Iterator[Finding]:
    """Judge an index build outside a transaction whose lock could not be seen by what it is."""
    tree = next(iter(step.trees), None)
    if step.seen.locks or tree is None or tree.tag not in {"IndexStmt", "ReindexStmt"} or not works(step):
        return
    if " CONCURRENTLY" in f" {step.text.upper()}":
        return
    names = frozenset(item.relation for item in works(step))
    severity, size = case.scaled(Hazard.BLOCKS_WRITES, names)
    yield case.find(
        _rule(step, works(step), Hazard.BLOCKS_WRITES), Hazard.BLOCKS_WRITES,
        f"writes of {few(sorted(names))} wait while the index is built. {size}",
        step=step, severity=severity, help=instead(step, case.migration.outside),
    )  # fmt: skip
