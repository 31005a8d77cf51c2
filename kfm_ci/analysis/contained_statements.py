"""Statements that run as part of others: in common table expressions, ``EXPLAIN ANALYZE``, ``PREPARE``, functions."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass

from kfm_ci.analysis.changed_statement import ChangeStatement
from kfm_ci.sql import plpgsql
from kfm_ci.sql.parse_tree import Node
from kfm_ci.sql.plpgsql import Block

_DATA = ("InsertStmt", "UpdateStmt", "DeleteStmt", "MergeStmt")
_QUERIES = frozenset({*_DATA, "SelectStmt", "CreateTableAsStmt", "CopyStmt", "DeclareCursorStmt"})
"""Statements that may have a common table expression that changes rows."""
_WITH = re.compile(r"\bwith\b|\bcopy\b", re.IGNORECASE)
_ATTACHING = ("CreateTrigStmt", "CreateEventTrigStmt", "DefineStmt", "CreateCastStmt", "CreateOpClassStmt")
"""Statements that let the server call a function later."""
_OFF = frozenset({"false", "off", "0"})


@dataclass(frozen=True, slots=True, kw_only=True)
class FunctionBody:
    """The body of a function that the change creates, and calls or attaches."""

    definition: ChangeStatement
    name: str
    """Without schema."""
    block: Block
    is_called: bool
    """Whether a statement of the change calls it; otherwise a trigger or an operator does, later."""


def contained(tree: Node, text: str) -> Iterator[Node]:
    """Yield the statements that run whenever a statement runs, without those in a block or a function."""
    if tree.tag == "CreateSchemaStmt":
        yield from tree.many("schema_elts")
    elif tree.tag in {"ExplainStmt", "PrepareStmt"}:
        query = tree.one("query")
        if query is not None and (tree.tag == "PrepareStmt" or _analyzes(tree)):
            yield query
            yield from contained(query, text)
    elif tree.tag in _QUERIES and _WITH.search(text):
        yield from (node for node in tree.find(*_DATA) if node is not tree and node != tree)


def _analyzes(explain: Node) -> bool:
    for option in explain.many("options"):
        if option.text("defname") == "analyze":
            value = option.one("arg")
            if value is None:
                return True
            return value.number("ival") != 0 if value.tag == "Integer" else value.text("sval").lower() not in _OFF
    return False


def atomic_body(tree: Node) -> Iterator[Node]:
    """Yield the statements of a function's ``begin atomic`` body."""
    body = tree.one("sql_body")
    pending = [body] if body is not None else []
    while pending:
        node = pending.pop(0)
        if node.tag == "List":
            pending = [*node.many("items"), *pending]
        else:
            yield node


def function_bodies(created: Iterable[ChangeStatement], every: Iterable[ChangeStatement]) -> list[FunctionBody]:
    """Return the bodies of the created functions that a statement calls or attaches, also through other functions."""
    bodies = [(item, _name(item.tree), plpgsql.read(item.text, item.tree)) for item in created]
    names = {name for _, name, _ in bodies}
    called: set[str] = set()
    attached: set[str] = set()
    for statement in every:
        if statement.tree.tag in _ATTACHING:
            attached |= _strings(statement.tree) & names
        elif statement.tree.tag == "DoStmt":
            called |= _mentioned(plpgsql.read(statement.text, statement.tree), names)
        elif statement.tree.tag != "CreateFunctionStmt":
            called |= _calls(statement.tree) & names
    mentions = {name: _mentioned(body, names) for _, name, body in bodies}
    called, attached = _reachable(called, mentions), _reachable(attached, mentions)
    return [
        FunctionBody(definition=statement, name=name, block=body, is_called=name in called)
        for statement, name, body in bodies
        if name in called | attached
    ]


def _reachable(start: set[str], mentions: Mapping[str, set[str]]) -> set[str]:
    """Return functions with those that they call, directly or through others."""
    found, pending = set(start), list(start)
    while pending:
        more = mentions.get(pending.pop(), set()) - found
        found |= more
        pending += more
    return found


def _name(definition: Node) -> str:
    return definition.strings("funcname")[-1]


def _calls(tree: Node) -> set[str]:
    """Return the names of the functions and procedures that a statement calls."""
    return {call.strings("funcname")[-1] for call in tree.find("FuncCall") if call.strings("funcname")}


def _strings(tree: Node) -> set[str]:
    return {node.text("sval") for node in tree.find("String")}


def _mentioned(block: Block, names: set[str]) -> set[str]:
    """Return the names in the texts of a body: dynamic SQL may call a function as well."""
    texts = (*block.expressions, *(part.text for part in block.parts))
    words = {word.lower() for text in texts for word in re.findall(r"[\w$]+", text)}
    return {name for name in names if name.lower() in words}
