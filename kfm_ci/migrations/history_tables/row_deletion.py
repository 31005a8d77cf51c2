"""SQL that deletes a migration's row from the history table of its tool."""

from __future__ import annotations

import hashlib

from kfm_ci.migrations.model import Migration

START = hashlib.sha256(b"kfm-ci/ledger/v1\n").digest()
"""First value of the hash chain of kfm-ci's ledger."""

_TABLES = {
    "diesel": "delete from __diesel_schema_migrations where version = {text}",
    "sqlx": "delete from _sqlx_migrations where version = {number}",
    "dbmate": "delete from schema_migrations where version = {text}",
    "goose": "delete from goose_db_version where version_id = {number}",
    "supabase": "delete from supabase_migrations.schema_migrations where version = {text}",
    "prisma": "delete from _prisma_migrations where migration_name = {id}",
    "flyway": "delete from flyway_schema_history where version = {text}",
    # The head must match the last remaining row, or the next run rejects the ledger. Databases without a ledger must
    # not fail. Dollar quotes keep the command readable within the quotes of a shell.
    "kfm": "do $do$ begin if to_regclass($$kfm_ci.ledger$$) is not null then "
    "delete from kfm_ci.ledger where version = {id}; if found then update kfm_ci.head set position = position - 1, "
    "chain = coalesce((select chain from kfm_ci.ledger order by position desc limit 1), $$\\x" + START.hex() + "$$); "
    "end if; end if; end $do$",
}


def forget(format: str, migration: Migration, previous: Migration | None) -> str | None:
    """Return the SQL that makes a migration pending for its tool; None for a tool with another history table.

    ``previous`` is the migration before it, in the tool's order; None for the first.
    """
    if format == "golang-migrate":
        if previous is None:
            return "delete from schema_migrations"
        return f"update schema_migrations set version = {int(previous.version)}, dirty = false"
    pattern = _TABLES.get(format)
    if pattern is None:
        return None
    number = str(int(migration.version)) if migration.version.isdecimal() else _literal(migration.version)
    return pattern.format(text=_literal(migration.version), number=number, id=_literal(migration.id))


def _literal(text: str) -> str:
    return "'" + text.replace("'", "''") + "'"
