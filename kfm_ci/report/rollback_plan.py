"""The rollback plan: commands, data loss, locks, and what to do if the rollback fails midway."""

from __future__ import annotations

from dataclasses import dataclass
from typing import assert_never

from kfm_ci import phrases
from kfm_ci.evidence.model import Evidence, MigrationEvidence
from kfm_ci.model import Mode, Outcome, Proof, Strategy
from kfm_ci.report.escape import single_line
from kfm_ci.report.lock_impact import Hold, holds, strongest

_INVALID_INDEXES = "select indexrelid::regclass from pg_index where not indisvalid;"
_BLOCKERS = (
    "select pid, usename, state, xact_start, left(query, 80) from pg_stat_activity "
    "where xact_start is not null order by xact_start limit 5;"
)
_LOCK_WAIT = f"The most common cause is a lock wait. Find the session that holds the lock: `{_BLOCKERS}`"
_RUN_AGAIN = "Fix the cause, then run the same command again, and the ones after it."


@dataclass(frozen=True, slots=True, kw_only=True)
class RollbackPlan:
    """The rollback of one migration."""

    verdict: str
    """Strategy and proof as text, without untrusted text."""
    is_proven: bool
    data_loss: tuple[str, ...]
    locks: tuple[Hold, ...]
    """Blocking locks of the down migration on existing relations."""
    on_failure: tuple[str, ...]
    """Steps to take if the rollback fails midway."""


def build_plan(migration: MigrationEvidence) -> RollbackPlan:
    """Return the rollback plan of one migration."""
    rollback = migration.rollback
    found = holds(rollback.statements, rollback.mode)
    return RollbackPlan(
        verdict=verdict(migration),
        is_proven=rollback.proof is Proof.PROVEN,
        data_loss=rollback.price,
        locks=strongest(tuple(hold for hold in found if hold.is_blocking)),
        on_failure=_steps_on_failure(migration),
    )


def steps(evidence: Evidence) -> tuple[str, ...]:
    """Return the rollback of the change as shell lines, latest migration first, with a comment above its commands."""
    return tuple(
        line
        for item in reversed(evidence.new)
        if item.rollback.commands or item.rollback.idle
        for line in (f"# {single_line(item.id)}: {verdict(item)}", *item.rollback.commands)
    )


def verdict(migration: MigrationEvidence) -> str:
    """Return strategy and proof as text."""
    strategy, proof = migration.rollback.strategy, migration.rollback.proof
    if migration.rollback.idle:
        return "nothing to roll back: the migration changes nothing"
    if strategy is Strategy.NONE:
        return "none: no rollback is defined"
    if proof is Proof.PROVEN:
        return f"{strategy.value}, proven"
    if proof is Proof.FAILED:
        return f"{strategy.value}, run and failed"
    if has_restored_schema_only(migration):
        return f"{strategy.value}, not proven for all rows: it was run and restored the schema"
    return f"{strategy.value}, not proven: it was not run"


def has_restored_schema_only(migration: MigrationEvidence) -> bool:
    """Whether the rollback was run and restored the schema, and not all rows could be compared."""
    rollback = migration.rollback
    return rollback.proof is Proof.NOT_RUN and rollback.schema_restored is True


def summary(evidence: Evidence) -> str:
    """Return whether the whole change can be rolled back, in one line without untrusted text."""
    new = tuple(item for item in evidence.new if not item.rollback.idle) or evidence.new
    proven = sum(item.rollback.proof is Proof.PROVEN for item in new)
    failed = sum(item.rollback.proof is Proof.FAILED for item in new)
    none = sum(item.rollback.strategy is Strategy.NONE and not item.rollback.idle for item in new)
    without_rows = sum(map(has_restored_schema_only, new))
    manual = sum(
        item.rollback.strategy is Strategy.MANUAL
        and item.rollback.proof is Proof.NOT_RUN
        and not has_restored_schema_only(item)
        for item in new
    )
    left = len(new) - proven - failed - none - manual - without_rows
    if proven == len(new):
        return "proven: it was run, and restored schema and data"
    if all(item.rollback.idle for item in new):
        return "nothing to roll back"
    if not any(item.apply.outcome is Outcome.APPLIED for item in new):
        return "**not proven**: no migration was applied, so no rollback was run"
    parts = (
        (proven, "proven"),
        (failed, "run and failed"),
        (none, "without a rollback"),
        (manual, "manual and not run"),
        (without_rows, "not proven for all rows"),
        (left, "not proven"),
    )
    words = ", ".join(f"{number} {word}" for number, word in parts if number)
    proof = "proven in part" if proven and proven + manual == len(new) else "not proven"
    return f"**{proof}**: of {phrases.count(len(new), 'migration')}, {words}"


def _steps_on_failure(migration: MigrationEvidence) -> tuple[str, ...]:
    rollback = migration.rollback
    first: tuple[str, ...] = ()
    match rollback.strategy:
        case Strategy.NONE if rollback.idle:
            return ("There is nothing to run.",)
        case Strategy.NONE:
            return ("There is nothing to run. Fix forward with a new migration, or restore from a backup.",)
        case Strategy.MANUAL if not rollback.statements:
            return ("Stop, and run the runbook's verification step before any other command.",)
        case Strategy.MANUAL:
            first = ("Stop, and run the runbook's verification step: it shows which steps are done.",)
        case Strategy.COMPENSATING | Strategy.DOWN:
            pass
        case _:
            assert_never(rollback.strategy)
    if not all(command.startswith(("psql ", "#")) for command in rollback.commands):
        return (
            *first,
            "The tool stops at the first error and keeps its earlier commits. List the applied migrations with it.",
            _LOCK_WAIT,
            _RUN_AGAIN,
        )
    if rollback.mode is Mode.AUTOCOMMIT:
        starts = [item.line for item in rollback.statements]
        where = f" Its statements start at {phrases.lines(starts, 8)}." if len(starts) > 1 else ""
        return (
            *first,
            "psql stops at the first error and prints its line. The file runs outside a transaction: the statements "
            f"above that line are committed.{where}",
            f"Find invalid indexes, and drop each with `drop index concurrently`: `{_INVALID_INDEXES}`",
            "Fix the cause, then run the statements from that line on by hand. After that, run the next command.",
        )
    return (
        *first,
        "psql stops at the first error. Each file is one transaction: the failed file changed nothing. The files "
        "before it are committed and need not run again.",
        _LOCK_WAIT,
        _RUN_AGAIN,
    )
