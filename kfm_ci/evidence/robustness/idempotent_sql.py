"""SQL for a data change that a second run does not repeat."""

from __future__ import annotations

from collections.abc import Collection

from kfm_ci.sql import statements
from kfm_ci.sql.parse_tree import Node
from kfm_ci.sql.script import Script, Statement

ROW_CHANGES = frozenset({"InsertStmt", "UpdateStmt", "DeleteStmt", "MergeStmt", "CopyStmt"})
_CALLING = frozenset({"DoStmt", "CallStmt", "SelectStmt"})
"""Statements that may run code which changes rows."""
_SHOWN = 3
"""Columns that a help names."""
_ACKNOWLEDGE = 'If a second run may change rows, write `-- kfm:allow not-repeatable reason="…"` above the statement.'


def find_row_change(script: Script, tables: Collection[str]) -> tuple[Statement | None, Node | None]:
    """Return the first statement that changes rows of these tables (unqualified names), else the first that may."""
    found: list[tuple[Statement, Node]] = []
    for statement in statements.of(script):
        try:
            trees = statements.parse(statement.text)
        except statements.SyntaxProblem:
            continue
        found += ((statement, tree) for tree in trees if tree.tag in {*ROW_CHANGES, *_CALLING})
    return next((item for item in found if _table(item[1]) in tables), found[0] if found else (None, None))


def remedy(tree: Node | None) -> str:
    """Return the help for a statement: the idempotent SQL to write instead."""
    if tree is not None and tree.tag in {"InsertStmt", "CopyStmt"}:
        return f"{_insert(tree)} {_ACKNOWLEDGE}"
    if tree is not None and tree.tag == "UpdateStmt":
        return f"{_update(tree)} {_ACKNOWLEDGE}"
    return f"Exclude rows that are already changed from each statement. {_ACKNOWLEDGE}"


def _table(tree: Node) -> str:
    relation = tree.one("relation")
    return relation.text("relname") if relation is not None else ""


def _insert(tree: Node) -> str:
    table = _table(tree) or "widgets"
    columns = [item.text("name") for item in tree.many("cols")] or list(tree.strings("attlist")) or ["…"]
    listed = ", ".join(columns[:_SHOWN]) + (", …" if len(columns) > _SHOWN else "")
    return (
        f"Insert only missing rows: `insert into {table} ({listed}) select * from (values (…)) as new ({listed}) "
        f"where not exists (select from {table} as old where old.{columns[0]} = "
        f"new.{columns[0]})`, or add a unique key to {table} and `on conflict ({columns[0]}) do nothing`."
    )


def _update(tree: Node) -> str:
    column = next((item.text("name") for item in tree.many("target_list")), "…")
    return (
        f"Exclude rows that are already updated: `where {column} is null`, or `where {column} = ` the old value "
        f"(a value computed from itself, such as `{column} + 1`, is applied twice otherwise)."
    )
