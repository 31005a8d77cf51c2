"""From what the stages found to the frozen evidence of the run."""

from __future__ import annotations

from dataclasses import replace

from kfm_ci import __version__
from kfm_ci.assess import acknowledgement_scope, checklist, policy, risk, suspected_findings
from kfm_ci.assess import migration as judgement
from kfm_ci.assess.policy import PolicyResult
from kfm_ci.errors import ExitCode, KfmError
from kfm_ci.evidence.model import Assessed, Declared, EngineEvidence, Evidence, MigrationEvidence, SourceEvidence
from kfm_ci.migrations.model import Migration
from kfm_ci.model import (
    Finding,
    Outcome,
    Phase,
    Place,
    Result,
    Risk,
    Rollout,
    StageStatus,
    Strategy,
    Verdict,
    rule_page,
)
from kfm_ci.report import plan_txt
from kfm_ci.rules.registry import RULES
from kfm_ci.stages.external_tool import source_locations
from kfm_ci.stages.rollback import strategy_of
from kfm_ci.stages.run import MigrationRecord, Run

_EXPLAINED = frozenset(rule.id for rule in RULES)


def judge(run: Run) -> None:
    """Add what the server's evidence says of every new migration to the run's findings."""
    created: frozenset[str] = frozenset()
    for migration in run.new:
        seen = run.seen.get(migration.id)
        if seen is None:
            continue
        declared = declared_of(migration)
        run.findings += judgement.judge(
            migration, seen.statements, rollout=declared.rollout, schema_diff=seen.schema_diff,
            created=created, mode=seen.apply.mode, statistics=run.statistics, unindexed=run.unindexed,
        )  # fmt: skip
        created |= frozenset(seen.schema_diff.added)


def _linked(item: Finding) -> Finding:
    """Return a finding with its page, where there is one."""
    return replace(item, docs=rule_page(item.rule)) if item.docs is None and item.rule in _EXPLAINED else item


def conclude(run: Run, *, source: SourceEvidence, started_on: str, finished_on: str, fail_on: Risk | None) -> Evidence:
    """Return the frozen sum of a run: findings weighed, risk assessed, one verdict."""
    judged = _weigh(run)
    findings = source_locations.placed(list(judged.findings), run.new)
    assessed = {item.id: risk.assess(found for found in findings if found.migration == item.id) for item in run.new}
    for migration in run.new:
        place = Place(file=migration.up_path, line=migration.header.lines.get("risk", 1) if migration.header else 1)
        # A header is held against what is known, not against a suspicion that no server could decide.
        known = [item for item in findings if item.migration == migration.id and item.verdict is not Verdict.SUSPECTED]
        found = risk.understated(declared_of(migration), known, migration=migration.id, place=place)
        ran = run.seen.get(migration.id)
        if found is not None and (found.severity == "error" or (ran and ran.apply.outcome == "applied")):
            findings.append(found)
    findings = [_linked(item) for item in findings]
    level, reasons = risk.run_risk(assessed)
    result, code = _result(run, tuple(findings), level, fail_on)
    evidence = Evidence(
        result=result, exit_code=code, tool_version=__version__, source=source, format=run.change.head.format,
        directory=run.change.head.directory, started_on=started_on, finished_on=finished_on, stages=tuple(run.stages),
        engine=EngineEvidence(kind=run.server.kind, server_version=run.server.version, detail=run.server.detail) if run.server else None,
        adviser=run.adviser, risk=level, risk_reasons=reasons, findings=tuple(findings), smoke=tuple(run.smoke), plan=run.plan,
        plan_sha256=plan_txt.digest(run.plan) if run.plan else None, files=run.files, tables=run.tables,
        schema_before=run.base_catalog.digest if run.base_catalog else None,
        schema_after=run.final_catalog.digest if run.final_catalog else None,
        suppressed=judged.suppressed, seeding=run.seeding, failure=run.failure.sentence if run.failure else None,
        migrations=tuple(_migration(item, run, assessed) for item in run.change.head.migrations),
    )  # fmt: skip
    return replace(evidence, checklist=checklist.assess(evidence)) if run.new else evidence


def unjudged(error: KfmError, *, started_on: str, finished_on: str) -> Evidence:
    """Return the evidence of a run that ended before there was anything to judge."""
    return Evidence(
        result=Result.ERROR, exit_code=error.code_of_exit, tool_version=__version__, failure=error.sentence,
        started_on=started_on, finished_on=finished_on,
    )  # fmt: skip


def declared_of(migration: Migration) -> Declared:
    """Return what a migration's header says, as far as it is valid."""
    header = migration.header
    if header is None:
        return Declared()
    level, rollout = header.choice("risk", Risk), header.choice("rollout", Rollout)
    rollback, phase = header.choice("rollback", Strategy), header.choice("phase", Phase)
    return Declared(
        risk=Risk(level) if level else None, rollout=Rollout(rollout) if rollout else None,
        rollback=Strategy(rollback) if rollback else None, phase=Phase(phase) if phase else None,
        owner=header.values.get("owner"), ticket=header.values.get("ticket"), impact=header.values.get("impact"),
        ops=header.values.get("ops"),
    )  # fmt: skip


def _weigh(run: Run) -> PolicyResult:
    seen = suspected_findings.by_place(
        (migration.up_path, entry)
        for migration in run.new if migration.id in run.seen
        for whole in run.seen[migration.id].statements for entry in (whole, *whole.inner)
    )  # fmt: skip
    server = f"PostgreSQL {run.server.major}" if run.server else "PostgreSQL"
    applied = {name for name, item in run.seen.items() if item.apply.outcome is Outcome.APPLIED}
    outside = run.new[0].outside if run.new else ""
    settled = suspected_findings.settle(run.findings, seen, applied=applied, server=server, outside=outside)
    allows = acknowledgement_scope.of(run.new)
    complete = run.status("apply") is StageStatus.PASSED
    return policy.apply(
        settled,
        severities=run.policy.policy.severity,
        allows=allows,
        contracts=policy.contracting(run.new),
        complete=complete,
    )


def _result(run: Run, findings: tuple[Finding, ...], level: Risk, fail_on: Risk | None) -> tuple[Result, int]:
    statuses = {stage.status for stage in run.stages}
    refused = any(item.refuses for item in findings) or StageStatus.FAILED in statuses
    # a stage's own refusal rests on findings; where policy silenced them all, the stage no longer refuses
    if StageStatus.FAILED in statuses and not any(item.refuses for item in findings):
        hard = {"provision", "dry-run", "apply", "smoke"}
        refused = any(stage.status is StageStatus.FAILED and stage.name in hard for stage in run.stages)
    if run.failure is not None:
        return Result.ERROR, run.failure.code_of_exit
    if refused or (fail_on is not None and run.new and level.rank >= fail_on.rank):
        return Result.FAIL, int(ExitCode.REFUSED)
    return Result.PASS, int(ExitCode.PASSED)


def _migration(migration: Migration, run: Run, assessed: dict[str, Assessed]) -> MigrationEvidence:
    seen = run.seen.get(migration.id, MigrationRecord())
    new = migration in run.new
    down = migration.down
    rollback = seen.rollback
    if new and rollback.strategy is Strategy.NONE:
        rollback = replace(rollback, strategy=strategy_of(migration))
    rollback = replace(rollback, statements=source_locations.traced(rollback.statements, migration))
    return MigrationEvidence(
        id=migration.id, new=new, up_path=migration.up_path, down_path=down.file.path if down else None,
        up_sha256=migration.up.file.sha256, down_sha256=down.file.sha256 if down else None, declared=declared_of(migration),
        assessed=assessed.get(migration.id), apply=seen.apply, statements=source_locations.traced(seen.statements, migration), schema_diff=seen.schema_diff,
        rollback=rollback,
    )  # fmt: skip
