"""Rows of ``COPY``: between client and server, or inline in a file."""

from __future__ import annotations

import re
from bisect import bisect_right
from itertools import pairwise

from kfm_ci.sql.script import Statement
from kfm_ci.sql.tokens import line_end, words

_DATA_END = re.compile(r"^\\\.[ \t]*(?:\r?\n|\Z)", re.MULTILINE)


def possible(text: str) -> bool:
    """Whether a text may contain ``COPY`` from or to the client; False is certain."""
    lower = text.lower()
    return "stdin" in lower or "stdout" in lower


def streamed(statement: Statement) -> str | None:
    """Return ``FROM`` or ``TO`` for a ``COPY`` from or to the client; None for any other statement."""
    if statement.text[:4].lower() != "copy":
        return None
    found = words(statement.text, len(statement.text))
    # PostgreSQL accepts STDIN and STDOUT for both directions
    ways = (way for way, end in pairwise(found) if way in {"FROM", "TO"} and end in {"STDIN", "STDOUT"})
    return next(reversed(tuple(ways)), None)


def rows(statement: Statement) -> str | None:
    """Return the inline rows of ``COPY … FROM STDIN``, without the line that ends them, or None."""
    if statement.text[:4].lower() != "copy":
        return None
    rest = statement.raw[statement.raw.index(statement.text) + len(statement.text) :]
    mark = _DATA_END.search(rest)
    return rest[line_end(rest, rest.index(";")) : mark.start()] if mark and ";" in rest else None


class Ends:
    """The ends of inline rows in one text, found in one pass however many ``COPY`` it has."""

    __slots__ = ("_marks", "_text")

    def __init__(self, text: str) -> None:
        self._text = text
        self._marks: list[int] | None = None

    def after(self, head: list[str], start: int) -> int:
        """Return the offset at which the rows of ``COPY … FROM STDIN`` end; ``start`` if there are none."""
        if head[:1] != ["copy"] or ["from", "stdin"] not in map(list, pairwise(head)):
            return start
        if self._marks is None:
            self._marks = [mark.end() for mark in _DATA_END.finditer(self._text)]
        # A mark that ends beyond the line's end starts at or after it, because a mark is a whole line.
        index = bisect_right(self._marks, line_end(self._text, start))
        return self._marks[index] if index < len(self._marks) else start
