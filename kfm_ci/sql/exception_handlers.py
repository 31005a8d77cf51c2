"""What a body in PL/pgSQL does about failures: how a handler answers that catches whatever comes."""

from __future__ import annotations

from collections.abc import Iterator
from enum import StrEnum
from typing import Any

from kfm_ci.sql import plpgsql

_STATEMENT = "PLpgSQL_stmt_"
_NEUTRAL = frozenset({"block", "if", "case", "exit", "getdiag"})
"""Statements that by themselves do nothing about a failure."""
_ERROR = 21
"""Level of a ``raise`` that is a failure itself."""


class HandlerAnswer(StrEnum):
    """What a handler of ``others`` does about a failure."""

    NOTHING = "nothing"
    MESSAGE = "message"
    """It tells whoever reads the server's messages."""
    ACTION = "action"
    """It sets or returns a value, changes rows, or passes the failure on."""


_ORDER = tuple(HandlerAnswer)


def answer(definition: str, line: int) -> HandlerAnswer | None:
    """Return what is done about a failure on a line of a body; ``definition`` is its ``do`` or ``create function``.

    None: no handler of ``others`` is near, or the text does not parse. Of several on one line it is who does most.
    """
    try:
        functions = plpgsql.parse(definition)
    except plpgsql.UnparsableBody:
        return None
    return max(_answers(functions, line), key=_ORDER.index, default=None)


def _answers(tree: Any, line: int, catching: HandlerAnswer | None = None) -> Iterator[HandlerAnswer]:
    """Yield what the innermost block around each statement of that line does about its failure."""
    for tag, value in _pairs(tree):
        if tag.startswith(_STATEMENT) and value.get("lineno") == line and catching is not None:
            yield catching
        handlers = value.get("exceptions")
        if handlers is None:
            yield from _answers(value, line, catching)
            continue
        # a failure inside a handler is caught further out
        yield from _answers(handlers, line, catching)
        yield from _answers({key: part for key, part in value.items() if key != "exceptions"}, line, _others(handlers))


def _others(handlers: Any) -> HandlerAnswer | None:
    for _, handler in _pairs(handlers["PLpgSQL_exception_block"]["exc_list"]):
        if any(condition.get("condname") == "others" for _, condition in _pairs(handler.get("conditions"))):
            return max(
                (_weight(*pair) for pair in _statements(handler.get("action"))),
                key=_ORDER.index,
                default=HandlerAnswer.NOTHING,
            )
    return None


def _weight(kind: str, statement: Any) -> HandlerAnswer:
    if kind in _NEUTRAL or (kind == "return" and "expr" not in statement):
        return HandlerAnswer.NOTHING
    if kind == "raise" and int(statement.get("elog_level", _ERROR)) < _ERROR:
        return HandlerAnswer.MESSAGE
    return HandlerAnswer.ACTION


def _statements(tree: Any) -> Iterator[tuple[str, Any]]:
    for tag, value in _pairs(tree):
        if tag.startswith(_STATEMENT):
            yield tag.removeprefix(_STATEMENT), value
        yield from _statements(value)


def _pairs(tree: Any) -> Iterator[tuple[str, Any]]:
    """Yield the nodes right below a part of the parser's answer, with their tags."""
    if isinstance(tree, list):
        for item in tree:
            yield from _pairs(item)
    elif isinstance(tree, dict):
        for tag, value in tree.items():
            if isinstance(value, dict):
                yield tag, value
            elif isinstance(value, list):
                yield from _pairs(value)
