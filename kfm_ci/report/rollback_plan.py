"""How to take a change back: what a release engineer runs, what it costs, and what to do when it fails midway."""

from __future__ import annotations

from dataclasses import dataclass
from typing import assert_never

from kfm_ci.evidence.model import Evidence, MigrationEvidence
from kfm_ci.model import Mode, Outcome, Proof, Strategy
from kfm_ci.report.escape import single_line
from kfm_ci.report.lock_impact import Hold, holds, strongest

_INVALID_INDEXES = "select indexrelid::regclass from pg_index where not indisvalid;"
_BLOCKERS = (
    "select pid, usename, state, xact_start, left(query, 80) from pg_stat_activity "
    "where xact_start is not null order by xact_start limit 5;"
)


@dataclass(frozen=True, slots=True, kw_only=True)
class RollbackPlan:
    """The way back of one migration."""

    verdict: str
    """Strategy and whether it was proven, in words; holds no untrusted text."""
    proven: bool
    loses: tuple[str, ...]
    locks: tuple[Hold, ...]
    """What the down locks; only what existed before, and only what makes others wait."""
    midway: tuple[str, ...]
    """What to do when it fails midway, one step each."""


def retreat(migration: MigrationEvidence) -> RollbackPlan:
    """Return the way back of one migration."""
    rollback = migration.rollback
    found = holds(rollback.statements, rollback.mode)
    return RollbackPlan(
        verdict=verdict(migration),
        proven=rollback.proof is Proof.PROVEN,
        loses=rollback.price,
        locks=strongest(tuple(hold for hold in found if hold.blocks)),
        midway=_midway(migration),
    )


def steps(evidence: Evidence) -> tuple[str, ...]:
    """Return the whole way back as lines of a shell, latest migration first, each command under what it undoes."""
    return tuple(
        line
        for item in reversed(evidence.new)
        if item.rollback.commands or item.rollback.idle
        for line in (f"# {single_line(item.id)}: {verdict(item)}", *item.rollback.commands)
    )


def verdict(migration: MigrationEvidence) -> str:
    """Return strategy and proof in words."""
    strategy, proof = migration.rollback.strategy, migration.rollback.proof
    if migration.rollback.idle:
        return "nothing to take back: it does nothing"
    if strategy is Strategy.NONE:
        return "none: there is no way back"
    if proof is Proof.PROVEN:
        return f"{strategy.value}, proven"
    if proof is Proof.FAILED:
        return f"{strategy.value}, run and failed"
    return f"{strategy.value}, not proven: it was not run"


def summary(evidence: Evidence) -> str:
    """Return whether the whole change can be taken back, in one line without untrusted text."""
    new = tuple(item for item in evidence.new if not item.rollback.idle) or evidence.new
    proven = sum(item.rollback.proof is Proof.PROVEN for item in new)
    failed = sum(item.rollback.proof is Proof.FAILED for item in new)
    none = sum(item.rollback.strategy is Strategy.NONE and not item.rollback.idle for item in new)
    by_hand = sum(item.rollback.strategy is Strategy.MANUAL and item.rollback.proof is Proof.NOT_RUN for item in new)
    left = len(new) - proven - failed - none - by_hand
    if proven == len(new):
        return "proven: it was run, and schema and rows came back"
    if all(item.rollback.idle for item in new):
        return "nothing to take back"
    if not any(item.apply.outcome is Outcome.APPLIED for item in new):
        return "**not proven**: nothing was applied, so there was nothing to take back"
    parts = (
        (proven, "proven"),
        (failed, "run and failed"),
        (none, "without any way back"),
        (by_hand, "by hand, which was not drilled"),
        (left, "not proven"),
    )
    words = ", ".join(f"{number} {word}" for number, word in parts if number)
    told = "proven in part" if proven and proven + by_hand == len(new) else "not proven"
    return f"**{told}**: of {len(new)} migration{'s' if len(new) > 1 else ''}, {words}"


def _midway(migration: MigrationEvidence) -> tuple[str, ...]:
    rollback = migration.rollback
    first: tuple[str, ...] = ()
    match rollback.strategy:
        case Strategy.NONE if rollback.idle:
            return ("There is nothing to run.",)
        case Strategy.NONE:
            return ("There is nothing to run. Mend forward with a new migration, or restore from a backup.",)
        case Strategy.MANUAL if not rollback.statements:
            return ("Stop, and follow the runbook's verification step before anything else is run.",)
        case Strategy.MANUAL:
            first = ("Stop, and follow the runbook's verification step: it says how far it came.",)
        case Strategy.COMPENSATING | Strategy.DOWN:
            pass
        case _:
            assert_never(rollback.strategy)
    if not all(command.startswith(("psql ", "#")) for command in rollback.commands):
        return (
            *first,
            "The tool stops at the first error. What it had committed by then has stayed done: have it tell what is applied.",
            f"Most often it waited for a lock. Who holds it: `{_BLOCKERS}`",
            "Mend the cause, then run the same command again, and the ones after it.",
        )
    if rollback.mode is Mode.AUTOCOMMIT:
        lines = ", ".join(str(item.line) for item in rollback.statements[:8])
        where = f" It has one statement at each of the lines {lines}." if len(rollback.statements) > 1 else ""
        return (
            *first,
            "psql stops at the first error and names its line. This file runs outside a transaction: what stands above "
            f"that line has stayed done.{where}",
            f"Look for invalid indexes, and drop each with `drop index concurrently`: `{_INVALID_INDEXES}`",
            "Mend the cause, then run by hand what stands from that line on; only then go on with the next command.",
        )
    return (
        *first,
        "psql stops at the first error. Each file is one transaction: the one that failed has changed nothing, those "
        "before it have stayed done and need not be run again.",
        f"Most often it waited for a lock. Who holds it: `{_BLOCKERS}`",
        "Mend the cause, then run the same command again, and the ones after it.",
    )
