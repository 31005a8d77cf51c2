"""Stage ``dry-run``: new migrations run and are rolled back; the schema must be as before."""

from __future__ import annotations

from kfm_ci.model import Finding, Hazard, Mode, Outcome, Place, Severity
from kfm_ci.postgres import catalog, commit_detection, run_script, sequences
from kfm_ci.postgres.catalog import Catalog
from kfm_ci.postgres.engines.base import Server
from kfm_ci.postgres.session import reset
from kfm_ci.sql import transactions
from kfm_ci.stages.run import Run
from kfm_ci.stages.setup import single_transaction
from kfm_ci.stages.setup.execution import refusal, script_of
from kfm_ci.stages.stage import Failed, Skip


class DryRun:
    """Proves that what is rolled back leaves no trace."""

    name = "dry-run"

    def run(self, run: Run) -> str | None:
        """Run each new migration on a clone of the base, check that rolling back restores the schema, then keep it."""
        if run.server is None or run.base_database is None or run.status("provision") != "passed":
            raise Skip("there is no base to run on")
        name = run.server.create_database("dry_run", template=run.base_database)
        outside = 0
        with run.connect(name) as connection:
            for number, migration in enumerate(run.new):
                script = script_of(migration)
                reset(connection)
                if transactions.mode(script) is Mode.AUTOCOMMIT:
                    outside += 1
                else:
                    since = commit_detection.moment(connection)
                    # what a tool sent names values that sequences gave it; they must be given again
                    stood = sequences.standing(connection) if script.recorded else ()
                    done = run_script.run(connection, script, entry=None, keep=False)
                    if done.outcome is Outcome.FAILED:
                        run.findings.append(refusal(run, migration, script, done))
                        raise Failed(f"{migration.id}: {done.error}")
                    reset(connection)
                    if stood:
                        sequences.restore(connection, sequences.moved(stood, sequences.standing(connection)))
                    if not commit_detection.untouched(connection, since):
                        self._compare(run, run.server, catalog.read(connection), number)
                done = run_script.run(connection, script, entry=None)
                if done.outcome is Outcome.FAILED:
                    run.findings.append(refusal(run, migration, script, done))
                    raise Failed(f"{migration.id}: {done.error}")
        single_transaction.run(run, run.server)
        run.unseeded = name
        return f"{outside} outside a transaction" if outside else None

    def _compare(self, run: Run, server: Server, now: Catalog, number: int) -> None:
        """Something was committed meanwhile: hold the schema against one made without this migration's dry run."""
        name = server.create_database("dry_run_before", template=run.base_database)
        with run.connect(name) as connection:
            for earlier in run.new[:number]:
                run_script.run(connection, script_of(earlier), entry=None)
                reset(connection)
            before = catalog.read(connection)
        server.drop_database(name)
        if now.digest != before.digest:
            migration = run.new[number]
            run.findings.append(_trace(migration.id, migration.up_path))
            raise Failed(f"{migration.id} left traces behind after it was rolled back")


def _trace(migration: str, path: str) -> Finding:
    return Finding(rule="dry-run-not-rolled-back", hazard=Hazard.TRANSACTION, severity=Severity.ERROR, migration=migration,
                   message="the schema differs after the migration was rolled back: something in it escapes the transaction",
                   help="look for COMMIT in procedures, dblink, or other ways out", place=Place(file=path, line=1))  # fmt: skip
