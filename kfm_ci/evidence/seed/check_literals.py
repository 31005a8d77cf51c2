"""Candidate values from a check expression: its literals, neighbouring numbers, and texts that its patterns match."""

from __future__ import annotations

import json
import re
from collections.abc import Iterable, Iterator
from decimal import Decimal, InvalidOperation

from kfm_ci.evidence.seed import text_samples
from kfm_ci.evidence.seed.regex_samples import matching_texts

_TEXT = re.compile(r"'((?:[^']|'')*)'")
_NUMBER = re.compile(r"(?<![\w.$])-?\d+(?:\.\d+)?(?![\w.])")
_LONGEST = 5_000


def find_candidates(expression: str) -> tuple[str, ...]:
    """Return values that may satisfy an expression, also common formats; the server decides which of them do."""
    return tuple(dict.fromkeys((*_literals(expression), *text_samples.CODES)))


def find_documents(expressions: Iterable[str]) -> tuple[str, ...]:
    """Return JSON that may satisfy the checks of a column: objects with the literals as keys and values, and arrays."""
    literals = [found[1].replace("''", "'") for text in expressions for found in _TEXT.finditer(text)]
    names = [text for text in dict.fromkeys(literals) if not text.startswith(("{", "["))]
    objects: list[object] = [dict.fromkeys(names, value) for value in (1, "a", True, [1], {"a": 1})]
    objects += [dict.fromkeys(names, value) for value in names]
    objects += [{names[0]: value} for value in names[1:]] if names else []
    arrays: list[object] = [["a"] * size for size in range(1, 5)]
    return (
        *(text for text in literals if text.startswith(("{", "["))),
        *(json.dumps(value) for value in (*objects, *arrays)),
    )


def find_literals(expression: str) -> tuple[str, ...]:
    """Return only the values derived from the expression's own literals."""
    return tuple(dict.fromkeys(_literals(expression)))


def _literals(expression: str) -> Iterator[str]:
    numbers = [found[0] for found in _NUMBER.finditer(_TEXT.sub("''", expression))]
    for found in _TEXT.finditer(expression):
        text = found[1].replace("''", "'")
        yield text
        if re.fullmatch(r"-?\d+(?:\.\d+)?", text):
            numbers.append(text)
        if "%" in text or "_" in text:
            yield text.replace("%", "").replace("_", "b")
            yield text.replace("%", "ab").replace("_", "b")
        yield from matching_texts(text)
    for number in dict.fromkeys(numbers):
        yield from _neighbours(number)
    for number in dict.fromkeys(numbers):
        if number.isdigit() and 0 < int(number) <= _LONGEST:
            size = int(number)
            yield from (
                letter * length for letter in ("a", "A", "0") for length in (size, size - 1, size + 1) if length > 0
            )


def _neighbours(number: str) -> Iterator[str]:
    try:
        value = Decimal(number)
    except InvalidOperation:
        return
    yield from (str(item) for item in (value, value + 1, value - 1, value * 2))
