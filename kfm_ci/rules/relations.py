"""Names of database objects: how they are resolved and written, and which of them a change itself brings."""

from __future__ import annotations

import re
from collections.abc import Iterator

from kfm_ci.migrations.syntax import Node

Name = tuple[str, ...]
"""Schema and name; a column's name follows its table's."""

PUBLIC = "public"
TEMPORARY = "pg_temp"

_LISTED = {
    "OBJECT_TABLE": "table", "OBJECT_VIEW": "view", "OBJECT_MATVIEW": "materialized view", "OBJECT_INDEX": "index",
    "OBJECT_SEQUENCE": "sequence", "OBJECT_FOREIGN_TABLE": "foreign table", "OBJECT_TYPE": "type",
    "OBJECT_DOMAIN": "domain", "OBJECT_SCHEMA": "schema", "OBJECT_FUNCTION": "function",
    "OBJECT_PROCEDURE": "procedure", "OBJECT_ROUTINE": "function", "OBJECT_AGGREGATE": "aggregate",
    "OBJECT_EXTENSION": "extension",
}  # fmt: skip
"""Kinds of objects that clients use, by the parser's word."""


def quote(name: str) -> str:
    """Return an identifier as it is written in SQL."""
    return name if re.fullmatch(r"[a-z_][a-z0-9_$]*", name) else '"' + name.replace('"', '""') + '"'


def written(node: Node | None) -> str:
    """Return a ``RangeVar`` as its author wrote it, such as ``sales.orders``."""
    if node is None:
        return "…"
    return ".".join(quote(part) for part in (node.text("schemaname"), node.text("relname")) if part)


def spelled(parts: tuple[str, ...]) -> str:
    """Return the parts of a qualified name as SQL."""
    return ".".join(map(quote, parts)) or "…"


def kind_of(word: str) -> str | None:
    """Return what a ``remove_type`` or ``rename_type`` is called; None for what clients do not name."""
    return _LISTED.get(word)


def dropped(tree: Node) -> Iterator[tuple[str, ...]]:
    """Yield the qualified names in a ``DropStmt``."""
    for item in tree.many("objects"):
        if item.tag == "List":
            yield item.strings("items")
        elif item.tag == "ObjectWithArgs":
            yield item.strings("objname")
        elif item.tag == "TypeName":
            yield item.strings("names")
        elif item.tag == "String":
            yield (item.text("sval"),)


def created(tree: Node) -> Iterator[tuple[tuple[str, ...], bool]]:
    """Yield the qualified names that a statement makes, and whether they are temporary."""
    tag = tree.tag
    if tag in {"CreateStmt", "CreateSeqStmt"}:
        relation = tree.one("relation") or tree.one("sequence")
    elif tag == "CreateForeignTableStmt":
        base = tree.one("base_stmt")
        relation = base.one("relation") if base else None
    elif tag == "ViewStmt":
        relation = tree.one("view")
    elif tag in {"CreateTableAsStmt", "SelectStmt"}:
        into = tree.one("into") or tree.one("into_clause")
        relation = into.one("rel") if into else None
    elif tag == "CreateSchemaStmt":
        yield (tree.text("schemaname"), "*"), False
        return
    elif tag == "CreateExtensionStmt":
        yield (tree.text("extname"),), False
        return
    else:
        for field in ("funcname", "type_name", "domainname", "defnames"):
            if parts := tree.strings(field):
                yield parts, False
                return
        relation = tree.one("typevar")
    if tag == "IndexStmt" and tree.text("idxname"):
        table = tree.one("relation")
        schema = table.text("schemaname") if table else ""
        yield tuple(part for part in (schema, tree.text("idxname")) if part), False
    elif relation is not None:
        parts = tuple(part for part in (relation.text("schemaname"), relation.text("relname")) if part)
        yield parts, relation.text("relpersistence") == "t"
