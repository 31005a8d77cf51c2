"""Running a migration's script: its ledger row, and the finding when PostgreSQL returns an error."""

from __future__ import annotations

from functools import partial

from kfm_ci.errors import CannotCheck
from kfm_ci.migrations.model import Migration
from kfm_ci.model import Finding, Hazard, Mode, Place, Severity
from kfm_ci.postgres.ledger import Entry
from kfm_ci.postgres.run_script import Applied
from kfm_ci.sql.script import Script
from kfm_ci.stages.run import Run
from kfm_ci.stages.setup import baseline, error_help


def script_of(migration: Migration) -> Script:
    """Return a migration's SQL; raises CannotCheck for one that a foreign tool must run."""
    if isinstance(migration.up, Script):
        return migration.up
    raise CannotCheck(code="KFM-C20", message="no runner for this tool's migrations", where=migration.up_path)


def entry_of(run: Run, migration: Migration) -> Entry:
    """Return the ledger's row for a migration."""
    from kfm_ci.sql import transactions

    script = script_of(migration)
    return Entry(version=migration.id, name=migration.name, sha256=script.file.sha256, mode=transactions.mode(script),
                 run_id="gate", git_commit=run.commit)  # fmt: skip


def refusal(run: Run, migration: Migration, script: Script, done: Applied) -> Finding:
    """Return the finding for a script that the server refused."""
    rule, hazard = "migration-failed", Hazard.MIGRATION_ERROR
    if done.escaped or done.sqlstate in {"25001", "2D000"}:
        rule, hazard = "not-allowed-in-transaction", Hazard.TRANSACTION
    kept = (
        "what stands above it is committed and stays"
        if done.mode is Mode.AUTOCOMMIT
        else "nothing of the file was kept"
    )
    help = (
        error_help.of(
            done, script, missing=partial(baseline.missing_roles, run, script), given=run.config.database.roles
        )
        or f"mend the statement; {kept}"
    )
    place = Place(file=script.file.path, line=done.line, column=done.column,
                  end_line=done.statement.end_line if done.statement and len(done.statement.text) < len(script.text) else done.line)  # fmt: skip
    return Finding(rule=rule, hazard=hazard, severity=Severity.ERROR, message=f"PostgreSQL refused it: {done.error}",
                   help=help, place=place, migration=migration.id)  # fmt: skip
