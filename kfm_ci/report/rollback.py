"""How to take a change back: what a release engineer runs, what it costs, and what to do when it fails midway."""

from __future__ import annotations

import shlex
from dataclasses import dataclass

from kfm_ci.evidence.model import Evidence, MigrationEvidence
from kfm_ci.model import Mode, Proof, Strategy
from kfm_ci.report.impact import Hold, holds, strongest

_INVALID_INDEXES = "select indexrelid::regclass from pg_index where not indisvalid;"


@dataclass(frozen=True, slots=True, kw_only=True)
class Retreat:
    """The way back of one migration."""

    verdict: str
    """Strategy and whether it was proven, in words; holds no untrusted text."""
    proven: bool
    commands: tuple[str, ...]
    """In the order in which to run them."""
    loses: tuple[str, ...]
    locks: tuple[Hold, ...]
    """What the down locks; only what existed before, and only what makes others wait."""
    midway: tuple[str, ...]
    """What to do when it fails midway, one step each."""


def retreat(evidence: Evidence, migration: MigrationEvidence) -> Retreat:
    """Return the way back of one migration of a run."""
    rollback = migration.rollback
    found = holds(rollback.statements, migration.apply.mode)
    return Retreat(
        verdict=verdict(migration),
        proven=rollback.proof is Proof.PROVEN,
        commands=rollback.commands or _commands(evidence, migration),
        loses=rollback.price,
        locks=strongest(tuple(hold for hold in found if hold.blocks)),
        midway=_midway(migration),
    )


def verdict(migration: MigrationEvidence) -> str:
    """Return strategy and proof in words."""
    strategy, proof = migration.rollback.strategy, migration.rollback.proof
    if strategy is Strategy.NONE:
        return "none: there is no way back"
    if proof is Proof.PROVEN:
        return f"{strategy.value}, proven"
    if proof is Proof.FAILED:
        return f"{strategy.value}, run and failed"
    return f"{strategy.value}, not proven: it was not run"


def summary(evidence: Evidence) -> str:
    """Return whether the whole change can be taken back, in one line without untrusted text."""
    new = evidence.new
    proven = sum(item.rollback.proof is Proof.PROVEN for item in new)
    failed = sum(item.rollback.proof is Proof.FAILED for item in new)
    none = sum(item.rollback.strategy is Strategy.NONE for item in new)
    left = len(new) - proven - failed - none
    if proven == len(new):
        return "proven: it was run, and schema and rows came back"
    parts = (
        (proven, "proven"),
        (failed, "run and failed"),
        (none, "without any way back"),
        (left, "not proven"),
    )
    words = ", ".join(f"{number} {word}" for number, word in parts if number)
    return f"**not proven**: of {len(new)} migration{'s' if len(new) > 1 else ''}, {words}"


def _commands(evidence: Evidence, migration: MigrationEvidence) -> tuple[str, ...]:
    """Return the command that goes back to just before a migration, when our own runner can."""
    if migration.rollback.strategy is not Strategy.DOWN:
        return ()
    order = [item.id for item in evidence.migrations]
    before = order.index(migration.id) - 1 if migration.id in order else -1
    if before < 0:
        return ()
    return (f"kfm-ci rollback --environment ENVIRONMENT --to {shlex.quote(order[before])}",)


def _midway(migration: MigrationEvidence) -> tuple[str, ...]:
    strategy = migration.rollback.strategy
    if strategy is Strategy.NONE:
        return ("There is nothing to run. Mend forward with a new migration, or restore from a backup.",)
    if strategy is Strategy.MANUAL:
        return ("Stop, and follow the runbook's verification step before anything else is run.",)
    if strategy is Strategy.COMPENSATING:
        return (
            "Run `kfm-ci status --environment ENVIRONMENT`: it says whether the compensating migration is recorded.",
            "If it is not recorded, nothing of it has stayed; mend the cause and promote it again.",
        )
    steps = ["Run `kfm-ci status --environment ENVIRONMENT`: it reads back from the server what is recorded."]
    alone = migration.apply.mode is Mode.AUTOCOMMIT or any(
        "CONCURRENTLY" in item.kind for item in migration.rollback.statements
    )
    if alone:
        steps.append(
            "This migration runs outside a transaction, so statements that finished have stayed. "
            f"Look for invalid indexes: `{_INVALID_INDEXES}`"
        )
        steps.append("Drop what is invalid, then run the same command again.")
    else:
        steps.append("Each down is one transaction: the one that failed changed nothing, those before it have stayed.")
        steps.append("Mend the cause (most often a lock time-out), then run the same command again.")
    return tuple(steps)
