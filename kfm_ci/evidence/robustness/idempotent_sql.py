"""How a statement that changes rows is written so that a second run finds nothing left to do."""

from __future__ import annotations

from collections.abc import Collection

from kfm_ci.sql import statements
from kfm_ci.sql.parse_tree import Node
from kfm_ci.sql.script import Script, Statement

CHANGES = frozenset({"InsertStmt", "UpdateStmt", "DeleteStmt", "MergeStmt", "CopyStmt"})
_HIDE = frozenset({"DoStmt", "CallStmt", "SelectStmt"})
"""Statements that may change rows within."""
_SHOWN = 3
"""Columns that a remedy names."""
_MEANT = 'If a second run may do that, say so above the statement: `-- kfm:allow not-repeatable reason="…"`.'


def culprit(script: Script, tables: Collection[str]) -> tuple[Statement | None, Node | None]:
    """Return the first statement that changes rows of one of these tables, by bare name, else the first that may."""
    found: list[tuple[Statement, Node]] = []
    for statement in statements.of(script):
        try:
            found += ((statement, tree) for tree in statements.parse(statement.text) if tree.tag in {*CHANGES, *_HIDE})
        except statements.SyntaxProblem:
            continue
    return next((item for item in found if _table(item[1]) in tables), found[0] if found else (None, None))


def remedy(tree: Node | None) -> str:
    """Return what to write in its place."""
    if tree is not None and tree.tag in {"InsertStmt", "CopyStmt"}:
        return f"{_insert(tree)} {_MEANT}"
    if tree is not None and tree.tag == "UpdateStmt":
        return f"{_update(tree)} {_MEANT}"
    return f"Let each statement find only what is not done yet. {_MEANT}"


def _table(tree: Node) -> str:
    relation = tree.one("relation")
    return relation.text("relname") if relation is not None else ""


def _insert(tree: Node) -> str:
    table = _table(tree) or "widgets"
    columns = [item.text("name") for item in tree.many("cols")] or list(tree.strings("attlist")) or ["…"]
    listed = ", ".join(columns[:_SHOWN]) + (", …" if len(columns) > _SHOWN else "")
    return (
        f"No unique key of {table} tells that these rows are there, so they come twice. Insert what is missing: "
        f"`insert into {table} ({listed}) select * from (values (…)) as new ({listed}) where not exists "
        f"(select from {table} as old where old.{columns[0]} = new.{columns[0]})`; or give {table} a unique key on what "
        f"tells rows apart, and add `on conflict ({columns[0]}) do nothing`."
    )


def _update(tree: Node) -> str:
    column = next((item.text("name") for item in tree.many("target_list")), "…")
    return (
        f"Let the condition leave out what is done: `where {column} is null`, or `where {column} = ` the value from before "
        f"(a value that is computed from itself, such as `{column} + 1`, is done twice otherwise)."
    )
