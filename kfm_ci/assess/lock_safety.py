"""What makes a good lock bad: no timeout in effect, several tables at once; and what is left behind."""

from __future__ import annotations

from collections.abc import Iterator

from kfm_ci.assess.case import Case, Step, blocking, listed
from kfm_ci.assess.indexes_and_constraints import _invalid, _unindexed, _unvalidated
from kfm_ci.evidence.model import Lock
from kfm_ci.model import Finding
from kfm_ci.rules.server.locks import LOCK_TIMEOUT_MISSING, MULTIPLE_TABLES_LOCKED

_REMEDY = "`set local lock_timeout = '2s';` before it, and try again later when it strikes."
_BARE_REMEDY = (
    "`set lock_timeout = '2s';` before it and `reset lock_timeout;` at the end (`set local` does nothing here, for the file runs "
    "outside a transaction), and try again later when it strikes."
)


def judge(case: Case) -> Iterator[Finding]:
    """Yield what is missing around locks, and what the migration leaves unfinished."""
    yield from _timeout(case)
    yield from _order(case)
    yield from _invalid(case)
    yield from _unvalidated(case)
    yield from _unindexed(case)


def _timeout(case: Case) -> Iterator[Finding]:
    hasty = [step for step in case.steps if blocking(step.seen.locks) and step.seen.lock_timeout_ms == 0]
    if not hasty:
        return
    tables = listed([lock for step in hasty for lock in blocking(step.seen.locks)])
    more = f" (and {len(hasty) - 1} more statement{'s' if len(hasty) > 2 else ''})" if len(hasty) > 1 else ""
    yield case.finding(
        LOCK_TIMEOUT_MISSING,
        f"asks for a lock on {tables}{more} with no lock_timeout in effect: while it queues behind one long query, "
        "everyone else queues behind it.",
        step=hasty[0],
        help=_REMEDY if case.in_transaction else _BARE_REMEDY,
    )


def _order(case: Case) -> Iterator[Finding]:
    if not case.in_transaction:
        return
    taken: dict[str, tuple[Step, Lock]] = {}
    for step in case.steps:
        for lock in blocking(step.seen.locks):
            if lock.kind in {"table", "materialized view"}:
                taken.setdefault(lock.relation, (step, lock))
    takers = list(dict.fromkeys(step.seen.line for step, _ in taken.values()))
    # One statement that needs two tables cannot be taken apart.
    if len(taken) < 2 or len(takers) < 2:
        return
    order = " → ".join(f"{name} ({lock.mode.value}, line {step.seen.line})" for name, (step, lock) in taken.items())
    last = list(taken.values())[-1][0]
    yield case.finding(
        MULTIPLE_TABLES_LOCKED,
        f"holds locks on several tables until COMMIT, in this order: {order}. A transaction that takes them in "
        "another order deadlocks with it.",
        step=last,
        help="One table a migration.",
    )
