"""Tables that a migration touches without meeting a row, and statements that may lose rows of them."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Iterator

from kfm_ci.assess.case import Step, unqualified
from kfm_ci.evidence.statement_evidence import LockMode, StatementEvidence
from kfm_ci.sql.parse_tree import Node

_TOUCHING = frozenset({LockMode.ROW_EXCLUSIVE, LockMode.EXCLUSIVE, LockMode.ACCESS_EXCLUSIVE})
"""Locks of statements that change rows or columns; the others are those of indexes, triggers and references."""
_LOSING_ACTIONS = frozenset({"AT_DropColumn", "AT_DetachPartition", "AT_DropInherit"})
_RETYPING = "AT_AlterColumnType"
_DROPPED = frozenset({"OBJECT_TABLE", "OBJECT_SCHEMA", "OBJECT_TYPE", "OBJECT_DOMAIN", "OBJECT_EXTENSION"})


def unproven_tables(statements: Iterable[StatementEvidence], reasons: Collection[str]) -> tuple[str, ...]:
    """Return the existing tables among ``reasons`` whose rows or columns the statements touch, in order."""
    return tuple(
        dict.fromkeys(
            lock.relation
            for seen in statements
            for lock in seen.locks.taken
            if lock.preexisting
            and lock.mode in _TOUCHING
            and lock.kind in {"table", "partition"}
            and lock.relation in reasons
        )
    )


def may_lose_rows(step: Step, names: Collection[str], new: Collection[str]) -> bool:
    """Whether a statement that locks a table may delete or overwrite its rows.

    ``names`` are the names of the table; ``new`` are the columns and tables that the pull request adds.
    """
    if not step.trees:
        return True
    tables = {unqualified(name) for name in names}
    return any(_loses(step, node, tables, new) for tree in step.trees for node in _commands(tree))


def _commands(tree: Node) -> Iterator[Node]:
    """Yield the commands of a statement: itself, and those in its WITH clauses."""
    yield tree
    yield from (
        node
        for node in tree.find("InsertStmt", "UpdateStmt", "DeleteStmt", "MergeStmt", "FuncCall")
        if node is not tree
    )


def _loses(step: Step, node: Node, tables: Collection[str], new: Collection[str]) -> bool:
    match node.tag:
        case "DeleteStmt" | "MergeStmt" | "TruncateStmt" | "CallStmt" | "DoStmt" | "ExecuteStmt":
            return True
        case "DropStmt":
            return node.choice("remove_type") in _DROPPED
        case "UpdateStmt":
            return not _fills(node, tables, new)
        case "InsertStmt":
            conflict = node.one("on_conflict_clause")
            return (conflict is not None and conflict.choice("action") == "ONCONFLICT_UPDATE") or not _targets(
                node, tables
            )
        case "AlterTableStmt":
            return any(_loses_by_alter(step, action) for action in node.many("cmds"))
        case "FuncCall":
            # a lock for rows that the statement itself does not name comes from a function's body
            return not any(item.text("relname") in tables for item in step.nodes("RangeVar"))
        case _:
            return False


def _loses_by_alter(step: Step, action: Node) -> bool:
    if action.choice("subtype") == _RETYPING:
        return bool(step.seen.effects.rewrites)
    return action.choice("subtype") in _LOSING_ACTIONS


def _targets(node: Node, tables: Collection[str]) -> bool:
    relation = node.one("relation")
    return relation is not None and relation.text("relname") in tables


def _fills(node: Node, tables: Collection[str], new: Collection[str]) -> bool:
    """Whether an UPDATE sets only new columns, or columns that its condition requires to be NULL."""
    relation = node.one("relation")
    if relation is None or relation.text("relname") not in tables:
        return False
    table, condition = relation.text("relname"), node.one("where_clause")
    nulls = frozenset(_required_nulls(condition)) if condition is not None else frozenset()
    return all(
        target.text("name") in nulls or any(f".{name}".endswith(f".{table}.{target.text('name')}") for name in new)
        for target in node.many("target_list")
    )


def _required_nulls(condition: Node) -> Iterator[str]:
    """Yield the columns that are NULL wherever the condition is true."""
    if condition.tag == "BoolExpr" and condition.choice("boolop") == "AND_EXPR":
        for part in condition.many("args"):
            yield from _required_nulls(part)
    if condition.tag == "NullTest" and condition.choice("nulltesttype") == "IS_NULL":
        column = condition.one("arg")
        if column is not None and column.tag == "ColumnRef":
            yield from column.strings("fields")[-1:]
