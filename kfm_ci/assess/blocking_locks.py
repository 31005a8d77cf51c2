"""Blocking locks on existing relations, and the work that is done while they are held."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace

from kfm_ci import phrases
from kfm_ci.assess.blocked_work import (
    BLOCKING_HAZARDS,
    CHANGES_ROWS,
    REWRITES,
    SCANS,
    BlockGroup,
    BlockingLock,
    WorkUnderLock,
    blocking_locks,
    hazard_of,
    works,
)
from kfm_ci.assess.case import SHOWN, Case, Step, locked_relations
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

_BLOCKED = {Hazard.BLOCKS_READS: "reads and writes of", Hazard.BLOCKS_WRITES: "writes to"}


def check(case: Case) -> Iterator[Finding]:
    """Yield findings on blocking locks, and on rewrites and scans under them."""
    locks = blocking_locks(case)
    groups = _merge_groups([group for step in case.steps for group in _group(step, locks)])
    for step in case.steps:
        for group in groups:
            if group.step is step:
                yield _blocking_finding(case, group)
        yield from _work_findings(case, step, locks)
        yield from _unobserved(case, step)


def _group(step: Step, locks: tuple[BlockingLock, ...]) -> Iterator[BlockGroup]:
    """Yield the locks of one statement by hazard; as one group if the work comes after the statement."""
    own = tuple(item for item in locks if item.step is step)
    reads, writes = (tuple(item for item in own if hazard_of(item.lock) is hazard) for hazard in BLOCKING_HAZARDS)
    if any(item.work for item in reads) and BlockGroup(step=step, hazard=Hazard.BLOCKS_READS, locks=own).is_early:
        reads, writes = (*reads, *writes), ()
    for hazard, found in zip(BLOCKING_HAZARDS, (reads, writes), strict=True):
        if found:
            yield BlockGroup(step=step, hazard=hazard, locks=found)


def _merge_groups(groups: list[BlockGroup]) -> list[BlockGroup]:
    """Return the groups with one for all quick statements above the same work: that is one cause with one fix."""
    merged: list[BlockGroup] = []
    first: dict[Hazard, int] = {}
    for item in groups:
        at = first.get(item.hazard) if item.is_early else None
        if at is not None and set(item.work) <= set(merged[at].work):
            merged[at] = replace(merged[at], locks=(*merged[at].locks, *item.locks))
            continue
        if item.is_early:
            first[item.hazard] = len(merged)
        merged.append(item)
    return merged


def _blocking_finding(case: Case, group: BlockGroup) -> Finding:
    step, work = group.step, group.work
    until = "until COMMIT" if case.in_transaction else "while it runs"
    if not work:
        mode = group.locks[0].lock.mode.value
        return case.finding(
            BRIEF_LOCK,
            f"`{step.seen.kind}` blocks {_blocked(group.locks)} {until} ({mode}), for catalog changes only.",
            step=step,
            hazard=group.hazard,
        )
    extended = tuple(item for item in group.locks if item.work)
    takers = [item.step.seen.line for item in extended]
    subject = f"`{step.seen.kind}`" if len(set(takers)) == 1 else "The transaction"
    taken = f"{extended[0].lock.mode.value} from {phrases.lines(takers, SHOWN)}"
    severity, size = case.scaled(group.hazard, frozenset(item.relation for item in work))
    return case.finding(
        _rule(step, work, group.hazard),
        f"{subject} blocks {_blocked(extended)} {until} ({taken}), while {_work(work)}. {size}",
        step=step,
        hazard=group.hazard,
        severity=severity,
        help=_remedy(case, step, work),
    )


def _blocked(locks: tuple[BlockingLock, ...]) -> str:
    """Return the blocked statements, such as: reads and writes of `a`, and writes to `b`."""
    by_hazard = {hazard: [item.lock for item in locks if hazard_of(item.lock) is hazard] for hazard in BLOCKING_HAZARDS}
    return ", and ".join(
        f"{_BLOCKED[hazard]} {locked_relations(found)}" for hazard, found in by_hazard.items() if found
    )


def _work(work: tuple[WorkUnderLock, ...]) -> str:
    """Return the work under the lock, statement by statement, up to a limit."""
    relations: dict[tuple[int, str], list[str]] = {}
    for item in work:
        relations.setdefault((item.step.seen.line, item.what), []).append(item.relation)
    parts = [f"line {line} {what} {phrases.quoted(names, SHOWN)}" for (line, what), names in relations.items()]
    return phrases.listed(parts, SHOWN, joint="; ")


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
    lines = sorted(item.step.seen.line for item in work)
    return f"Move {phrases.lines(lines, SHOWN)} to a migration after this one, so that the lock is released first."


def _work_findings(case: Case, step: Step, locks: tuple[BlockingLock, ...]) -> Iterator[Finding]:
    """Yield the findings on rewrites, scans and changed rows of one statement under a blocking lock."""
    shared = {id(item.work): item.work for item in locks}
    under = {key for key, items in shared.items() if any(item.step is step for item in items)}
    locked = {item.lock.relation for item in locks if id(item.work) in under}
    work = works(step)
    rewritten = sorted({item.relation for item in work if item.what == REWRITES})
    if rewritten:
        severity, size = case.scaled(Hazard.TABLE_REWRITE, frozenset(rewritten))
        yield case.finding(
            REWRITE_UNDER_LOCK,
            f"`{step.seen.kind}` rewrites {phrases.quoted(rewritten, SHOWN)} with all indexes. {size}",
            step=step,
            severity=severity,
            help=instead(step, case.migration.how_to_disable_transaction),
        )
    scanned = sorted({item.relation for item in work if item.what == SCANS and item.relation in locked})
    if scanned:
        severity, size = case.scaled(Hazard.FULL_SCAN, frozenset(scanned))
        yield case.finding(
            SCAN_UNDER_LOCK,
            f"`{step.seen.kind}` scans {phrases.quoted(scanned, SHOWN)} under a blocking lock. {size}",
            step=step,
            severity=severity,
            help=instead(step, case.migration.how_to_disable_transaction),
        )
    changed = {item.relation for item in work if item.what == CHANGES_ROWS}
    held = {
        lock.relation for lock in step.seen.locks.held if lock.mode is LockMode.ACCESS_EXCLUSIVE and lock.preexisting
    }
    if changed & held:
        names = phrases.quoted(sorted(changed & held), SHOWN)
        severity, size = case.scaled(Hazard.BACKFILL, frozenset(changed & held))
        yield case.finding(
            BACKFILL_UNDER_LOCK,
            f"`{step.seen.kind}` changes rows of {names} while the transaction holds AccessExclusiveLock. {size}",
            step=step,
            severity=severity,
            help=instead(step, case.migration.how_to_disable_transaction),
        )


def _unobserved(case: Case, step: Step) -> Iterator[Finding]:
    """Yield the finding on an index build outside a transaction whose lock was not observed, from its statement."""
    tree = next(iter(step.trees), None)
    if step.seen.locks.taken or tree is None or tree.tag not in {"IndexStmt", "ReindexStmt"} or not works(step):
        return
    if " CONCURRENTLY" in f" {step.text.upper()}":
        return
    names = frozenset(item.relation for item in works(step))
    severity, size = case.scaled(Hazard.BLOCKS_WRITES, names)
    yield case.finding(
        _rule(step, works(step), Hazard.BLOCKS_WRITES),
        f"`{step.seen.kind}` blocks writes to {phrases.quoted(sorted(names), SHOWN)} until it completes. {size}",
        step=step,
        hazard=Hazard.BLOCKS_WRITES,
        severity=severity,
        help=instead(step, case.migration.how_to_disable_transaction),
    )
