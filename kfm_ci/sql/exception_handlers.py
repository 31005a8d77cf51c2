"""``EXCEPTION WHEN OTHERS`` handlers in PL/pgSQL: what each does with the exception."""

from __future__ import annotations

from collections.abc import Iterator
from enum import StrEnum
from typing import Any

from kfm_ci.sql import plpgsql

_STATEMENT = "PLpgSQL_stmt_"
_NEUTRAL = frozenset({"block", "if", "case", "exit", "getdiag"})
"""Statements that do not handle the exception themselves."""
_ERROR = 21
"""Level of ``RAISE EXCEPTION``."""


class HandlerAnswer(StrEnum):
    """What a handler of ``OTHERS`` does with an exception."""

    NOTHING = "nothing"
    MESSAGE = "message"
    """It raises a notice or another message."""
    ACTION = "action"
    """It sets or returns a value, changes rows, or raises an exception."""


_ORDER = tuple(HandlerAnswer)


def answer(definition: str, line: int) -> HandlerAnswer | None:
    """Return what is done with an exception on a line of a body; ``definition`` is its ``DO`` or ``CREATE FUNCTION``.

    None if no handler of ``OTHERS`` catches it or the text does not parse. Of several, the one with the most effect
    counts.
    """
    try:
        functions = plpgsql.parse(definition)
    except plpgsql.UnparsableBody:
        return None
    return max(_answers(functions, line), key=_ORDER.index, default=None)


def _answers(tree: Any, line: int, catching: HandlerAnswer | None = None) -> Iterator[HandlerAnswer]:
    """Yield what the innermost block around each statement of that line does with its exception."""
    for tag, value in _pairs(tree):
        if tag.startswith(_STATEMENT) and value.get("lineno") == line and catching is not None:
            yield catching
        handlers = value.get("exceptions")
        if handlers is None:
            yield from _answers(value, line, catching)
            continue
        # an exception in a handler is caught by an outer block only
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
    """Yield the child nodes of a part of the parse tree, with their tags."""
    if isinstance(tree, list):
        for item in tree:
            yield from _pairs(item)
    elif isinstance(tree, dict):
        for tag, value in tree.items():
            if isinstance(value, dict):
                yield tag, value
            elif isinstance(value, list):
                yield from _pairs(value)
