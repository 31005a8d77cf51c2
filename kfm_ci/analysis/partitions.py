"""Partitioned tables in SQL text: which there are, and how one gets an index without blocking writes."""

from __future__ import annotations

import re
from collections.abc import Iterable, Sequence

from kfm_ci.migrations.model import Migration
from kfm_ci.sql import statements
from kfm_ci.sql.identifiers import quote
from kfm_ci.sql.parse_tree import Node
from kfm_ci.sql.script import Script

_PARTITIONED = re.compile(r"\bpartition\s+by\b", re.IGNORECASE)


def has_partitions(relation: Node, migrations: Iterable[Migration]) -> bool:
    """Whether a migration creates a partitioned table of that name."""
    schema, name = relation.text("schemaname") or "public", relation.text("relname")
    for migration in migrations:
        if not isinstance(migration.up, Script) or name not in migration.up.text:
            continue
        for statement in statements.of(migration.up):
            if name not in statement.text or not _PARTITIONED.search(statement.text):
                continue
            try:
                trees = statements.parse(statement.text)
            except statements.SyntaxProblem:
                continue
            for tree in trees:
                made = tree.one("relation") if tree.tag == "CreateStmt" and tree.one("partspec") is not None else None
                if made is not None and (made.text("schemaname") or "public", made.text("relname")) == (schema, name):
                    return True
    return False


def index(tree: Node | None, partitions: Sequence[str] = (), *, outside: str) -> str:
    """Return how to build an index on a partitioned table without blocking writes.

    ``tree`` is the CREATE INDEX on the parent, ``partitions`` are the known partitions;
    ``outside`` says where the tool runs SQL outside a transaction.
    """
    relation = tree.one("relation") if tree is not None else None
    names = (relation.text("schemaname"), relation.text("relname")) if relation is not None else ()
    table = ".".join(quote(part) for part in names if part) or "…"
    elements = tree.many("index_params") if tree is not None else ()
    columns = ", ".join(quote(item.text("name")) if item.text("name") else "…" for item in elements) or "…"
    unique = "unique " if tree is not None and tree.flag("unique") else ""
    parent = (tree.text("idxname") if tree is not None else "") or (f"{names[-1]}_idx" if names else "…")
    first = partitions[0] if partitions else "…"
    last = first.rpartition(".")[2].strip('"')
    part = quote(f"{last}_{parent}"[:63]) if partitions and names else "…"
    parent = quote(parent) if names else parent
    more = f", and so for all {len(partitions)} partitions" if len(partitions) > 1 else " for every partition"
    return (
        "`CREATE INDEX CONCURRENTLY` does not work on a partitioned table. First write "
        f"`create {unique}index {parent} on only {table} ({columns});`; then, {outside}, "
        f"`create {unique}index concurrently {part} on {first} ({columns});`{more}; last `alter index {parent} attach "
        f"partition {part};` for each; the last one makes the whole index valid."
    )
