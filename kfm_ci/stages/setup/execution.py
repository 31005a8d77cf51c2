"""Running a migration's script: its ledger row, and the finding when it fails."""

from __future__ import annotations

from functools import partial

from kfm_ci.migrations.model import Migration
from kfm_ci.model import Finding, Mode, Place
from kfm_ci.postgres.ledger import Entry
from kfm_ci.postgres.script_outcome import ScriptOutcome
from kfm_ci.rules.server.execution import MIGRATION_FAILED, NOT_ALLOWED_IN_TRANSACTION
from kfm_ci.sql import transactions
from kfm_ci.sql.script import Script
from kfm_ci.stages.results import BaseDatabase, ExecutableMigration
from kfm_ci.stages.setup import baseline, error_help


def entry_of(base: BaseDatabase, migration: ExecutableMigration) -> Entry:
    """Return the ledger's row for a migration."""
    script = migration.up
    return Entry(
        version=migration.id,
        name=migration.name,
        sha256=script.file.sha256,
        mode=transactions.mode(script),
        run_id="gate",
        git_commit=base.commit,
    )


def failure_finding(base: BaseDatabase, migration: Migration, script: Script, done: ScriptOutcome) -> Finding:
    """Return the finding for a script that failed."""
    outside = done.escaped or done.sqlstate in {"25001", "2D000"}
    consequence = (
        "the statements above it are committed and stay applied"
        if done.mode is Mode.AUTOCOMMIT
        else "the whole file was rolled back"
    )
    missing = partial(baseline.missing_roles, base, script)
    help = error_help.of(done, script, missing=missing, given=base.config.database.roles)
    is_part = done.statement is not None and len(done.statement.text) < len(script.text)
    end = done.statement.end_line if done.statement and is_part else done.line
    return (NOT_ALLOWED_IN_TRANSACTION if outside else MIGRATION_FAILED).finding(
        _message(done),
        help=help or f"Correct the statement; {consequence}.",
        place=Place(file=script.file.path, line=done.line, column=done.column, end_line=end),
        migration=migration.id,
    )


def _message(done: ScriptOutcome) -> str:
    """Return the error of a failed script, attributed to PostgreSQL only when the server returned it."""
    error = done.error or ""
    return f"PostgreSQL returned an error: {error}." if done.sqlstate else f"{error[:1].upper()}{error[1:]}."
