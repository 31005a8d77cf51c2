"""What a way back does well to leave: extensions and schemas that the up made only where they were missing."""

from __future__ import annotations

from kfm_ci.migrations.model import Migration
from kfm_ci.postgres.catalog import Difference
from kfm_ci.sql import statements
from kfm_ci.sql.identifiers import quote
from kfm_ci.sql.script import Script

_KINDS = {"CreateExtensionStmt": ("extension", "extname"), "CreateSchemaStmt": ("schema", "schemaname")}


def kept(migration: Migration, difference: Difference) -> tuple[str, ...]:
    """Return the extensions and schemas left behind of which the migration does not know whether they were there before it.

    After `create extension if not exists` a way back that drops the extension can take it from others who use it.
    """
    left = frozenset(name for name in difference.added if "extension " in name or name.startswith("schema "))
    if not left or not isinstance(migration.up, Script):
        return ()
    made = [f"{kind} {quote(name)}" for kind, name in sorted(_made_if_missing(migration.up))]
    return tuple(name for one in made for name in (one, f"comment {one}") if name in left)


def _made_if_missing(script: Script) -> set[tuple[str, str]]:
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
