"""Stage ``rollback``: the rollback drill (apply, roll back, compare, re-apply) and the robustness checks."""

from __future__ import annotations

from contextlib import closing
from dataclasses import dataclass, replace

from kfm_ci import phrases
from kfm_ci.assess.case import SHOWN
from kfm_ci.assess.unproven_rows import unproven_tables
from kfm_ci.evidence import rollback, runbook
from kfm_ci.evidence.model import RollbackEvidence
from kfm_ci.evidence.rollback.model import DrillResult, DrillSubject, State
from kfm_ci.evidence.runbook import Runbook
from kfm_ci.migrations.history_tables import row_deletion
from kfm_ci.migrations.model import Migration, Unreadable
from kfm_ci.model import Finding, Hazard, Proof, Strategy
from kfm_ci.sql import statements
from kfm_ci.stages.drill_runner import DrillRunner
from kfm_ci.stages.external_tool import rerecord_down
from kfm_ci.stages.gate_input import GateInput
from kfm_ci.stages.results import (
    ApplyResult,
    DryRunResult,
    ExecutableMigration,
    MigrationRecord,
    Provisioned,
    RollbackResult,
)
from kfm_ci.stages.robustness.checks import check_robustness
from kfm_ci.stages.stage import Failed, Results, Skip, StageOutcome, keeping


def strategy_of(migration: Migration) -> Strategy:
    """Return the declared strategy; without one, ``down`` where there is a down migration with a statement."""
    declared = migration.header.choice("rollback", Strategy) if migration.header else None
    if declared:
        return Strategy(declared)
    return Strategy.DOWN if migration.down is not None and statements.of(migration.down) else Strategy.NONE


@dataclass(frozen=True, slots=True, kw_only=True)
class _Drill:
    """The results of the drill, and the migrations with rollbacks that were recorded again."""

    base: Provisioned
    results: tuple[DrillResult, ...]


class Rollback:
    """Drills the rollback of every new migration."""

    name = "rollback"

    def run(self, given: GateInput, done: Results) -> StageOutcome:
        """Roll the new migrations back in reverse order, compare schema and data, and apply them again."""
        base = done.need(Provisioned, "No new migration was applied.")
        applied = done.need(ApplyResult, "No new migration was applied.")
        if not any(applied.is_applied(item) for item in base.new):
            raise Skip("No new migration was applied.")
        drill = _run_drill(base, applied)
        base, results = drill.base, drill.results
        rollbacks, found = _assess(base, results, done.findings)
        with keeping(lambda: StageOutcome(result=_result(base, applied, rollbacks), findings=found)):
            earlier = (*done.findings, *found)
            robustness = check_robustness(base, applied, done.get(DryRunResult), rollbacks, earlier)
            for name, price in robustness.price.items():
                rollbacks[name] = replace(rollbacks[name], price=(*rollbacks[name].price, *price))
            found = (*found, *robustness.findings)
            wrong = [result for result in results if any(item.is_blocking for item in result.findings)]
            if wrong:
                raise Failed(f"{len(wrong)} of {len(results)} rollbacks are not proven.")
            errors = [item for item in robustness.findings if item.is_blocking]
            if errors:
                raise Failed(f"{'; '.join(f'`{item.migration}`: {item.rule}' for item in errors)}.")
        result = _result(base, applied, rollbacks)
        number = sum(evidence.proof is Proof.PROVEN for evidence in result.rollbacks.values())
        message = "; ".join(filter(None, (f"{number} of {len(results)} proven", robustness.not_checked)))
        return StageOutcome(result=result, findings=found, message=message)


def _result(base: Provisioned, applied: ApplyResult, rollbacks: dict[str, RollbackEvidence]) -> RollbackResult:
    weighed = {name: _without_rows(evidence, applied.records[name]) for name, evidence in rollbacks.items()}
    return RollbackResult(rollbacks=weighed, provisioned=base)


def _without_rows(evidence: RollbackEvidence, record: MigrationRecord) -> RollbackEvidence:
    """Return the evidence of a rollback, which proves nothing for rows of a touched table that has none."""
    tables = unproven_tables((*record.statements, *evidence.statements), dict(record.rows.unproven))
    if not tables or evidence.proof is not Proof.PROVEN:
        return evidence
    message = f"The rollback restores the schema; it is not proven for rows of {phrases.quoted(tables, SHOWN)}."
    return replace(
        evidence,
        proof=Proof.NOT_RUN,
        data_restored=None,
        message=" ".join(filter(None, (evidence.message, message))),
    )


def _assess(
    base: Provisioned, results: tuple[DrillResult, ...], earlier: tuple[Finding, ...]
) -> tuple[dict[str, RollbackEvidence], tuple[Finding, ...]]:
    """Return the evidence by migration, and the findings that are not reported already."""
    reported = {(item.migration, item.hazard) for item in earlier}
    rollbacks: dict[str, RollbackEvidence] = {}
    found: list[Finding] = []
    for result in results:
        proof = base.unrecorded.get(result.migration_id)
        rollbacks[result.migration_id] = _unrecorded(result.evidence, proof) if proof else result.evidence
        found += [
            item
            for item in result.findings
            if item.hazard is not Hazard.ROLLBACK_MISSING or not (proof or (item.migration, item.hazard) in reported)
        ]
    return rollbacks, tuple(found)


def _run_drill(base: Provisioned, applied: ApplyResult) -> _Drill:
    """Drill every rollback.

    A tool's rollback that is reported is recorded again right after its own up migration, and drilled again.
    """
    migrations = [item for item in base.new if applied.is_applied(item)]
    drilled = base.server.create_database("rollback", template=applied.database)
    records = {item.id: applied.records[item.id] for item in migrations}
    before = {name: record.before for name, record in records.items() if record.before}
    after = {name: record.after for name, record in records.items() if record.after}
    results = _drill(base, applied, drilled, migrations, before, after)
    rerecorded = rerecord_down.record_again(base, rerecord_down.suspects(base, results))
    base = rerecorded.base
    if rerecorded.changed:
        subjects = [_subject(base, item) for item in base.new if item.id in records]
        with closing(DrillRunner(base, drilled, applied.seeded_base)) as runner:
            again = rollback.drill_alone(
                subjects,
                set(rerecorded.changed),
                runner=runner,
                before=before,
                after=after,
                connect=lambda: base.connect(drilled),
                native_format=base.change.native_format,
            )
        results = tuple(again.get(result.migration_id, result) for result in results)
    failures = rerecorded.failures
    base = replace(base, unrecorded={**base.unrecorded, **dict.fromkeys(failures, Proof.FAILED)})
    results = tuple(
        replace(result, findings=(failures[result.migration_id],)) if result.migration_id in failures else result
        for result in results
    )
    return _Drill(base=base, results=results)


def _drill(
    base: Provisioned,
    applied: ApplyResult,
    drilled: str,
    migrations: list[ExecutableMigration],
    before: dict[str, State],
    after: dict[str, State],
) -> tuple[DrillResult, ...]:
    with closing(DrillRunner(base, drilled, applied.seeded_base)) as runner:
        return rollback.drill(
            [_subject(base, item) for item in migrations],
            runner=runner,
            before=before,
            after=after,
            connect=lambda: base.connect(drilled),
            native_format=base.change.native_format,
        )


def _subject(base: Provisioned, migration: ExecutableMigration) -> DrillSubject:
    strategy = strategy_of(migration)
    values = migration.header.values if migration.header else {}
    head = base.change.head
    compensation = head.get(values.get("compensated-by", "")) if strategy is Strategy.COMPENSATING else None
    order, deletion = head.migrations, head.semantics.row_deletion
    place = order.index(migration)
    return DrillSubject(
        migration=migration,
        strategy=strategy,
        compensation=compensation,
        runbook=_runbook(base, values.get("runbook")) if strategy is Strategy.MANUAL else None,
        exceptions=base.policy.policy.compensation_exceptions,
        forget=row_deletion.forget(deletion, migration, order[place - 1] if place else None) if deletion else None,
    )


def _runbook(base: Provisioned, path: str | None) -> Runbook | None:
    if not path:
        return None
    try:
        return runbook.parse(path, base.change.tree.read(path).decode("utf-8", "replace"))
    except Unreadable:
        return None


def _unrecorded(evidence: RollbackEvidence, proof: Proof) -> RollbackEvidence:
    """Return the evidence of a tool's rollback of which no SQL was recorded."""
    message = "The tool's rollback fails." if proof is Proof.FAILED else "The tool's rollback was not run."
    return replace(evidence, strategy=Strategy.DOWN, proof=proof, message=message)
