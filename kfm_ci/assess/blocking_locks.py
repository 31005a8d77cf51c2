"""Blocking locks on existing relations, and the work that is done while they are held."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace

from kfm_ci.assess.blocked_work import (
    BLOCKING_HAZARDS,
    BlockGroup,
    BlockingLock,
    WorkUnderLock,
    hazard_of,
    waits,
    works,
)
from kfm_ci.assess.case import Case, Step, few, listed
from kfm_ci.assess.safe_alternatives import instead
from kfm_ci.evidence.statement_evidence import LockMode
from kfm_ci.model import Finding, Hazard
from kfm_ci.rule_info import RuleInfo
from kfm_ci.rules.locks.index_not_concurrent import INDEX_NOT_CONCURRENT
from kfm_ci.rules.server.locks import (
    BACKFILL_UNDER_LOCK,
    BRIEF_LOCK,
    LOCK_BLOCKS_READS,
    LOCK_BLOCKS_WRITES,
    LOCK_HELD_DURING_WORK,
    REINDEX_NOT_CONCURRENT,
    REWRITE_UNDER_LOCK,
    SCAN_UNDER_LOCK,
)

_TOLD = 6
"""Maximum number of items in a message."""


def judge(case: Case) -> Iterator[Finding]:
    """Yield findings on blocking locks, and on rewrites and scans under them."""
    every = waits(case)
    held = _at_once([item for step in case.steps for item in _held(step, every)])
    for step in case.steps:
        for item in held:
            if item.step is step:
                yield from _blocked(case, item)
        yield from _worked(case, step, every)
        yield from _unobserved(case, step)


def _held(step: Step, every: tuple[BlockingLock, ...]) -> Iterator[BlockGroup]:
    mine = tuple(wait for wait in every if wait.step is step)
    read, written = (tuple(wait for wait in mine if hazard_of(wait.lock) is hazard) for hazard in BLOCKING_HAZARDS)
    if any(wait.work for wait in read) and BlockGroup(step=step, hazard=Hazard.BLOCKS_READS, waits=mine).early:
        read, written = (*read, *written), ()
    for hazard, found in zip(BLOCKING_HAZARDS, (read, written), strict=True):
        if found:
            yield BlockGroup(step=step, hazard=hazard, waits=found)


def _at_once(held: list[BlockGroup]) -> list[BlockGroup]:
    """Return the groups with one for all quick statements above the same work: that is one cause with one fix."""
    found: list[BlockGroup] = []
    first: dict[Hazard, int] = {}
    for item in held:
        at = first.get(item.hazard) if item.early else None
        if at is not None and set(item.work) <= set(found[at].work):
            found[at] = replace(found[at], waits=(*found[at].waits, *item.waits))
            continue
        if item.early:
            first[item.hazard] = len(found)
        found.append(item)
    return found


def _blocked(case: Case, held: BlockGroup) -> Iterator[Finding]:
    step, work = held.step, held.work
    until = "until COMMIT" if case.in_transaction else "while it runs"
    if not work:
        yield case.finding(
            BRIEF_LOCK,
            f"The statement blocks {_who(held.waits)} {until} ({held.waits[0].lock.mode.value}), for catalog changes only.",
            step=step,
            hazard=held.hazard,
        )
        return
    busy = tuple(wait for wait in held.waits if wait.work)
    severity, size = case.scaled(held.hazard, frozenset(item.relation for item in work))
    taken = f"{busy[0].lock.mode.value} from {_lines(busy)}"
    yield case.finding(
        _rule(step, work, held.hazard),
        f"The transaction blocks {_who(busy)} {until} ({taken}), while {_meanwhile(work)}. {size}",
        step=step,
        hazard=held.hazard,
        severity=severity,
        help=_remedy(case, step, work),
    )


def _lines(waiting: tuple[BlockingLock, ...]) -> str:
    """Return the lines of the statements that took the locks, up to a limit."""
    lines = [str(line) for line in dict.fromkeys(wait.step.seen.line for wait in waiting)]
    more = f" and {len(lines) - _TOLD} more" if len(lines) > _TOLD else ""
    return f"line{'s' * (len(lines) > 1)} {', '.join(lines[:_TOLD])}{more}"


def _who(waiting: tuple[BlockingLock, ...]) -> str:
    """Return what is blocked: ``reads and writes of a, and writes of b``."""
    locked = {hazard: [wait.lock for wait in waiting if hazard_of(wait.lock) is hazard] for hazard in BLOCKING_HAZARDS}
    words = {Hazard.BLOCKS_READS: "reads and writes", Hazard.BLOCKS_WRITES: "writes"}
    return ", and ".join(f"{words[hazard]} of {listed(found)}" for hazard, found in locked.items() if found)


def _meanwhile(work: tuple[WorkUnderLock, ...]) -> str:
    """Return the work under the lock, statement by statement, up to a limit."""
    told: dict[tuple[int, str], list[str]] = {}
    for item in work:
        told.setdefault((item.step.seen.line, item.what), []).append(item.relation)
    more = [f"{len(told) - _TOLD} more"] if len(told) > _TOLD else []
    return "; ".join(
        [*(f"line {line} {what} {few(names)}" for (line, what), names in list(told.items())[:_TOLD]), *more]
    )


def _rule(step: Step, work: tuple[WorkUnderLock, ...], hazard: Hazard) -> RuleInfo:
    if not any(item.step is step for item in work):
        return LOCK_HELD_DURING_WORK
    if step.seen.kind == "CREATE INDEX":
        return INDEX_NOT_CONCURRENT
    if step.seen.kind == "REINDEX":
        return REINDEX_NOT_CONCURRENT
    return LOCK_BLOCKS_READS if hazard is Hazard.BLOCKS_READS else LOCK_BLOCKS_WRITES


def _remedy(case: Case, step: Step, work: tuple[WorkUnderLock, ...]) -> str | None:
    if any(item.step is step for item in work):
        return instead(step, case.migration.how_to_disable_transaction)
    lines = sorted({item.step.seen.line for item in work})
    named = f"line{'s' * (len(lines) > 1)} {', '.join(map(str, lines))}"
    return f"Move {named} to its own migration after this one, so that the lock is released first."


def _worked(case: Case, step: Step, every: tuple[BlockingLock, ...]) -> Iterator[Finding]:
    shared = {id(wait.work): wait.work for wait in every}
    under = {key for key, items in shared.items() if any(item.step is step for item in items)}
    locked = {wait.lock.relation for wait in every if id(wait.work) in under}
    done = works(step)
    rewritten = sorted({item.relation for item in done if item.what == "rewrites"})
    if rewritten:
        severity, size = case.scaled(Hazard.TABLE_REWRITE, frozenset(rewritten))
        yield case.finding(
            REWRITE_UNDER_LOCK,
            f"PostgreSQL rewrites {few(rewritten)} with all its indexes. {size}",
            step=step,
            severity=severity,
            help=instead(step, case.migration.how_to_disable_transaction),
        )
    read = sorted({item.relation for item in done if item.what == "scans" and item.relation in locked})
    if read:
        severity, size = case.scaled(Hazard.FULL_SCAN, frozenset(read))
        yield case.finding(
            SCAN_UNDER_LOCK,
            f"PostgreSQL scans {few(read)} under a blocking lock. {size}",
            step=step,
            severity=severity,
            help=instead(step, case.migration.how_to_disable_transaction),
        )
    changed = {item.relation for item in done if item.what == "changes rows of"}
    held = {
        lock.relation for lock in step.seen.locks.held if lock.mode is LockMode.ACCESS_EXCLUSIVE and lock.preexisting
    }
    if changed & held:
        names = few(sorted(changed & held))
        severity, size = case.scaled(Hazard.BACKFILL, frozenset(changed & held))
        yield case.finding(
            BACKFILL_UNDER_LOCK,
            f"The statement changes rows of {names} while the transaction holds AccessExclusiveLock on it. {size}",
            step=step,
            severity=severity,
            help=instead(step, case.migration.how_to_disable_transaction),
        )


def _unobserved(case: Case, step: Step) -> Iterator[Finding]:
    """Assess an index build outside a transaction by its statement, if its lock was not observed."""
    tree = next(iter(step.trees), None)
    if step.seen.locks.taken or tree is None or tree.tag not in {"IndexStmt", "ReindexStmt"} or not works(step):
        return
    if " CONCURRENTLY" in f" {step.text.upper()}":
        return
    names = frozenset(item.relation for item in works(step))
    severity, size = case.scaled(Hazard.BLOCKS_WRITES, names)
    yield case.finding(
        _rule(step, works(step), Hazard.BLOCKS_WRITES),
        f"The index build blocks writes to {few(sorted(names))}. {size}",
        step=step,
        hazard=Hazard.BLOCKS_WRITES,
        severity=severity,
        help=instead(step, case.migration.how_to_disable_transaction),
    )
