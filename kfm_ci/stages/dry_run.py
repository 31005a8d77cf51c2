"""Stage ``dry-run``: new migrations run and are rolled back; the schema must be unchanged."""

from __future__ import annotations

from kfm_ci.model import Finding, Mode, Outcome, Place
from kfm_ci.postgres import catalog, commit_detection, run_script, sequences
from kfm_ci.postgres.catalog import Catalog
from kfm_ci.postgres.session import Session, reset
from kfm_ci.rules.server.execution import DRY_RUN_NOT_ROLLED_BACK
from kfm_ci.sql import transactions
from kfm_ci.stages.gate_input import GateInput
from kfm_ci.stages.results import DryRunResult, ExecutableMigration, Provisioned
from kfm_ci.stages.setup.execution import failure_finding
from kfm_ci.stages.setup.single_transaction import check_single_transaction
from kfm_ci.stages.stage import Failed, Results, StageOutcome


class DryRun:
    """Proves that a rollback of the transaction leaves no trace."""

    name = "dry-run"

    def run(self, given: GateInput, done: Results) -> StageOutcome:
        """Run each new migration on a clone of the base, compare the schema after its rollback, then apply it there."""
        base = done.need(Provisioned, "The base could not be built.")
        name = base.server.create_database("dry_run", template=base.base_database)
        outside = 0
        with base.connect(name) as connection:
            for number, migration in enumerate(base.new):
                reset(connection)
                if transactions.mode(migration.up) is Mode.AUTOCOMMIT:
                    outside += 1
                else:
                    _run_and_roll_back(base, connection, number)
                applied = run_script.apply(connection, migration.up)
                if applied.outcome is Outcome.FAILED:
                    finding = failure_finding(base, migration, migration.up, applied)
                    raise Failed(f"`{migration.id}` fails: {applied.error}.", StageOutcome(findings=(finding,)))
        findings = check_single_transaction(base)
        message = f"{outside} outside a transaction" if outside else None
        return StageOutcome(result=DryRunResult(unseeded=name), findings=findings, message=message)


def _run_and_roll_back(base: Provisioned, connection: Session, number: int) -> None:
    migration = base.new[number]
    since = commit_detection.current(connection)
    # recorded SQL contains values of sequences, so the sequences must return these again
    before = sequences.read_all(connection) if migration.up.recorded else ()
    ran = run_script.dry_run(connection, migration.up)
    if ran.outcome is Outcome.FAILED:
        finding = failure_finding(base, migration, migration.up, ran)
        raise Failed(f"`{migration.id}` fails: {ran.error}.", StageOutcome(findings=(finding,)))
    reset(connection)
    if before:
        sequences.restore(connection, sequences.find_moved(before, sequences.read_all(connection)))
    if not commit_detection.is_unchanged(connection, since):
        _compare_schema(base, catalog.read(connection), number)


def _compare_schema(base: Provisioned, now: Catalog, number: int) -> None:
    """Compare the schema after a commit was detected with one that was made without this migration's dry run."""
    name = base.server.create_database("dry_run_before", template=base.base_database)
    with base.connect(name) as connection:
        for earlier in base.new[:number]:
            run_script.apply(connection, earlier.up)
            reset(connection)
        before = catalog.read(connection)
    base.server.drop_database(name)
    if now.digest != before.digest:
        migration = base.new[number]
        outcome = StageOutcome(findings=(_not_rolled_back(migration),))
        raise Failed(f"The dry run of `{migration.id}` is not rolled back completely.", outcome)


def _not_rolled_back(migration: ExecutableMigration) -> Finding:
    return DRY_RUN_NOT_ROLLED_BACK.finding(
        "The schema differs after the transaction was rolled back: a statement commits outside of it.",
        help="Remove COMMIT in procedures, dblink calls and other commits from the migration.",
        place=Place(file=migration.up_path, line=1),
        migration=migration.id,
    )
