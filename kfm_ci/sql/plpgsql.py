"""SQL in the body of a ``DO`` block or a function, static and dynamic, with the conditions under which it runs."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator
from dataclasses import dataclass, replace
from functools import lru_cache
from typing import Any

import postgast

from kfm_ci.sql import statements
from kfm_ci.sql.parse_tree import Node
from kfm_ci.sql.script import Script
from kfm_ci.sql.tokens import Kind, scan

_QUERIES = {
    "PLpgSQL_stmt_execsql": "sqlstmt",
    "PLpgSQL_stmt_perform": "expr",
    "PLpgSQL_stmt_call": "expr",
    "PLpgSQL_stmt_fors": "query",
    "PLpgSQL_stmt_return_query": "query",
    "PLpgSQL_stmt_open": "query",
}
"""Statements that run a query, and the field that holds it."""
_DYNAMIC = {
    "PLpgSQL_stmt_dynexecute": "query",
    "PLpgSQL_stmt_dynfors": "query",
    "PLpgSQL_stmt_return_query": "dynquery",
    "PLpgSQL_stmt_open": "dynquery",
}
"""Statements that run SQL which an expression builds, and the field that holds the expression."""
_LOOPS = {
    "PLpgSQL_stmt_while": "cond",
    "PLpgSQL_stmt_fors": "query",
    "PLpgSQL_stmt_forc": "",
    "PLpgSQL_stmt_dynfors": "query",
    "PLpgSQL_stmt_fori": "upper",
    "PLpgSQL_stmt_foreach_a": "expr",
}
"""Loops whose body may not run at all, and the field that decides; ``loop`` runs at least once."""
_PROMISE = re.compile(r"(?<=,)\{\}\}(?=[,\]])")
"""How libpg_query writes a variable such as ``tg_op`` of a trigger function: with one brace too many."""
_LEAVING = ("PLpgSQL_stmt_return", "PLpgSQL_stmt_exit", "PLpgSQL_stmt_raise")
"""Statements after which the rest of a list does not run."""
_LEAVING_FUNCTION = ("PLpgSQL_stmt_return", "PLpgSQL_stmt_raise")
_LOOP = "PLpgSQL_stmt_loop"
_ERROR = 21
"""Level of ``RAISE EXCEPTION``."""


_RAISES = re.compile(
    r"do\s+(?:language\s+plpgsql\s+)?\$(\w*)\$\s*begin\s+raise\b(?!\s+(?:debug|log|info|notice|warning)\b)[^;]*;\s*end\s*;?\s*\$\1\$"
    r"(?:\s*language\s+plpgsql)?",
    re.IGNORECASE,
)


@dataclass(frozen=True, slots=True, kw_only=True)
class BlockPart:
    """One statement inside a block."""

    line: int
    """0-based, relative to the first line of the ``DO`` or ``CREATE FUNCTION`` statement."""
    text: str
    """SQL, or the expression of dynamic SQL that is not a literal."""
    dynamic: bool = False
    conditions: tuple[str, ...] = ()
    """What decides whether it runs, outermost first; empty if it always runs."""
    is_guarded: bool = False
    """Whether an exception handler of its block can undo it."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Block:
    """The body of a ``do`` or a function."""

    parts: tuple[BlockPart, ...] = ()
    expressions: tuple[str, ...] = ()
    """Expressions outside its statements, which may call functions."""
    opaque: str | None = None
    """Why the body cannot be analysed; None if it can."""
    is_sql: bool = False
    """Whether it is the body of a function in SQL."""


class UnparsableBody(Exception):
    """A body does not parse; the message has one line."""


def is_irreversible(script: Script) -> bool:
    """Whether a script only raises exceptions, so that it is irreversible by design."""
    parts = statements.of(script)
    return bool(parts) and all(_RAISES.fullmatch(part.text) for part in parts)


@lru_cache(maxsize=1024)
def read(text: str, tree: Node) -> Block:
    """Return the statements in the body of a ``DO`` or ``CREATE FUNCTION`` statement."""
    options = {node.text("defname"): node.one("arg") for node in (*tree.many("args"), *tree.many("options"))}
    language = options.get("language")
    default = "plpgsql" if tree.tag == "DoStmt" else "sql"
    name = language.text("sval").lower() if language is not None else default
    if name == "sql":
        return _read_sql(text, tree, _body(options.get("as")))
    if name != "plpgsql":
        return Block(opaque=f"its language is {name}")
    body = _body(options.get("as"))
    if body is None or statements.too_deep(body):
        return Block(opaque="it is nested too deeply")
    try:
        functions = parse(text)
    except UnparsableBody as problem:
        return Block(opaque=f"its body does not parse: {problem}")
    first = body_line(text)
    parts = tuple(_parts(functions, first, ()))
    return Block(parts=parts, expressions=tuple(_expressions(functions)))


def parse(text: str) -> Any:
    """Return the parser's answer for the body of a ``do`` or ``create function``; raises Unreadable."""
    try:
        try:
            return postgast.parse_plpgsql(text)
        except json.JSONDecodeError as error:
            return json.loads(_PROMISE.sub("{}", error.doc))
    except (postgast.PgQueryError, json.JSONDecodeError, UnicodeError, RecursionError) as error:
        raise UnparsableBody(str(error).splitlines()[0][:120] if str(error) else "empty") from error


def body_line(text: str) -> int:
    """Return the line on which the body of a ``DO`` or a function starts, 0-based relative to the statement."""
    literals = [token for token in scan(text) if token.kind is Kind.STRING]
    body = max(literals, key=lambda token: token.end - token.start, default=None)
    return text.count("\n", 0, body.start) if body else 0


def _body(node: Node | None) -> str | None:
    """Return the text of a body, which a function holds in a list; None if there is none."""
    if node is None:
        return None
    if node.tag == "List":
        return next(iter(node.strings("items")), None)
    return node.text("sval")


def _read_sql(text: str, tree: Node, body: str | None) -> Block:
    """Return the statements of an SQL function, with a body in a string or ``begin atomic``; all of them run."""
    if body is None:
        atomic = tree.one("sql_body")
        return Block(is_sql=True, expressions=(text,) if atomic is not None else ())
    try:
        found = statements.split(body)
        for part in found:
            statements.parse(part.text)
    except statements.SyntaxProblem as problem:
        return Block(opaque=f"its body does not parse: {problem.message.splitlines()[0][:120]}")
    first = body_line(text)
    return Block(parts=tuple(BlockPart(line=first + part.line - 1, text=part.text) for part in found), is_sql=True)


def _parts(tree: Any, first: int, conditions: tuple[str, ...]) -> Iterator[BlockPart]:
    """Yield the statements below a node; what follows a conditional ``RETURN`` runs on that condition too."""
    if isinstance(tree, list):
        for item in tree:
            yield from _parts(item, first, conditions)
            conditions = (*conditions, *_leaves(item))
        return
    if not isinstance(tree, dict):
        return
    for tag, value in tree.items():
        if not isinstance(value, dict):
            yield from _parts(value, first, conditions)
            continue
        line = first + max(0, int(value.get("lineno", 1)) - 1)
        if text := _query(value.get(_QUERIES.get(tag, ""))):
            yield BlockPart(line=line, text=text, conditions=conditions)
        if text := _query(value.get(_DYNAMIC.get(tag, ""))):
            plain = _literal(text)
            yield BlockPart(
                line=line, text=text if plain is None else plain, dynamic=plain is None, conditions=conditions
            )
        yield from _branches(tag, value, first, conditions)


def _branches(tag: str, value: Any, first: int, conditions: tuple[str, ...]) -> Iterator[BlockPart]:
    """Yield the statements in the branches of a statement, each with the condition of its branch."""
    if tag == "PLpgSQL_stmt_if":
        condition = f"if {_query(value.get('cond'))}"
        yield from _parts(value.get("then_body"), first, (*conditions, condition))
        yield from _parts(value.get("elsif_list"), first, conditions)
        yield from _parts(value.get("else_body"), first, (*conditions, f"else of {condition}"))
    elif tag in {"PLpgSQL_if_elsif", "PLpgSQL_case_when"}:
        condition = f"when {_query(value.get('expr') or value.get('cond'))}"
        yield from _parts(value.get("stmts"), first, (*conditions, condition))
    elif tag == "PLpgSQL_stmt_case":
        yield from _parts(value.get("case_when_list"), first, conditions)
        yield from _parts(value.get("else_stmts"), first, (*conditions, "else of case"))
    elif tag == "PLpgSQL_exception":
        names = " or ".join(str(name["PLpgSQL_condition"].get("condname")) for name in value.get("conditions", ()))
        yield from _parts(value.get("action"), first, (*conditions, f"exception when {names}"))
    elif tag in _LOOPS:
        condition = f"loop over {_query(value.get(_LOOPS[tag]))}".rstrip()
        yield from _parts(value.get("body"), first, (*conditions, condition))
    elif "exceptions" in value:
        body = {name: part for name, part in value.items() if name != "exceptions"}
        yield from (replace(part, is_guarded=True) for part in _parts(list(body.values()), first, conditions))
        yield from _parts(value["exceptions"], first, conditions)
    else:
        for part in value.values():
            yield from _parts(part, first, conditions)


def _leaves(item: Any) -> Iterator[str]:
    """Yield why the rest of a list may not run after a statement: it leaves the block, the loop or the function."""
    for tag, value in item.items() if isinstance(item, dict) else ():
        if not isinstance(value, dict):
            continue
        if tag == "PLpgSQL_stmt_exit" and (condition := _query(value.get("cond"))):
            yield f"exit when {condition}"
        elif _leaves_list(tag, value):
            yield "after a statement that leaves the block"
        elif tag == "PLpgSQL_stmt_if" and any(_found(value, *_LEAVING)):
            yield f"unless {_query(value.get('cond'))}"
        elif any(_found(value, *(_LEAVING_FUNCTION if tag.startswith(_LOOP) or tag in _LOOPS else _LEAVING))):
            yield "after a statement that may leave the block"


def _leaves_list(tag: str, value: Any) -> bool:
    return tag in _LEAVING and (tag != "PLpgSQL_stmt_raise" or int(value.get("elog_level", _ERROR)) >= _ERROR)


def _found(tree: Any, *tags: str) -> Iterator[Any]:
    """Yield the statements of the given tags below a node that leave a list."""
    for item in tree if isinstance(tree, list) else ():
        yield from _found(item, *tags)
    for tag, value in tree.items() if isinstance(tree, dict) else ():
        if isinstance(value, dict) and tag in tags and _leaves_list(tag, value):
            yield value
        yield from _found(value, *tags)


def _expressions(tree: Any) -> Iterator[str]:
    """Yield the text of every expression, those of statements included."""
    for item in tree if isinstance(tree, list) else ():
        yield from _expressions(item)
    for tag, value in tree.items() if isinstance(tree, dict) else ():
        if tag == "PLpgSQL_expr":
            yield str(value.get("query", ""))
        else:
            yield from _expressions(value)


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
