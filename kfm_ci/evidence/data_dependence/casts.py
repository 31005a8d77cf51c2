"""Values that the new type of a column does not accept."""

from __future__ import annotations

import re
from typing import Any

from psycopg import Connection

from kfm_ci.evidence.data_dependence import catalog
from kfm_ci.evidence.data_dependence.model import Failure, OffendingRows
from kfm_ci.sql import identifiers
from kfm_ci.sql.identifiers import quote
from kfm_ci.sql.parse_tree import Node

_LIMITS = {"int2": 2**15, "int4": 2**31, "int8": 2**63}
_PATTERNS = {
    **dict.fromkeys(("int2", "int4", "int8"), r"^\s*[-+]?\d+\s*$"),
    **dict.fromkeys(("numeric", "float4", "float8"), r"^\s*[-+]?(\d+\.?\d*|\.\d+)([eE][-+]?\d+)?\s*$"),
    "uuid": "^[{]?[0-9a-fA-F]{8}-?([0-9a-fA-F]{4}-?){3}[0-9a-fA-F]{12}[}]?$",
    "bool": r"^\s*(t|tr|tru|true|f|fa|fal|fals|false|y|ye|yes|n|no|on|off|of|1|0)\s*$",
}
_TEXT = re.compile(r"text|character|name|citext")
_NUMERIC = re.compile(r"smallint|integer|bigint|numeric|real|double precision")
_INPUT_CHECK = 160_000
"""First server version with ``pg_input_is_valid``."""


def find_cast_rows(failure: Failure, before: Connection[Any]) -> OffendingRows | None:
    """Return the rows whose value does not fit the new type of ``ALTER COLUMN … TYPE``; None for other statements."""
    tree = failure.tree
    relation = tree.one("relation") if tree is not None and tree.tag == "AlterTableStmt" else None
    found = catalog.resolve(before, identifiers.relation(relation)) if relation is not None else None
    if tree is None or found is None:
        return None
    old = catalog.columns(before, found[2])
    changes = [
        node
        for node in tree.many("cmds")
        if node.choice("subtype") == "AT_AlterColumnType" and node.text("name") in old
    ]
    if len(changes) != 1:
        return None
    column = changes[0].text("name")
    definition = changes[0].one("def")
    wanted = definition.one("type_name") if definition is not None else None
    if definition is None or wanted is None:
        return None
    using = definition.one("raw_default")
    computed = using is not None and not _is_column(using, column)
    type_name, condition = _type_name(wanted, before), None
    if not computed:
        condition = _condition(quote(column), old[column], wanted, before.info.server_version, type_name)
    target = "the USING expression" if computed else type_name
    return OffendingRows(
        shape=f"have a value in {quote(column)} that {target} does not accept",
        table=found[2],
        columns=(column,),
        condition=condition,
        remedy=f"Fix those values first, or fill a new column of type {type_name} in batches with an expression that "
        "accepts every value, and drop the old one later",
    )


def _is_column(node: Node | None, column: str) -> bool:
    """Whether an expression is the column itself, with or without a cast."""
    while node is not None and node.tag == "TypeCast":
        node = node.one("arg")
    return node is not None and node.tag == "ColumnRef" and node.strings("fields")[-1:] == (column,)


def _type_name(node: Node, before: Connection[Any]) -> str:
    sizes = [str(item.number("ival")) for part in node.many("typmods") for item in part.find("Integer")]
    name = identifiers.type_name(node)
    row = before.execute("select pg_catalog.to_regtype(%s::pg_catalog.text)::pg_catalog.text", (name,)).fetchone()
    return str(row[0] if row and row[0] else name) + (f"({','.join(sizes)})" if sizes else "")


def _condition(name: str, old: str, wanted: Node, version: int, type_name: str) -> str | None:
    """Return the SQL condition of values that do not fit; None when it is not known."""
    kind = wanted.strings("names")[-1]
    sizes = [item.number("ival") for part in wanted.many("typmods") for item in part.find("Integer")]
    if kind in {"varchar", "bpchar"} and sizes:
        return f"length({name}::text) > {sizes[0]}"
    if _NUMERIC.match(old):
        if kind in _LIMITS:
            return f"{name}::numeric not between {-_LIMITS[kind]} and {_LIMITS[kind] - 1}"
        if kind == "numeric" and sizes:
            return f"abs({name}) >= 1e{sizes[0] - (sizes[1] if len(sizes) > 1 else 0)}"
    if _TEXT.match(old):
        if version >= _INPUT_CHECK:
            literal = type_name.replace("'", "''")
            return f"not pg_input_is_valid({name}::text, '{literal}')"
        if kind in _PATTERNS:
            return f"{name}::text !~ '{_PATTERNS[kind]}'"
    return None
