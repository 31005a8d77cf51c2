"""What a data change says about how many rows it touches."""

from __future__ import annotations

from kfm_ci.migrations.syntax import Node

_TRUE = frozenset({"true", "t"})


def filtered(tree: Node) -> bool:
    """Whether an update or delete has a condition that can be false for some row, or a partner to join."""
    condition = tree.one("where_clause")
    if condition is None:
        return bool(tree.many("from_clause"))
    return not _always(condition)


def bounded(tree: Node) -> bool:
    """Whether something in it limits the rows: ``limit``, equality with a value, or a range closed on both ends."""
    if any(node.one("limit_count") is not None for node in tree.find("SelectStmt")):
        return True
    condition = tree.one("where_clause")
    if condition is None:
        return False
    lower = upper = False
    for node in condition.find("A_Expr"):
        kind, operator = node.choice("kind"), "".join(node.strings("name"))
        if not any(_value(side) for side in (node.one("lexpr"), node.one("rexpr"))):
            continue
        if kind in {"AEXPR_OP", "AEXPR_IN", "AEXPR_OP_ANY"} and operator == "=":
            return True
        if kind in {"AEXPR_BETWEEN", "AEXPR_BETWEEN_SYM"}:
            return True
        lower |= operator in {">", ">="}
        upper |= operator in {"<", "<="}
    return lower and upper


def _value(node: Node | None) -> bool:
    """Whether an expression is made of values only, and not of a column."""
    if node is None:
        return False
    return node.tag in {"A_Const", "ParamRef", "List", "A_ArrayExpr", "TypeCast", "FuncCall"} and not any(
        node.find("ColumnRef", "SubLink")
    )


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
