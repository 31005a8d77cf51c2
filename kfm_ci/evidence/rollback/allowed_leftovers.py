"""Objects that a rollback may leave behind: extensions and schemas that the up migration creates with IF NOT EXISTS."""

from __future__ import annotations

from kfm_ci.migrations.model import Migration
from kfm_ci.postgres.catalog import Difference
from kfm_ci.sql import statements
from kfm_ci.sql.identifiers import quote
from kfm_ci.sql.script import Script

_KINDS = {"CreateExtensionStmt": ("extension", "extname"), "CreateSchemaStmt": ("schema", "schemaname")}


def allowed_leftovers(migration: Migration, difference: Difference) -> tuple[str, ...]:
    """Return the extensions and schemas left behind that may have existed before the migration, with their comments.

    After ``CREATE EXTENSION IF NOT EXISTS`` a rollback that drops the extension can break other users of it.
    """
    left = frozenset(name for name in difference.added if "extension " in name or name.startswith("schema "))
    if not left or not isinstance(migration.up, Script):
        return ()
    created = [f"{kind} {quote(name)}" for kind, name in sorted(_created_if_missing(migration.up))]
    return tuple(name for one in created for name in (one, f"comment {one}") if name in left)


def _created_if_missing(script: Script) -> set[tuple[str, str]]:
    found: set[tuple[str, str]] = set()
    for part in statements.of(script):
        try:
            trees = statements.parse(part.text)
        except statements.SyntaxProblem:
            continue
        found |= {
            (_KINDS[tree.tag][0], tree.text(_KINDS[tree.tag][1]))
            for tree in trees
            if tree.tag in _KINDS and tree.flag("if_not_exists")
        }
    return found
