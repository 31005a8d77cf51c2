"""Names of database objects in statements: resolved, quoted, created and dropped."""

from __future__ import annotations

import re
from collections.abc import Iterator

from kfm_ci.migrations.placeholders import MARK
from kfm_ci.sql.parse_tree import Node

Name = tuple[str, ...]
"""Schema and name; a column's name follows its table's."""

PUBLIC = "public"
TEMPORARY = "pg_temp"


def _implied(tree: Node, table: Node | None) -> Iterator[Name]:
    """Yield the sequences that come with the serial and identity columns of a new table."""
    if table is None:
        return
    for column in tree.many("table_elts"):
        kind = column.one("type_name")
        serial = kind is not None and kind.strings("names")[-1:] and kind.strings("names")[-1].endswith("serial")
        if serial or any(item.choice("contype") == "CONSTR_IDENTITY" for item in column.many("constraints")):
            yield (*parts_of(table)[:-1], f"{table.text('relname')}_{column.text('colname')}_seq")


def quote(name: str) -> str:
    """Return an identifier as it is written in SQL."""
    if MARK in name:
        return re.sub(f"{MARK}+", "…", name)
    return name if re.fullmatch(r"[a-z_][a-z0-9_$]*", name) else '"' + name.replace('"', '""') + '"'


def parts_of(relation: Node) -> Name:
    """Return the parts of a ``RangeVar``'s name, schema first where it has one."""
    return tuple(canonical(part) for part in (relation.text("schemaname"), relation.text("relname")) if part)


def canonical(part: str) -> str:
    """Return a name with every placeholder alike, however long it was in the text."""
    return re.sub(f"{MARK}+", MARK, part) if MARK in part else part


def written(node: Node | None) -> str:
    """Return a ``RangeVar`` as its author wrote it, such as ``sales.orders``."""
    if node is None:
        return "…"
    return ".".join(quote(part) for part in (node.text("schemaname"), node.text("relname")) if part)


def spelled(parts: tuple[str, ...]) -> str:
    """Return the parts of a qualified name as SQL."""
    return ".".join(map(quote, parts)) or "…"


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
    """Yield the qualified names that a statement creates, and whether they are temporary."""
    tag = tree.tag
    if tag == "CreateStmt":
        relation = tree.one("relation")
        yield from ((parts, False) for parts in _implied(tree, relation))
    elif tag == "CreateSeqStmt":
        relation = tree.one("sequence")
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


_RELATIONS = ("relation", "table", "view", "parent", "sequence")
_NAMES = {"ObjectWithArgs": "objname", "TypeName": "names", "List": "items"}


def targets(tree: Node) -> Iterator[Name]:
    """Yield the names of the objects that a statement changes."""
    for field in _RELATIONS:
        child = tree.one(field)
        if child is not None and child.tag == "RangeVar":
            yield parts_of(child)
    for field in ("relations", "objects"):
        for child in tree.many(field):
            if child.tag == "RangeVar":
                yield parts_of(child)
            elif child.tag in _NAMES:
                yield child.strings(_NAMES[child.tag])
            elif child.tag == "String":
                yield (child.text("sval"),)
    if tree.tag == "CreateFunctionStmt":
        yield tree.strings("funcname")
