"""SQL in the body of a ``DO`` block, static and dynamic."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator
from dataclasses import dataclass
from functools import lru_cache
from typing import Any

import postgast

from kfm_ci.sql import statements
from kfm_ci.sql.parse_tree import Node
from kfm_ci.sql.script import Script
from kfm_ci.sql.tokens import Kind, scan

_QUERIES = ("PLpgSQL_stmt_execsql", "PLpgSQL_stmt_perform", "PLpgSQL_stmt_call")
_DYNAMIC = ("PLpgSQL_stmt_dynexecute", "PLpgSQL_stmt_dynfors")


_RAISES = re.compile(
    r"do\s+(?:language\s+plpgsql\s+)?\$(\w*)\$\s*begin\s+raise\b(?!\s+(?:debug|log|info|notice|warning)\b)[^;]*;\s*end\s*;?\s*\$\1\$"
    r"(?:\s*language\s+plpgsql)?",
    re.IGNORECASE,
)


@dataclass(frozen=True, slots=True, kw_only=True)
class BlockPart:
    """One statement inside a block."""

    line: int
    """0-based, relative to the first line of the ``DO`` statement."""
    text: str
    """SQL, or the expression of dynamic SQL that is not a literal."""
    dynamic: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class Block:
    """The body of a ``do``."""

    parts: tuple[BlockPart, ...] = ()
    opaque: str | None = None
    """Why the body cannot be analysed; None if it can."""


class UnparsableBody(Exception):
    """A body does not parse; the message has one line."""


def is_irreversible(script: Script) -> bool:
    """Whether a script only raises exceptions, so that it is irreversible by design."""
    parts = statements.of(script)
    return bool(parts) and all(_RAISES.fullmatch(part.text) for part in parts)


@lru_cache(maxsize=1024)
def read(text: str, tree: Node) -> Block:
    """Return the statements in the body of a ``DO`` statement."""
    arguments = {node.text("defname"): node.one("arg") for node in tree.many("args")}
    language = arguments.get("language")
    name = language.text("sval").lower() if language is not None else "plpgsql"
    if name != "plpgsql":
        return Block(opaque=f"its language is {name}")
    body = arguments.get("as")
    if body is None or statements.too_deep(body.text("sval")):
        return Block(opaque="it is nested too deeply")
    try:
        functions = parse(text)
    except UnparsableBody as problem:
        return Block(opaque=f"its body does not parse: {problem}")
    return Block(parts=tuple(_parts(functions, body_line(text))))


def parse(text: str) -> Any:
    """Return the parser's answer for the body of a ``do`` or ``create function``; raises Unreadable."""
    try:
        return postgast.parse_plpgsql(text)
    except (postgast.PgQueryError, json.JSONDecodeError, UnicodeError, RecursionError) as error:
        raise UnparsableBody(str(error).splitlines()[0][:120] if str(error) else "empty") from error


def body_line(text: str) -> int:
    """Return the line on which the body of a ``DO`` starts, 0-based relative to the statement."""
    literal = next((token for token in scan(text) if token.kind is Kind.STRING), None)
    return text.count("\n", 0, literal.start) if literal else 0


def _parts(tree: Any, first: int) -> Iterator[BlockPart]:
    if isinstance(tree, list):
        for item in tree:
            yield from _parts(item, first)
        return
    if not isinstance(tree, dict):
        return
    for tag, value in tree.items():
        if isinstance(value, dict):
            line = first + max(0, int(value.get("lineno", 1)) - 1)
            if tag in _QUERIES:
                yield BlockPart(line=line, text=_query(value.get("sqlstmt") or value.get("expr")))
            elif tag in _DYNAMIC:
                text = _query(value.get("query"))
                plain = _literal(text)
                yield BlockPart(line=line, text=text if plain is None else plain, dynamic=plain is None)
        yield from _parts(value, first)


def _query(expression: Any) -> str:
    return str(expression.get("PLpgSQL_expr", {}).get("query", "")) if isinstance(expression, dict) else ""


def _literal(expression: str) -> str | None:
    """Return the text of an expression that is one string literal; None for any other."""
    try:
        trees = statements.parse(f"select {expression}")
    except statements.SyntaxProblem:
        return None
    targets = trees[0].many("target_list") if len(trees) == 1 else ()
    value = targets[0].one("val") if len(targets) == 1 else None
    text = value.one("sval") if value is not None and value.tag == "A_Const" else None
    return text.text("sval") if text is not None else None
