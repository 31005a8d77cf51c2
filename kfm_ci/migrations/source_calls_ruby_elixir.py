"""Calls in Ruby and Elixir programs, found by line and indentation."""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence

ENDINGS = (".rb", ".ex", ".exs")
"""Suffixes of Ruby and Elixir files."""
_CALL = re.compile(r"(?P<indent>[ \t]*)(?:[\w.@()]+\.)?(?P<name>[a-z_]\w*[!?]?)(?:[ \t]+|\()(?=[:\"'\[%<{\w(])")
_NO_CALL = frozenset(
    {
        "def",
        "class",
        "module",
        "defmodule",
        "if",
        "unless",
        "elsif",
        "else",
        "case",
        "when",
        "while",
        "return",
        "end",
        "use",
        "import",
        "alias",
    }
)
_STRING = re.compile(
    r"\"\"\"(.*?)\"\"\"|\"((?:[^\"\\]|\\.)*)\"|'((?:[^'\\]|\\.)*)'|(?<![\w:]):([A-Za-z_]\w*)", re.DOTALL
)
_BODY = re.compile(r"<<[~-]?[\"'`]?([A-Z_]\w*)")
_OPENS = re.compile(r"(?:\bdo|\{)(?:\s*\|[^|]*\|)?\s*$")
_REMARK = re.compile(r"(?:^|\s)(#(?!\{).*)$")


def calls(text: str) -> Iterator[tuple[str, tuple[str, ...], int, int]]:
    """Yield each call with names in its arguments: its name, these names, its first and last 1-based line."""
    lines = text.split("\n")
    for number, line in enumerate(lines):
        found = _CALL.match(line)
        if found is None or found["name"] in _NO_CALL:
            continue
        last = _last(lines, number, found["indent"])
        named = tuple(_named("\n".join([line[found.end("name") :], *lines[number + 1 : last + 1]])))
        if named:
            yield found["name"], named, number + 1, last + 1


def remarks(text: str) -> Iterator[tuple[str, int]]:
    """Yield each comment with its 1-based line."""
    for number, line in enumerate(text.split("\n"), 1):
        found = _REMARK.search(line)
        if found is not None:
            yield found[1], number


def _named(text: str) -> Iterator[str]:
    """Yield symbols, strings and the bodies of here-documents."""
    for found in _BODY.finditer(text):
        body = re.compile(rf"[^\n]*\n(.*?)^[ \t]*{found[1]}\b", re.DOTALL | re.MULTILINE).match(text, found.end())
        if body is not None:
            yield body[1]
    for found in _STRING.finditer(text):
        yield next(piece for piece in found.groups() if piece is not None)


def _last(lines: Sequence[str], first: int, indent: str) -> int:
    """Return the index of the last line of a call: of its arguments, its here-document or its block."""
    at = first
    while at + 1 < len(lines) and (lines[at].rstrip().endswith((",", "\\")) or _open("\n".join(lines[first : at + 1]))):
        at += 1
    body = _BODY.search(lines[first])
    if body is not None:
        return next((n for n in range(first + 1, len(lines)) if lines[n].strip().startswith(body[1])), at)
    if _OPENS.search(lines[at]):
        ends = (n for n in range(at + 1, len(lines)) if re.match(rf"{indent}(?:end\b|\}})", lines[n]))
        return next(ends, at)
    return at


def _open(text: str) -> bool:
    """Whether a bracket or a long string is not closed."""
    if text.count('"""') % 2:
        return True
    bare = _STRING.sub("", text)
    return sum(map(bare.count, "([")) > sum(map(bare.count, ")]"))
