"""Synthetic evidence: a calm change, a dangerous one, and one made of hostile strings."""

from __future__ import annotations

from dataclasses import replace

from kfm_ci.evidence.model import (
    ApplyEvidence,
    Assessed,
    Declared,
    EngineEvidence,
    Evidence,
    MigrationEvidence,
    ObjectChange,
    RollbackEvidence,
    SchemaDiff,
    Seeding,
    SmokeEvidence,
    SourceEvidence,
    StageEvidence,
)
from kfm_ci.evidence.statement_evidence import (
    Lock,
    LockEvidence,
    LockMode,
    StatementEffects,
    StatementEvidence,
    Timeouts,
)
from kfm_ci.evidence.tables import Column, Table
from kfm_ci.model import (
    Acknowledgement,
    Digest,
    Finding,
    Hazard,
    LinterIdentity,
    Mode,
    Outcome,
    Phase,
    Place,
    Proof,
    Result,
    Risk,
    Rollout,
    Severity,
    StageStatus,
    Strategy,
    Verdict,
)

UP = "migrations/db/20260225_1200__widen_orders.up.sql"
DOWN = "migrations/db/20260225_1200__widen_orders.down.sql"
STAGES = ("validate", "provision", "dry-run", "apply", "rollback", "smoke", "checksums")


def digest(text: str) -> Digest:
    return Digest.of(text.encode("utf-8", "surrogatepass"))


def lock(relation: str, mode: LockMode, *, preexisting: bool = True, kind: str = "table") -> Lock:
    return Lock(relation=relation, mode=mode, preexisting=preexisting, kind=kind)


def stages(**status: StageStatus) -> tuple[StageEvidence, ...]:
    return tuple(
        StageEvidence(
            name=name, status=status.get(name.replace("-", "_"), StageStatus.PASSED), duration_ms=10.5 * (number + 1)
        )
        for number, name in enumerate(STAGES)
    )


def base_migration() -> MigrationEvidence:
    return MigrationEvidence(
        id="20260101_0900__create_orders",
        new=False,
        up_path="migrations/db/20260101_0900__create_orders.up.sql",
        down_path=None,
        up_sha256=digest("base"),
        down_sha256=None,
    )


def widening() -> MigrationEvidence:
    statements = (
        StatementEvidence(
            line=12,
            end_line=14,
            kind="ALTER TABLE",
            duration_ms=42.5,
            locks=LockEvidence(
                taken=(
                    lock("public.orders", LockMode.ACCESS_EXCLUSIVE),
                    lock("public.orders_pkey", LockMode.ACCESS_EXCLUSIVE, kind="index"),
                )
            ),
            effects=StatementEffects(rewrites=("public.orders",), scans=("public.orders",)),
            timeouts=Timeouts(lock_ms=2000),
        ),
        StatementEvidence(
            line=16,
            end_line=16,
            kind="UPDATE",
            duration_ms=8.25,
            locks=LockEvidence(
                taken=(lock("public.customers", LockMode.ROW_EXCLUSIVE),),
                held=(lock("public.orders", LockMode.ACCESS_EXCLUSIVE),),
            ),
            rows=120,
        ),
        StatementEvidence(
            line=18,
            end_line=19,
            kind="CREATE TABLE",
            duration_ms=1.25,
            locks=LockEvidence(taken=(lock("public.notes", LockMode.ACCESS_EXCLUSIVE, preexisting=False),)),
        ),
    )
    down = StatementEvidence(
        line=1,
        end_line=1,
        kind="ALTER TABLE",
        duration_ms=30.0,
        locks=LockEvidence(taken=(lock("public.orders", LockMode.ACCESS_EXCLUSIVE),)),
    )
    return MigrationEvidence(
        id="20260225_1200__widen_orders",
        new=True,
        up_path=UP,
        down_path=DOWN,
        up_sha256=digest("up"),
        down_sha256=digest("down"),
        declared=Declared(
            risk=Risk.LOW,
            rollout=Rollout.SAFE,
            rollback=Strategy.DOWN,
            owner="payments-team",
            ticket="https://github.com/acme/app/issues/12",
            phase=Phase.EXPAND,
            impact="Order totals may exceed two billion.",
        ),
        assessed=Assessed(
            risk=Risk.HIGH, rollout=Rollout.WINDOW, reasons=("table-rewrite: public.orders is rewritten",)
        ),
        apply=ApplyEvidence(outcome=Outcome.APPLIED, mode=Mode.TRANSACTION, duration_ms=52.0),
        statements=statements,
        schema_diff=SchemaDiff(
            added=("table public.notes", "column public.notes.body"),
            changed=(ObjectChange(name="column public.orders.total", before="integer", after="bigint"),),
            removed=("index public.orders_total_idx",),
        ),
        rollback=RollbackEvidence(
            strategy=Strategy.DOWN,
            proof=Proof.FAILED,
            schema_restored=False,
            data_restored=True,
            message="index public.orders_total_idx did not come back",
            price=("rolling back loses public.notes.body for rows written since",),
            commands=('psql "$DATABASE_URL" --no-psqlrc --set ON_ERROR_STOP=1 --single-transaction --file x.down.sql',),
            statements=(down,),
            difference=SchemaDiff(removed=("index public.orders_total_idx",)),
        ),
    )


def dangerous() -> Evidence:
    """A change that is refused: a rewrite under a lock, a way back that does not restore, a failed smoke test."""
    migration = widening()
    findings = (
        Finding(
            rule="lock-without-timeout",
            hazard=Hazard.TIMEOUT,
            severity=Severity.WARNING,
            message="no lock_timeout is in effect",
            place=Place(file=UP, line=16),
            migration=migration.id,
        ),
        Finding(
            rule="observed-rewrite",
            hazard=Hazard.TABLE_REWRITE,
            severity=Severity.ERROR,
            verdict=Verdict.CONFIRMED,
            message="public.orders was rewritten while readers and writers wait",
            place=Place(file=UP, line=12, column=1, end_line=14),
            migration=migration.id,
            help="add a bigint column, copy in batches, swap the names",
            docs="https://github.com/kfm-ci/kfm-ci/blob/main/docs/rules/observed-rewrite.md",
        ),
        Finding(
            rule="rollback-differs",
            hazard=Hazard.ROLLBACK_UNPROVEN,
            severity=Severity.ERROR,
            message="the down leaves the schema different",
            place=Place(file=DOWN, line=1),
            migration=migration.id,
        ),
        Finding(
            rule="index-not-concurrent",
            hazard=Hazard.BLOCKS_WRITES,
            severity=Severity.ERROR,
            message="an index is built while writers wait",
            place=Place(file=UP, line=18),
            migration=migration.id,
            acknowledged=Acknowledgement(reason="table has 40 rows in production"),
        ),
        Finding(
            rule="maybe-scan",
            hazard=Hazard.FULL_SCAN,
            severity=Severity.ERROR,
            verdict=Verdict.REFUTED,
            message="a scan was suspected",
            place=Place(file=UP, line=18),
        ),
    )
    return Evidence(
        result=Result.FAIL,
        exit_code=1,
        tool_version="0.1.0",
        source=SourceEvidence(git_sha="a" * 40, base_sha="b" * 40, tree_clean=True),
        format="kfm",
        directory="migrations/db",
        engine=EngineEvidence(kind="embedded", server_version="17.5", detail="/usr/lib/postgresql/17/bin"),
        linter=LinterIdentity(name="squawk", version="2.70.0", sha256=digest("squawk")),
        started_on="2026-02-25T12:00:00Z",
        finished_on="2026-02-25T12:00:09Z",
        stages=stages(rollback=StageStatus.FAILED, smoke=StageStatus.FAILED),
        risk=Risk.HIGH,
        risk_reasons=("table-rewrite: public.orders is rewritten",),
        migrations=(base_migration(), migration),
        findings=findings,
        smoke=(
            SmokeEvidence(name="smoke/orders.sql:1", passed=True),
            SmokeEvidence(name="smoke/totals.sql:3", passed=False, message="first column is false"),
        ),
        plan=((UP, digest("up")),),
        plan_sha256=digest("plan"),
        files=((UP, digest("up")), (DOWN, digest("down")), ("kfm-ci.toml", digest("config"))),
        schema_before=digest("before"),
        schema_after=digest("after"),
        tables=(
            Table(
                name="public.orders",
                columns=(
                    Column(name="id", type="bigint", key="PK"),
                    Column(name="customer_id", type="integer", key="FK"),
                    Column(name="total", type="numeric(10,2)"),
                ),
                references=("public.customers",),
            ),
            Table(name="public.customers", columns=(Column(name="id", type="integer", key="PK"),)),
        ),
        seeding=Seeding(seed=7, tables=(("public.orders", 120),), unseeded=(("public.odd", "unsatisfiable check"),)),
        suppressed={"acknowledged": 1, "refuted": 1},
    )


def calm() -> Evidence:
    """A change that passes: a new table, proven to go away again."""
    migration = widening()
    quiet = replace(
        migration,
        id="20260226_0800__add_notes",
        assessed=Assessed(risk=Risk.LOW, rollout=Rollout.SAFE),
        statements=migration.statements[2:],
        schema_diff=SchemaDiff(added=("table public.notes",)),
        rollback=RollbackEvidence(
            strategy=Strategy.DOWN,
            proof=Proof.PROVEN,
            schema_restored=True,
            data_restored=True,
            statements=migration.rollback.statements,
        ),
    )
    return replace(
        dangerous(),
        result=Result.PASS,
        exit_code=0,
        stages=stages(),
        risk=Risk.LOW,
        risk_reasons=(),
        migrations=(base_migration(), quiet),
        findings=(),
        smoke=(SmokeEvidence(name="smoke/orders.sql:1", passed=True),),
        suppressed={},
    )


def nothing_new() -> Evidence:
    """A run that had nothing to judge."""
    return Evidence(
        result=Result.PASS,
        exit_code=0,
        tool_version="0.1.0",
        format="kfm",
        stages=(StageEvidence(name="validate", status=StageStatus.PASSED, duration_ms=1.0),),
        migrations=(base_migration(),),
    )


def hostile(text: str, *, copies: int = 1) -> Evidence:
    """The dangerous change with one text wherever a pull request can put one."""
    evidence, migration = dangerous(), widening()
    statements = tuple(
        replace(
            item,
            kind=text,
            locks=replace(item.locks, taken=(lock(text, LockMode.ACCESS_EXCLUSIVE),)),
            effects=replace(item.effects, rewrites=(text,), scans=(text,), index_builds=(text,)),
            proofs=(text,),
            error=text,
        )
        for item in migration.statements
    )
    bad = replace(
        migration,
        id=text,
        up_path=text,
        down_path=text,
        declared=replace(migration.declared, owner=text, ticket=text, impact=text, ops=text),
        assessed=Assessed(risk=Risk.HIGH, rollout=Rollout.WINDOW, reasons=(text,)),
        apply=ApplyEvidence(outcome=Outcome.FAILED, duration_ms=1.0, error=text),
        statements=statements,
        schema_diff=SchemaDiff(
            added=(text,), changed=(ObjectChange(name=text, before=text, after=text),), removed=(text,)
        ),
        rollback=replace(migration.rollback, message=text, price=(text,), commands=(text,), statements=statements),
    )
    findings = tuple(
        replace(
            item,
            message=text,
            help=text,
            docs=text,
            migration=text,
            place=Place(file=text, line=1, column=1, end_line=2),
            acknowledged=Acknowledgement(reason=text) if item.acknowledged else None,
        )
        for item in evidence.findings
    )
    return replace(
        evidence,
        format=text,
        directory=text,
        engine=EngineEvidence(kind="service", server_version=text, detail=text),
        stages=tuple(replace(item, message=text) for item in evidence.stages),
        risk_reasons=(text,),
        migrations=(bad,) * copies,
        findings=findings * copies,
        smoke=(SmokeEvidence(name=text, passed=False, message=text),),
        tables=(Table(name=text, columns=(Column(name=text, type=text, key="PK"),), references=(text,)),),
        seeding=Seeding(seed=1, tables=((text, 1),), unseeded=((text, text),)),
        suppressed={text: 1},
        failure=text,
    )
