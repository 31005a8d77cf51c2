"""What a message may show of a file: masked secrets, short values, exact lines."""

from __future__ import annotations

import re
from bisect import bisect_right

_CONTROLS = re.compile(r"[\x00-\x1f\x7f-\x9f\u2028\u2029\u202a-\u202e\u2066-\u2069]+")


def mask(text: str) -> str:
    """Return at most the first two characters and the length; what is found is never shown whole."""
    length = len(text)
    return f"{shown(text[:2]) if length > 8 else ''}… ({length} characters)"


def shown(value: str, limit: int = 60) -> str:
    """Return a value on one line, without control characters, cut to a limit."""
    line = _CONTROLS.sub(" ", value).strip()
    return line if len(line) <= limit else f"{line[: limit - 1]}…"


class ExcerptLines:
    """Turns character offsets of one text into 1-based lines."""

    __slots__ = ("_starts",)

    def __init__(self, text: str) -> None:
        """Note where each line starts; only a line feed ends one."""
        self._starts = [0, *(found.end() for found in re.finditer("\n", text))]

    def of(self, offset: int) -> int:
        """Return the 1-based line of a 0-based character offset."""
        return bisect_right(self._starts, offset)
