"""Conditions that bound the number of rows of a data change."""

from __future__ import annotations

from kfm_ci.sql.parse_tree import Node

_TRUE = frozenset({"true", "t"})
_SOURCES = ("where_clause", "from_clause", "using_clause", "with_clause")
"""Clauses whose limit bounds the changed rows; a limit in a value does not."""
_TURNED = {"<": ">", "<=": ">=", ">": "<", ">=": "<="}


def filtered(tree: Node) -> bool:
    """Whether an update or delete has a condition that can be false for some row, or a partner to join."""
    condition = tree.one("where_clause")
    if condition is None:
        return bool(tree.many("from_clause"))
    return not _always(condition)


def bounded(tree: Node) -> bool:
    """Whether the statement bounds its rows: ``limit``, equality with a value, a closed range, a key's upper end."""
    if tree.one("limit_count") is not None or any(
        select.one("limit_count") is not None
        for field in _SOURCES
        for source in (tree.one(field), *tree.many(field))
        if source is not None
        for select in source.find("SelectStmt")
    ):
        return True
    condition = tree.one("where_clause")
    relation = tree.one("relation")
    return condition is not None and _limits(condition, relation.text("relname") if relation is not None else "")


def _limits(condition: Node, table: str) -> bool:
    """Whether a condition bounds the rows: for ``and`` one part is enough, for ``or`` every part must."""
    if condition.tag == "BoolExpr":
        parts = condition.many("args")
        if condition.choice("boolop") == "OR_EXPR":
            return all(_limits(part, table) for part in parts)
        if condition.choice("boolop") == "AND_EXPR":
            return any(_limits(part, table) for part in parts) or {"<", ">"} <= {_end(part)[:1] for part in parts}
        return False
    if condition.tag == "SubLink":
        return any(_named(part) for part in condition.find("A_Expr"))
    if condition.tag != "A_Expr":
        return False
    if any(side is not None and side.tag == "SubLink" and _limits(side, table) for side in _sides(condition)):
        return True
    if condition.choice("kind") in {"AEXPR_BETWEEN", "AEXPR_BETWEEN_SYM"}:
        return _value(condition.one("rexpr"))
    return _named(condition) or (_end(condition)[:1] == "<" and _key(condition, table))


def _named(part: Node) -> bool:
    """Whether it is equality with values; booleans select half a table."""
    if part.tag != "A_Expr" or part.strings("name")[-1:] != ("=",):
        return False
    return part.choice("kind") in {"AEXPR_OP", "AEXPR_IN", "AEXPR_OP_ANY"} and any(
        _value(side) and not _boolean(side) for side in _sides(part)
    )


def _sides(part: Node) -> tuple[Node | None, Node | None]:
    return part.one("lexpr"), part.one("rexpr")


def _end(part: Node) -> str:
    """Return the operator by which it compares a column with a value, column first; empty when it does not."""
    if part.tag != "A_Expr" or part.choice("kind") != "AEXPR_OP":
        return ""
    operator = "".join(part.strings("name")[-1:])
    if operator not in _TURNED:
        return ""
    if _value(part.one("rexpr")):
        return operator
    return _TURNED[operator] if _value(part.one("lexpr")) else ""


def _key(part: Node, table: str) -> bool:
    """Whether it compares a column named like the table's key with a number."""
    sides = [side for side in _sides(part) if side is not None]
    columns = [side.strings("fields")[-1:] for side in sides if side.tag == "ColumnRef"]
    numbers = [side for side in sides if side.tag == "A_Const" and side.one("ival") is not None]
    return bool(numbers) and columns in [[(name,)] for name in ("id", f"{table}_id", f"{table.removesuffix('s')}_id")]


def _value(node: Node | None) -> bool:
    """Whether an expression contains no column."""
    if node is None:
        return False
    return node.tag in {"A_Const", "ParamRef", "List", "A_ArrayExpr", "TypeCast", "FuncCall"} and not any(
        node.find("ColumnRef", "SubLink")
    )


def _boolean(node: Node | None) -> bool:
    return node is not None and node.tag == "A_Const" and node.one("boolval") is not None


def _always(condition: Node) -> bool:
    if condition.tag == "A_Const":
        boolean, text = condition.one("boolval"), condition.one("sval")
        return (boolean is not None and boolean.flag("boolval")) or (text is not None and text.text("sval") in _TRUE)
    if condition.tag == "TypeCast":
        held = condition.one("arg")
        return held is not None and _always(held)
    if condition.tag == "A_Expr" and condition.choice("kind") == "AEXPR_OP" and condition.strings("name") == ("=",):
        left, right = condition.one("lexpr"), condition.one("rexpr")
        same = left is not None and right is not None and left.tag == right.tag == "A_Const"
        return same and left is not None and right is not None and _constant(left) == _constant(right)
    if condition.tag == "BoolExpr":
        arguments = condition.many("args")
        either = condition.choice("boolop") == "OR_EXPR"
        every = condition.choice("boolop") == "AND_EXPR"
        return (either and any(map(_always, arguments))) or (every and all(map(_always, arguments)))
    return False


def _constant(node: Node) -> tuple[str, ...]:
    held = tuple(node.children())
    return tuple(f"{child.tag}{child.number('ival')}{child.text('sval')}{child.text('fval')}" for child in held)
