"""The context of a statement: its transaction, its search path, and the names that it can mean."""

from __future__ import annotations

from kfm_ci.analysis.changed_statement import ChangeStatement
from kfm_ci.analysis.object_names import PUBLIC, TEMPORARY, Name
from kfm_ci.sql.parse_tree import Node

DEFAULT_PATH: Name = (PUBLIC,)


def next_transaction(kind: str, transaction: int | None, ordinal: int, *, whole: bool) -> int | None:
    """Return the transaction that the next statement runs in."""
    if kind in {"TRANS_STMT_BEGIN", "TRANS_STMT_START"}:
        return transaction or ordinal
    if kind in {"TRANS_STMT_COMMIT", "TRANS_STMT_ROLLBACK", "TRANS_STMT_PREPARE"}:
        return ordinal if whole else None
    return transaction


def search_path(tree: Node) -> Name | None:
    """Return the search path that a statement sets for those after it; None when it sets none."""
    if tree.tag == "VariableSetStmt" and tree.text("name") == "search_path":
        values = [item.one("sval") for item in tree.many("args")]
        return tuple(item.text("sval") for item in values if item is not None and item.text("sval")) or DEFAULT_PATH
    return None


def removed_column(tree: Node, table: Name) -> tuple[Name, str]:
    """Return the column that a statement drops or renames, with its table; an empty name if there are several."""
    commands = tree.many("cmds")
    if len(commands) == 1 and commands[0].choice("subtype") == "AT_DropColumn":
        return table, commands[0].text("name")
    return table, tree.text("subname") if tree.choice("rename_type") == "OBJECT_COLUMN" else ""


def candidates(statement: ChangeStatement, parts: Name, more: tuple[str, ...]) -> set[Name]:
    """Return every qualified name that a name can resolve to, and its possible schemas."""
    names = [parts] if len(parts) > 1 else [(schema, *parts) for schema in (TEMPORARY, *statement.path, PUBLIC)]
    return {(*name, *more) for name in names} | {(name[0], "*") for name in names if len(name) > 1}
