"""Lock safety: `lock_timeout`, several tables in one transaction, unfinished indexes and constraints."""

from __future__ import annotations

from collections.abc import Iterator

from kfm_ci.assess.case import Case, Step, blocking, listed
from kfm_ci.assess.indexes_and_constraints import _invalid, _unindexed, _unvalidated
from kfm_ci.evidence.statement_evidence import Lock
from kfm_ci.model import Finding
from kfm_ci.rules.server.locks import LOCK_TIMEOUT_MISSING, MULTIPLE_TABLES_LOCKED

_REMEDY = "Write `set local lock_timeout = '2s';` above it, and retry the migration when it times out."
_BARE_REMEDY = (
    "Write `set lock_timeout = '2s';` above it and `reset lock_timeout;` at the end (`set local` has no effect outside a "
    "transaction). Retry the migration when it times out."
)


def judge(case: Case) -> Iterator[Finding]:
    """Yield findings on missing time-outs, several locked tables, and unfinished indexes and constraints."""
    yield from _timeout(case)
    yield from _order(case)
    yield from _invalid(case)
    yield from _unvalidated(case)
    yield from _unindexed(case)


def _timeout(case: Case) -> Iterator[Finding]:
    hasty = [step for step in case.steps if blocking(step.seen.locks.taken) and step.seen.timeouts.lock_ms == 0]
    if not hasty:
        return
    tables = listed([lock for step in hasty for lock in blocking(step.seen.locks.taken)])
    more = f" (and {len(hasty) - 1} more statement{'s' if len(hasty) > 2 else ''})" if len(hasty) > 1 else ""
    yield case.finding(
        LOCK_TIMEOUT_MISSING,
        f"The statement requests a lock on {tables}{more} without `lock_timeout`: while it waits behind a long query, "
        "all later queries wait behind it.",
        step=hasty[0],
        help=_REMEDY if case.in_transaction else _BARE_REMEDY,
    )


def _order(case: Case) -> Iterator[Finding]:
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
    order = " → ".join(f"{name} ({lock.mode.value}, line {step.seen.line})" for name, (step, lock) in taken.items())
    last = list(taken.values())[-1][0]
    yield case.finding(
        MULTIPLE_TABLES_LOCKED,
        f"The transaction holds locks on several tables until COMMIT, in this order: {order}. A transaction with "
        "another order can deadlock with it.",
        step=last,
        help="Lock one table per migration.",
    )
