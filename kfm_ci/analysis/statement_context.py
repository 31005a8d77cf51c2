"""What a statement leaves to those after it: the transaction and the search path."""

from __future__ import annotations

from kfm_ci.analysis.object_names import PUBLIC, Name
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
