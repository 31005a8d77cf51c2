"""Stage ``apply``: new migrations run for good, each statement observed; a second apply must be a no-op."""

from __future__ import annotations

from contextlib import closing
from dataclasses import dataclass, replace

from kfm_ci.evidence import privilege_reading, rollback, schema_diff, unindexed_foreign_keys
from kfm_ci.evidence.model import ApplyEvidence
from kfm_ci.evidence.observation import session_snapshot
from kfm_ci.evidence.observation.observer import Observer
from kfm_ci.evidence.privileges import Rights
from kfm_ci.evidence.rollback.model import State
from kfm_ci.evidence.row_evidence import RowEvidence
from kfm_ci.evidence.row_tracker import RowTracker
from kfm_ci.evidence.tables import ForeignKey, Table
from kfm_ci.model import Finding, Outcome
from kfm_ci.postgres import catalog, ledger, run_script
from kfm_ci.postgres.catalog import Catalog
from kfm_ci.postgres.script_outcome import ScriptOutcome
from kfm_ci.postgres.session import Session, reset
from kfm_ci.rules.server.execution import DATA_DEPENDENT_FAILURE
from kfm_ci.stages.data_checks.schema_divergence import check_divergence
from kfm_ci.stages.data_checks.seeded_base import SeededBase
from kfm_ci.stages.data_checks.swallowed_exceptions import check_handlers
from kfm_ci.stages.gate_input import GateInput
from kfm_ci.stages.results import (
    ApplyProgress,
    ApplyResult,
    DryRunResult,
    ExecutableMigration,
    MigrationRecord,
    Provisioned,
)
from kfm_ci.stages.setup.execution import entry_of, failure_finding
from kfm_ci.stages.stage import Failed, Results, StageOutcome, keeping


@dataclass(frozen=True, slots=True, kw_only=True)
class _Applied:
    """One attempt to apply all new migrations."""

    catalog: Catalog
    tables: tuple[Table, ...]
    unindexed: tuple[ForeignKey, ...]
    failure: tuple[ExecutableMigration, ScriptOutcome] | None


class Apply:
    """Runs the new migrations as production will, observed."""

    name = "apply"

    def run(self, given: GateInput, done: Results) -> StageOutcome:
        """Apply each new migration to a base with rows; no migration runs after a failed one.

        A migration that fails on rows only is reported, and applied again without these rows.
        """
        base = done.need(Provisioned, "The base could not be built.")
        dry_run = done.get(DryRunResult)
        seeded = SeededBase(base=base, unseeded=dry_run.unseeded if dry_run else None, earlier=done.findings)
        records: dict[str, MigrationRecord] = {}
        result: ApplyProgress = ApplyProgress(records={}, seeding=None)

        def outcome() -> StageOutcome:
            progress = replace(result, records=dict(records))
            return StageOutcome(result=progress, findings=seeded.findings, superseded=seeded.superseded)

        with keeping(outcome):
            while True:
                records.clear()
                origin = seeded.prepare()
                result = ApplyProgress(records={}, seeding=seeded.seeding)
                name = base.server.create_database("apply", template=origin)
                attempt = _apply_all(base, name, records, seeded)
                if attempt.failure is None or not seeded.exclude_offending_rows(*attempt.failure, name):
                    break
            result = applied = ApplyResult(
                records=dict(records),
                seeding=seeded.seeding,
                database=name,
                seeded_base=origin,
                catalog=attempt.catalog,
                tables=attempt.tables,
                unindexed=attempt.unindexed,
            )
            if attempt.failure is not None:
                seeded.replace_dry_run_finding(_failure(base, attempt.failure))
                raise Failed(f"`{attempt.failure[0].id}` fails.")
            if dry_run is not None:
                seeded.add(check_divergence(base, applied, dry_run))
                seeded.add(check_handlers(base, applied, dry_run, (*done.findings, *seeded.findings)))
        dependent = sum(item.rule == DATA_DEPENDENT_FAILURE.id for item in seeded.findings)
        on_data = f"; {dependent} statement{'s' if dependent > 1 else ''} failed on synthetic rows" if dependent else ""
        return StageOutcome(
            result=applied,
            findings=seeded.findings,
            superseded=seeded.superseded,
            message=f"{len(base.new)} applied{on_data}",
        )


def _failure(base: Provisioned, failure: tuple[ExecutableMigration, ScriptOutcome]) -> Finding:
    migration, applied = failure
    return failure_finding(base, migration, migration.up, applied)


def _apply_all(base: Provisioned, name: str, records: dict[str, MigrationRecord], seeded: SeededBase) -> _Applied:
    """Apply all and write a record of each; migrations after a failed one get an empty record."""
    failure: tuple[ExecutableMigration, ScriptOutcome] | None = None
    with (
        base.connect(name) as connection,
        base.connect(name) as aside,
        base.connect(name, admin=True) as monitoring,
        closing(Observer(monitoring, session_snapshot.existing(connection))) as observer,
        closing(_track_rows(base, name, seeded)) as rows,
    ):
        unindexed_before = frozenset(unindexed_foreign_keys.read_unindexed(connection))
        state = rollback.capture(aside)
        rights = privilege_reading.read(aside)
        for migration in base.new:
            if failure:
                records[migration.id] = MigrationRecord()
                continue
            applied, record, state = _apply_one(base, migration, connection, aside, observer, state)
            now = privilege_reading.read(aside, rights)
            records[migration.id] = replace(
                record, rows=_compare_rows(rows, record), rights=Rights(before=rights, after=now)
            )
            rights = now
            if applied.outcome is Outcome.FAILED:
                failure = (migration, applied)
        reset(connection)
        # the receipt contains its digest, so it is read as a whole, in a session that has run nothing else
        with base.connect(name) as fresh:
            final = catalog.read(fresh)
        unindexed = tuple(
            item for item in unindexed_foreign_keys.read_unindexed(connection) if item not in unindexed_before
        )
        tables: tuple[Table, ...] = ()
        if failure is None:
            _check_second_apply(base, ledger.applied_versions(connection))
            changed = schema_diff.changed_tables(schema_diff.diff(base.base_catalog, final), final)
            tables = schema_diff.read_neighbourhood(connection, changed)
    return _Applied(catalog=final, tables=tables, unindexed=unindexed, failure=failure)


def _track_rows(base: Provisioned, name: str, seeded: SeededBase) -> RowTracker:
    return RowTracker(
        lambda database: base.connect(database, admin=True),
        origin=seeded.origin,
        database=name,
        unseeded=seeded.reasons,
    )


def _compare_rows(rows: RowTracker, record: MigrationRecord) -> RowEvidence:
    if record.apply.outcome is not Outcome.APPLIED or record.before is None or record.after is None:
        return RowEvidence()
    return rows.compare(record.before, record.after)


def _apply_one(
    base: Provisioned,
    migration: ExecutableMigration,
    connection: Session,
    aside: Session,
    observer: Observer,
    before: State,
) -> tuple[ScriptOutcome, MigrationRecord, State]:
    observer.reset()
    reset(connection)
    base.note("migration-attempted", migration=migration.id, sha256=migration.up.file.sha256.hex)
    applied = run_script.apply(connection, migration.up, entry=entry_of(base, migration), watcher=observer, traced=True)
    base.note("migration-ended", migration=migration.id, outcome=applied.outcome.value)
    reset(connection)
    after = before
    if applied.outcome is Outcome.APPLIED:
        after = rollback.capture(aside, since=before, touched=applied.touched)
    evidence = ApplyEvidence(
        outcome=applied.outcome,
        mode=applied.mode,
        duration_ms=round(applied.duration_ms, 3),
        error=applied.error,
    )
    record = MigrationRecord(
        apply=evidence,
        statements=observer.evidence,
        schema_diff=schema_diff.diff(before.catalog, after.catalog),
        before=before,
        after=after,
    )
    return applied, record, after


def _check_second_apply(base: Provisioned, applied: tuple[str, ...]) -> None:
    """Raise Failed unless the ledger has every new migration, so that a second apply finds nothing pending."""
    pending = [item.id for item in base.new if item.id not in applied]
    if pending:
        raise Failed(f"The ledger does not contain `{pending[0]}` after it was applied.")
