"""Rows that a ``copy`` moves between client and server, and those that stand below it in its file."""

from __future__ import annotations

import re
from itertools import pairwise

from kfm_ci.sql.script import Statement
from kfm_ci.sql.tokens import line_end, words

_DATA_END = re.compile(r"^\\\.[ \t]*(?:\r?\n|\Z)", re.MULTILINE)


def possible(text: str) -> bool:
    """Whether a ``copy`` in a text may move rows between client and server, or have them follow it; False is sure."""
    lower = text.lower()
    return "stdin" in lower or "stdout" in lower


def streamed(statement: Statement) -> str | None:
    """Return ``FROM`` or ``TO`` for a copy that takes its rows from the client or gives them to it; None for all else."""
    if statement.text[:4].lower() != "copy":
        return None
    found = words(statement.text, len(statement.text))
    # the server takes either name for either direction
    ways = (way for way, end in pairwise(found) if way in {"FROM", "TO"} and end in {"STDIN", "STDOUT"})
    return next(reversed(tuple(ways)), None)


def rows(statement: Statement) -> str | None:
    """Return the rows that follow a ``copy … from stdin;`` in its file, without the ending mark; None without any."""
    if statement.text[:4].lower() != "copy":
        return None
    rest = statement.raw[statement.raw.index(statement.text) + len(statement.text) :]
    mark = _DATA_END.search(rest)
    return rest[line_end(rest, rest.index(";")) : mark.start()] if mark and ";" in rest else None


def end(text: str, head: list[str], start: int) -> int:
    """Return where the rows after ``copy … from stdin;`` end; ``start`` when there are none."""
    if head[:1] != ["copy"] or ["from", "stdin"] not in map(list, pairwise(head)):
        return start
    mark = _DATA_END.search(text, line_end(text, start))
    return mark.end() if mark else start
