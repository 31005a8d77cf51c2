"""The safe alternative to a statement, with its own names."""

from __future__ import annotations

from kfm_ci.analysis import partitions as partitioned
from kfm_ci.assess.case import Step
from kfm_ci.evidence.statement_evidence import StatementEvidence
from kfm_ci.sql import deparse
from kfm_ci.sql.identifiers import quote
from kfm_ci.sql.parse_tree import Node

_REINDEXED = {
    "REINDEX_OBJECT_INDEX": "index",
    "REINDEX_OBJECT_TABLE": "table",
    "REINDEX_OBJECT_SCHEMA": "schema",
    "REINDEX_OBJECT_DATABASE": "database",
}
WINDOW = "Declare `rollout: requires-maintenance-window`, or copy the rows to a new table and swap the two."


def partitions(seen: StatementEvidence) -> tuple[str, ...]:
    """Return the partitions on which a statement builds an index; none for a single table."""
    parts = {lock.relation for lock in seen.locks.all if lock.kind == "partition"}
    return tuple(name for name in seen.effects.scans if name in parts) if len(seen.effects.index_builds) > 1 else ()


def instead(step: Step, outside: str) -> str | None:
    """Return the alternative to a blocking statement; None when none is known.

    ``outside`` says where the tool's files run outside a transaction.
    """
    for tree in step.trees:
        if tree.tag == "IndexStmt":
            found = partitions(step.seen)
            if found:
                return partitioned.index(tree, found, outside=outside)
            return f"Write `{deparse.concurrently(tree)};` {outside}."
        if tree.tag == "AlterTableStmt":
            return _alter_table(tree, outside)
        if tree.tag == "DropStmt" and tree.choice("remove_type") == "OBJECT_INDEX":
            names = ", ".join(".".join(map(quote, item.strings("items"))) for item in tree.many("objects"))
            return f"Write `drop index concurrently {names};` {outside}."
        if tree.tag == "ReindexStmt":
            what = _REINDEXED.get(tree.choice("kind"), "…")
            name = _table(tree) if tree.one("relation") is not None else quote(tree.text("name") or "…")
            return f"Write `reindex {what} concurrently {name};` {outside}."
        if tree.tag == "RefreshMatViewStmt":
            return f"Create a unique index on it and write `refresh materialized view concurrently {_table(tree)};`."
        if tree.tag in {"UpdateStmt", "DeleteStmt", "MergeStmt"}:
            return "Change the rows in batches, in a separate migration after the schema change."
        if tree.tag in {"VacuumStmt", "ClusterStmt"}:
            return f"{WINDOW} Or use `pg_repack`, which does not block the application."
    return None


def _table(node: Node) -> str:
    relation = node.one("relation")
    if relation is None:
        return "…"
    return ".".join(quote(part) for part in (relation.text("schemaname"), relation.text("relname")) if part)


def _alter_table(node: Node, outside: str) -> str | None:
    table = _table(node)
    found = [help for command in node.many("cmds") if (help := _alter_command(table, command, outside))]
    return " ".join(dict.fromkeys(found)) or None


def _alter_command(table: str, command: Node, outside: str) -> str | None:
    kind, column = command.choice("subtype"), quote(command.text("name") or "…")
    definition = command.one("def")
    if kind == "AT_AddConstraint" and definition is not None:
        return _constraint(table, definition, outside)
    if kind == "AT_SetNotNull":
        check = quote(f"{command.text('name')}_not_null")
        return (
            f"Write `alter table {table} add constraint {check} check ({column} is not null) not valid;`. In the next "
            f"migration write `alter table {table} validate constraint {check};`, then `alter table {table} alter "
            f"column {column} set not null;`, which needs no scan then, and last `drop constraint {check}`."
        )
    if kind == "AT_AlterColumnType":
        return (
            f"Add a new column to `{table}`, keep it in sync with a trigger and fill it in batches. Switch the "
            f"application over before you drop `{column}`."
        )
    if kind == "AT_AddColumn":
        name = quote(definition.text("colname")) if definition is not None else "…"
        return (
            f"Write `alter table {table} add column {name} …;` without `not null`, default and constraint. Then set "
            "the default, fill the existing rows in batches, and add constraints `not valid` and validate them later."
        )
    if kind == "AT_DetachPartition":
        return f"Write `alter table {table} detach partition … concurrently;` {outside}."
    if kind == "AT_AttachPartition":
        return "Add a check constraint equal to the partition's bounds first, `not valid`, and validate it."
    return None


def _constraint(table: str, definition: Node, outside: str) -> str:
    kind, name = definition.choice("contype"), quote(definition.text("conname") or "…")
    if kind in {"CONSTR_UNIQUE", "CONSTR_PRIMARY"}:
        word = "unique" if kind == "CONSTR_UNIQUE" else "primary key"
        columns = ", ".join(map(quote, definition.strings("keys"))) or "…"
        index = name if name != "…" else "…_idx"
        return (
            f"Write `create unique index concurrently {index} on {table} ({columns});` {outside}. Then write "
            f"`alter table {table} add constraint {name} {word} using index {index};`."
        )
    if kind == "CONSTR_EXCLUSION":
        return WINDOW
    return (
        f"Write `alter table {table} add constraint {name} … not valid;` and, in the next migration, "
        f"`alter table {table} validate constraint {name};`."
    )
