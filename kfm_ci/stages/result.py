"""The frozen evidence of a run, from the results of its stages."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

from kfm_ci import __version__
from kfm_ci.assess import (
    acknowledgement_scope,
    checklist,
    declaration,
    policy,
    privileges,
    risk,
    row_losses,
    suspected_findings,
    unexecuted_statements,
)
from kfm_ci.assess.migration import check_migration
from kfm_ci.assess.policy import PolicyResult
from kfm_ci.errors import ExitCode, KfmError
from kfm_ci.evidence import object_identity
from kfm_ci.evidence.model import (
    Assessed,
    EngineEvidence,
    Evidence,
    MigrationEvidence,
    RollbackEvidence,
    SourceEvidence,
)
from kfm_ci.evidence.object_changes import ObjectChanges
from kfm_ci.migrations.model import Migration
from kfm_ci.model import (
    Finding,
    Outcome,
    Place,
    Proof,
    Result,
    Risk,
    Severity,
    StageStatus,
    Strategy,
    Verdict,
    rule_page,
)
from kfm_ci.postgres.catalog import Catalog
from kfm_ci.report import plan_txt
from kfm_ci.rules import runner
from kfm_ci.rules.registry import RULES
from kfm_ci.stages.external_tool import source_locations
from kfm_ci.stages.gate_input import GateInput
from kfm_ci.stages.gate_results import GateResults
from kfm_ci.stages.results import (
    ApplyProgress,
    ApplyResult,
    ChecksumsResult,
    MigrationRecord,
    Provisioned,
    RollbackResult,
    RunningServer,
    SmokeResult,
)
from kfm_ci.stages.rollback import strategy_of
from kfm_ci.stages.stage import Results

_EXPLAINED = frozenset(rule.id for rule in RULES)


def _observed_findings(gate: GateResults) -> list[Finding]:
    """Return the findings on the observed evidence of every new migration."""
    created: frozenset[str] = frozenset()
    applied, rolled_back = gate.done.get(ApplyResult), gate.done.get(RollbackResult)
    found: list[Finding] = []
    base = next((item.before.catalog for item in gate.records.values() if item.before is not None), None)
    for migration in gate.change.new:
        record = gate.records.get(migration.id)
        if record is None:
            continue
        found += check_migration(
            migration,
            record.statements,
            rollout=declaration.declared(migration).rollout,
            schema_diff=record.schema_diff,
            objects=_follow_objects(base, record),
            created=created,
            mode=record.apply.mode,
            statistics=gate.given.statistics,
            unindexed=applied.unindexed if applied else (),
            rows=record.rows,
            rows_restored=rolled_back is not None and _restores_rows(rolled_back.rollbacks.get(migration.id)),
            rights=record.rights,
        )
        if base is not None and record.after is not None:
            created = object_identity.created(base, record.after.catalog)
    statements = gate.change.statements
    provisioned = gate.done.get(Provisioned)
    objects = provisioned.base_catalog.entries if provisioned else ()
    found += unexecuted_statements.check(
        statements,
        gate.execution,
        gate.applied,
        observed=tuple(found),
        functions=unexecuted_statements.changing_functions(objects),
    )
    executed = runner.executed_findings(gate.change, unexecuted_statements.executed(statements, gate.evidence))
    found += privileges.without_confirmed(executed, found)
    return found


def _restores_rows(rollback: RollbackEvidence | None) -> bool:
    return rollback is not None and rollback.proof is Proof.PROVEN and rollback.data_restored is True


def _follow_objects(base: Catalog | None, record: MigrationRecord) -> ObjectChanges | None:
    """Return what a migration did to existing objects; None when it was not run."""
    if base is None or record.before is None or record.after is None:
        return None
    return object_identity.follow(base, record.before, record.after)


def _linked(item: Finding) -> Finding:
    """Return a finding with its page, where there is one."""
    return replace(item, docs=rule_page(item.rule)) if item.docs is None and item.rule in _EXPLAINED else item


def conclude(
    given: GateInput,
    done: Results,
    *,
    source: SourceEvidence,
    started_on: str,
    finished_on: str,
    fail_on: Risk | None,
) -> Evidence:
    """Return the frozen evidence of a run: findings weighed by the policy, risk assessed, one verdict."""
    gate = GateResults(given, done)
    new = gate.change.new
    observed = _observed_findings(gate)
    weighed = _weigh(gate, [*privileges.without_confirmed(done.findings, observed), *observed])
    findings = source_locations.locate_findings(list(weighed.findings), new)
    assessed = {item.id: risk.assess(found for found in findings if found.migration == item.id) for item in new}
    findings += _risk_findings(gate, findings)
    findings = [_linked(item) for item in findings]
    level, reasons = risk.run_risk(assessed)
    result, code = _result(done, findings, level if new else None, fail_on)
    running, applied = done.get(RunningServer), done.get(ApplyResult)
    provisioned, progress = done.get(Provisioned), done.get(ApplyProgress)
    smoke, checksums = done.get(SmokeResult), done.get(ChecksumsResult)
    plan = checksums.plan if checksums else ()
    server = running.server if running else None
    evidence = Evidence(
        result=result,
        exit_code=code,
        tool_version=__version__,
        source=source,
        format=gate.change.head.format,
        directory=gate.change.head.directory,
        started_on=started_on,
        finished_on=finished_on,
        stages=done.stages,
        engine=EngineEvidence(kind=server.kind, server_version=server.version, detail=server.detail)
        if server
        else None,
        linter=gate.linter,
        risk=level,
        risk_reasons=reasons,
        findings=tuple(findings),
        smoke=smoke.tests if smoke else (),
        plan=plan,
        plan_sha256=plan_txt.digest(plan) if plan else None,
        files=checksums.files if checksums else (),
        tables=applied.tables if applied else (),
        schema_before=provisioned.base_catalog.digest if provisioned else None,
        schema_after=applied.catalog.digest if applied else None,
        suppressed=weighed.suppressed,
        seeding=progress.seeding if progress else None,
        failure=done.failure.sentence if done.failure else None,
        migrations=tuple(_migration(item, gate, assessed) for item in gate.change.head.migrations),
    )
    return replace(evidence, checklist=checklist.assess(evidence)) if new else evidence


def _risk_findings(gate: GateResults, findings: list[Finding]) -> list[Finding]:
    """Return the findings on headers that declare another risk than the evidence shows."""
    found = []
    for migration in gate.change.new:
        place = Place(file=migration.up_path, line=migration.header.lines.get("risk", 1) if migration.header else 1)
        # a header is compared with facts, not with a suspicion that no server could decide
        known = [item for item in findings if item.migration == migration.id and item.verdict is not Verdict.SUSPECTED]
        finding = risk.understated(declaration.declared(migration), known, migration=migration.id, place=place)
        record = gate.records.get(migration.id)
        is_applied = record is not None and record.apply.outcome is Outcome.APPLIED
        if finding is not None and (finding.severity is Severity.ERROR or is_applied):
            found.append(finding)
    return found


def unjudged(error: KfmError, *, started_on: str, finished_on: str) -> Evidence:
    """Return the evidence of a run that ended before there was anything to judge."""
    return Evidence(
        result=Result.ERROR,
        exit_code=error.code_of_exit,
        tool_version=__version__,
        failure=error.sentence,
        started_on=started_on,
        finished_on=finished_on,
    )


def _weigh(gate: GateResults, found: list[Finding]) -> PolicyResult:
    new, records = gate.change.new, gate.records
    observed = suspected_findings.by_place(
        (migration.up_path, entry)
        for migration in new
        if migration.id in records
        for whole in records[migration.id].statements
        for entry in (whole, *whole.inner)
    )
    running = gate.done.get(RunningServer)
    server = f"PostgreSQL {running.server.major}" if running else "PostgreSQL"
    unexecuted = unexecuted_statements.unexecuted(gate.change.statements, gate.execution)
    outside = new[0].how_to_disable_transaction if new else ""
    found = list(row_losses.without_repeats(found))
    settled = suspected_findings.settle(
        found, observed, applied=gate.applied, unexecuted=unexecuted, server=server, outside=outside
    )
    return policy.apply(
        settled,
        severities=gate.given.policy.policy.severity,
        allows=acknowledgement_scope.of(new),
        contracts=policy.contracting(new),
        complete=gate.done.status("apply") is StageStatus.PASSED,
    )


def _result(done: Results, findings: Sequence[Finding], level: Risk | None, fail_on: Risk | None) -> tuple[Result, int]:
    """Return the result and the exit code; ``level``: the risk of the run, None when nothing is new."""
    if done.failure is not None:
        return Result.ERROR, done.failure.code_of_exit
    failed = {stage.name for stage in done.stages if stage.status is StageStatus.FAILED}
    has_errors = any(item.is_blocking for item in findings)
    # a stage fails because of its findings; where the policy suppressed all of them, only these stages still fail
    fails = has_errors or bool(failed & {"provision", "dry-run", "apply", "smoke"})
    if fails or (fail_on is not None and level is not None and level.rank >= fail_on.rank):
        return Result.FAIL, int(ExitCode.REFUSED)
    return Result.PASS, int(ExitCode.PASSED)


def _migration(migration: Migration, gate: GateResults, assessed: dict[str, Assessed]) -> MigrationEvidence:
    record = gate.records.get(migration.id, MigrationRecord())
    rolled_back = gate.done.get(RollbackResult)
    rollback = (rolled_back.rollbacks if rolled_back else {}).get(migration.id, RollbackEvidence())
    new = migration in gate.change.new
    down = migration.down
    if new and rollback.strategy is Strategy.NONE:
        rollback = replace(rollback, strategy=strategy_of(migration))
    statements = record.statements
    if any(item.kind in unexecuted_statements.WITH_BODY for item in statements):
        statements = unexecuted_statements.with_counts(
            statements, migration.up_path, gate.change.statements, gate.execution
        )
    rollback = replace(rollback, statements=source_locations.locate_statements(rollback.statements, migration))
    return MigrationEvidence(
        id=migration.id,
        new=new,
        up_path=migration.up_path,
        down_path=down.file.path if down else None,
        up_sha256=migration.up.file.sha256,
        down_sha256=down.file.sha256 if down else None,
        declared=declaration.declared(migration),
        assessed=assessed.get(migration.id),
        apply=record.apply,
        statements=source_locations.locate_statements(statements, migration),
        schema_diff=record.schema_diff,
        rollback=rollback,
    )
