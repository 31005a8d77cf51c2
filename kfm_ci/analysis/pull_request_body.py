"""Sections of a pull request's text that answer what a header may leave open."""

from __future__ import annotations

import re
from functools import lru_cache

from kfm_ci.analysis.header_keys import placeholder

_HEADING = re.compile(r"^ {0,3}#{1,6}[ \t]+(.+?)[ \t]*#*[ \t]*$")
_FENCE = re.compile(r"^ {0,3}(?:```|~~~)")
_CHECKBOX = re.compile(r"^\s*(?:[-*+]|\d+[.)])\s+\[[ xX]?\]")
_LEADING = re.compile(r"^\s*(?:(?:[-*+>]|\d+[.)])\s+)*[*_]*")


@lru_cache(maxsize=8)
def sections(body: str | None) -> dict[str, str]:
    """Return the text below each heading, by the heading in lower case; comments are left out.

    What counts as an answer is for ``answer`` to say. The first section of a name that holds an answer wins.
    """
    found: dict[str, list[str]] = {}
    current: list[str] | None = None
    fenced = False
    for line in _without_comments(body or "").splitlines():
        if _FENCE.match(line):
            fenced = not fenced
        heading = None if fenced else _HEADING.match(line[:300])
        if heading:
            current = found.setdefault(heading[1].strip(" *_:").lower(), [])
        elif current is not None:
            current.append(line)
    return {name: "\n".join(lines) for name, lines in found.items()}


def answer(text: str) -> str | None:
    """Return what a section says, or None when it holds only blanks, placeholders and checkboxes."""
    said = []
    for line in text.splitlines():
        words = _LEADING.sub("", line).strip(" *_")
        if _CHECKBOX.match(line) or _FENCE.match(line) or not any(map(str.isalnum, words)) or placeholder(words):
            continue
        said.append(line.strip())
    return "\n".join(said) or None


def _without_comments(text: str) -> str:
    pieces = []
    position = 0
    while (start := text.find("<!--", position)) >= 0:
        pieces.append(text[position:start])
        end = text.find("-->", start + 4)
        position = len(text) if end < 0 else end + 3
    pieces.append(text[position:])
    return "".join(pieces)
