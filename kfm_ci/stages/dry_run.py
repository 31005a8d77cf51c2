"""Stage ``dry-run``: new migrations run and are rolled back; the schema must be as before."""

from __future__ import annotations

from kfm_ci.migrations import transactions
from kfm_ci.model import Finding, Hazard, Mode, Outcome, Place, Severity
from kfm_ci.postgres import apply, catalog
from kfm_ci.postgres.session import reset
from kfm_ci.stages.base import Failed, Run, Skip
from kfm_ci.stages.provision import refusal, script_of


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
            before = catalog.read(connection)
            for migration in run.new:
                script = script_of(migration)
                reset(connection)
                if transactions.mode(script) is Mode.AUTOCOMMIT:
                    outside += 1
                else:
                    done = apply.run(connection, script, entry=None, keep=False)
                    if done.outcome is Outcome.FAILED:
                        run.findings.append(refusal(migration, script, done))
                        raise Failed(f"{migration.id}: {done.error}")
                    reset(connection)
                    after = catalog.read(connection)
                    if after.digest != before.digest:
                        run.findings.append(_trace(migration.id, script.file.path))
                        raise Failed(f"{migration.id} left traces behind after it was rolled back")
                done = apply.run(connection, script, entry=None)
                if done.outcome is Outcome.FAILED:
                    run.findings.append(refusal(migration, script, done))
                    raise Failed(f"{migration.id}: {done.error}")
                reset(connection)
                before = catalog.read(connection)
        run.unseeded = name
        return f"{outside} outside a transaction" if outside else None


def _trace(migration: str, path: str) -> Finding:
    return Finding(rule="dry-run-left-traces", hazard=Hazard.TRANSACTION, severity=Severity.ERROR, migration=migration,
                   message="the schema differs after the migration was rolled back: something in it escapes the transaction",
                   help="look for COMMIT in procedures, dblink, or other ways out", place=Place(file=path, line=1))  # fmt: skip
