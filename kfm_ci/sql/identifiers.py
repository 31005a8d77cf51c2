"""Identifiers in SQL."""

from __future__ import annotations

import re

from kfm_ci.sql import deparse
from kfm_ci.sql.parse_tree import Node

LIMIT = 63
"""Maximum length of an identifier in PostgreSQL, in bytes."""

_PLAIN = re.compile(r"[a-z_][a-z0-9_$]*")


def quote(name: str) -> str:
    """Return an identifier in SQL, in double quotes if it needs them."""
    if _PLAIN.fullmatch(name) and not deparse.is_keyword(name):
        return name
    return '"' + name.replace('"', '""') + '"'


def dotted(*parts: str) -> str:
    """Return a qualified name; empty parts are omitted."""
    return ".".join(quote(part) for part in parts if part)


def relation(node: Node) -> str:
    """Return the name in a ``RangeVar``."""
    return dotted(node.text("catalogname"), node.text("schemaname"), node.text("relname"))


def type_name(node: Node) -> str:
    """Return the type in a ``TypeName`` without its length, as in the signature of a function."""
    parts = node.strings("names")
    # The parser qualifies built-in types; "char" in quotes is another type than char.
    builtin = len(parts) == 2 and parts[0] == "pg_catalog" and parts[1] != "char"
    name = parts[1] if builtin else dotted(*parts)
    return name + ("%type" if node.flag("pct_type") else "") + "[]" * len(node.many("array_bounds"))


def default_name(*parts: str) -> str | None:
    """Return the name that PostgreSQL chooses for an unnamed object; None if it would be truncated."""
    name = "_".join(part for part in parts if part)
    return name if len(name.encode()) <= LIMIT else None
