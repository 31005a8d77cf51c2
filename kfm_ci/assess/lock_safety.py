"""Lock safety: `lock_timeout`, and several tables locked in one transaction."""

from __future__ import annotations

from collections.abc import Iterator

from kfm_ci import phrases
from kfm_ci.assess import indexes_and_constraints
from kfm_ci.assess.case import Case, Step, blocking, locked_relations
from kfm_ci.evidence.statement_evidence import Lock
from kfm_ci.model import Finding
from kfm_ci.rules.server.locks import LOCK_TIMEOUT_MISSING, MULTIPLE_TABLES_LOCKED

_HELP = "Write `set local lock_timeout = '2s';` above it, and retry the migration when it times out."
_HELP_OUTSIDE = (
    "Write `set lock_timeout = '2s';` above it and `reset lock_timeout;` at the end (`set local` has no effect outside "
    "a transaction). Retry the migration when it times out."
)


def check(case: Case) -> Iterator[Finding]:
    """Yield findings on missing time-outs and several locked tables, and on unfinished indexes and constraints."""
    yield from _check_timeout(case)
    yield from _check_order(case)
    yield from indexes_and_constraints.check(case)


def _check_timeout(case: Case) -> Iterator[Finding]:
    unlimited = [step for step in case.steps if blocking(step.seen.locks.taken) and step.seen.timeouts.lock_ms == 0]
    if not unlimited:
        return
    tables = locked_relations([lock for step in unlimited for lock in blocking(step.seen.locks.taken)])
    first, others = unlimited[0], len(unlimited) - 1
    subject = f"`{first.seen.kind}`"
    if others:
        subject += f" and {phrases.count(others, 'later statement')}"
    yield case.finding(
        LOCK_TIMEOUT_MISSING,
        f"{subject} {'lock' if others else 'locks'} {tables} without `lock_timeout`: while the lock request waits "
        "behind a long query, all later queries wait behind it.",
        step=first,
        help=_HELP if case.in_transaction else _HELP_OUTSIDE,
    )


def _check_order(case: Case) -> Iterator[Finding]:
    if not case.in_transaction:
        return
    taken: dict[str, tuple[Step, Lock]] = {}
    for step in case.steps:
        for lock in blocking(step.seen.locks.taken):
            if lock.kind in {"table", "materialized view"}:
                taken.setdefault(lock.relation, (step, lock))
    takers = list(dict.fromkeys(step.seen.line for step, _ in taken.values()))
    # one statement that needs two tables cannot be split
    if len(taken) < 2 or len(takers) < 2:
        return
    order = " → ".join(f"`{name}` ({lock.mode.value}, line {step.seen.line})" for name, (step, lock) in taken.items())
    last = list(taken.values())[-1][0]
    yield case.finding(
        MULTIPLE_TABLES_LOCKED,
        f"The transaction locks {len(taken)} tables until COMMIT, in this order: {order}. A transaction that locks "
        "them in another order can deadlock with it.",
        step=last,
        help="Lock one table per migration.",
    )
