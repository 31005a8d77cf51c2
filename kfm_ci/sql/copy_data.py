"""Rows of ``COPY``: between client and server, or inline in a file."""

from __future__ import annotations

import re
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


def end(text: str, head: list[str], start: int) -> int:
    """Return the offset at which the inline rows of ``COPY … FROM STDIN`` end; ``start`` if there are none."""
    if head[:1] != ["copy"] or ["from", "stdin"] not in map(list, pairwise(head)):
        return start
    mark = _DATA_END.search(text, line_end(text, start))
    return mark.end() if mark else start
