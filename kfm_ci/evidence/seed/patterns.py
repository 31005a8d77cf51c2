"""Short texts that a regular expression matches, as far as it is one that both PostgreSQL and Python read alike."""

from __future__ import annotations

import re
from collections.abc import Iterator
from itertools import islice
from re import _constants as code  # type: ignore[attr-defined]
from re import _parser  # type: ignore[attr-defined]
from typing import Any

_MEANS_SOMETHING = re.compile(r"[\[\](){}^$*+?|\\.]")
_CLASSES = {"alpha": "a-zA-Z", "digit": "0-9", "alnum": "a-zA-Z0-9", "upper": "A-Z", "lower": "a-z", "space": " ",
            "xdigit": "0-9a-f", "punct": "!-/"}  # fmt: skip
_CATEGORIES = {"CATEGORY_WORD": "w", "CATEGORY_SPACE": " ", "CATEGORY_NOT_DIGIT": "d",
               "CATEGORY_NOT_WORD": "-", "CATEGORY_NOT_SPACE": "s"}  # fmt: skip
_MOST = 2_000
"""Characters that are made, however often a pattern repeats."""


def matching(pattern: str) -> Iterator[str]:
    """Yield a few different texts that match; nothing when the text is no pattern that can be read."""
    if not _MEANS_SOMETHING.search(pattern) or len(pattern) > 500:
        return
    text = re.sub(r"\[:(\w+):\]", lambda found: _CLASSES.get(found[1], ""), pattern)
    try:
        tree = _parser.parse(text)
        for turn in range(12):
            yield "".join(islice(_of(tree, turn), _MOST))
    except (re.error, ValueError, OverflowError, RecursionError, LookupError):
        return


def _of(tree: Any, turn: int) -> Iterator[str]:
    for operation, argument in tree:
        yield from _one(operation, argument, turn)


def _one(operation: Any, argument: Any, turn: int) -> Iterator[str]:
    if operation is code.LITERAL:
        yield chr(argument)
    elif operation is code.NOT_LITERAL:
        yield "a" if argument != ord("a") else "b"
    elif operation is code.ANY:
        yield "a"
    elif operation is code.IN:
        yield _member(argument, turn)
    elif operation is code.BRANCH:
        branches = argument[1]
        yield from _of(branches[turn % len(branches)], turn)
    elif operation is code.SUBPATTERN:
        yield from _of(argument[-1], turn)
    elif operation in {code.MAX_REPEAT, code.MIN_REPEAT}:
        low, high, inner = argument
        times = min(low + turn % 3, int(high), _MOST) if low else min(1 + turn % 3, int(high), _MOST)
        for number in range(times):
            yield from _of(inner, turn + number)


def _member(choices: Any, turn: int) -> str:
    if choices and choices[0][0] is code.NEGATE:
        taken = {argument for operation, argument in choices[1:] if operation is code.LITERAL}
        return next(letter for letter in "a7-Z_" if ord(letter) not in taken)
    operation, argument = choices[turn % len(choices)]
    if operation is code.RANGE:
        low, high = argument
        return chr(low + turn % (high - low + 1))
    if operation is code.CATEGORY:
        return str(turn % 10) if argument is code.CATEGORY_DIGIT else _CATEGORIES.get(str(argument), "a")
    return chr(argument)
