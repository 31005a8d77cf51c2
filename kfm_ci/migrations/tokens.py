"""SQL text to tokens, as PostgreSQL's own scanner sees it; works on text that does not parse."""

from __future__ import annotations

import re
from collections.abc import Iterator
from enum import StrEnum
from functools import lru_cache
from typing import NamedTuple


class Kind(StrEnum):
    """What a token is."""

    SPACE = "space"
    LINE_COMMENT = "line"
    BLOCK_COMMENT = "block"
    STRING = "string"
    """Any quoted literal: plain, ``E''``, ``B''``, ``U&''`` or between dollars."""
    QUOTED = "quoted"
    """An identifier in double quotes."""
    WORD = "word"
    NUMBER = "number"
    SEMICOLON = "semicolon"
    OPEN = "open"
    CLOSE = "close"
    BACKSLASH = "backslash"
    OTHER = "other"


class Token(NamedTuple):
    """One token; positions are 0-based character offsets, the end is exclusive."""

    kind: Kind
    start: int
    end: int


_BLANK = r"[ \t\n\r\f\v]"
_ESCAPED = r"(?:[^'\\]+|\\.|'')*+"

# An E'' literal goes on over a line break with the same escapes, so both parts are one token.
_PATTERN = re.compile(
    rf"""
    (?P<space>[ \t\n\r\f\v\0]+)
  | (?P<line>--[^\n\r]*)
  | (?P<block>/\*)
  | (?P<escape>[eE]'{_ESCAPED}(?:'(?:[ \t\f\v]*[\n\r](?:{_BLANK}+|--[^\n\r]*[\n\r])*'{_ESCAPED}')*|\\)?)
  | (?P<string>(?:[bBxXnN]|[uU]&)?'(?:[^']+|'')*+'?)
  | (?P<quoted>(?:[uU]&)?"(?:[^"]+|"")*+"?)
  | (?P<dollar>\$(?:[A-Za-z_\u0080-\U0010ffff][A-Za-z0-9_\u0080-\U0010ffff]*)?\$)
  | (?P<word>[A-Za-z_\u0080-\U0010ffff][A-Za-z0-9_$\u0080-\U0010ffff]*)
  | (?P<number>[0-9][0-9A-Za-z_.]*|\$[0-9]+)
  | (?P<semicolon>;)
  | (?P<open>\()
  | (?P<close>\))
  | (?P<backslash>\\)
  | (?P<other>.)
    """,
    re.VERBOSE | re.DOTALL,
)
_COMMENT_EDGE = re.compile(r"/\*|\*/")
_KINDS = {kind.value: kind for kind in Kind} | {"escape": Kind.STRING, "dollar": Kind.STRING}


def _block_end(text: str, start: int) -> int:
    depth = 0
    for edge in _COMMENT_EDGE.finditer(text, start):
        depth += 1 if edge.group() == "/*" else -1
        if depth == 0:
            return edge.end()
    return len(text)


def scan(text: str, position: int = 0) -> Iterator[Token]:
    """Yield the tokens from a position on, which must be the start of one."""
    if position == 0 and text.startswith("\ufeff"):
        yield Token(Kind.SPACE, 0, 1)
        position = 1
    match = _PATTERN.match
    while position < len(text):
        found = match(text, position)
        if found is None or found.lastgroup is None:  # cannot be: the last alternative takes any character
            return
        end = found.end()
        if found.lastgroup == "block":
            end = _block_end(text, position)
        elif found.lastgroup == "dollar":
            closing = text.find(found.group(), end)
            end = len(text) if closing < 0 else closing + len(found.group())
        yield Token(_KINDS[found.lastgroup], position, end)
        position = end


@lru_cache(maxsize=4096)
def tokens(text: str) -> tuple[Token, ...]:
    """Return every token of the text, blanks and comments included; joined they give the text again.

    Never fails: what is not terminated reaches to the end. A byte order mark at the start counts as blank.
    """
    return tuple(scan(text))


@lru_cache(maxsize=16384)
def words(text: str, limit: int = 64) -> tuple[str, ...]:
    """Return the first tokens that mean something: words in upper case, all else as written."""
    found: list[str] = []
    for token in scan(text):
        if token.kind in {Kind.SPACE, Kind.LINE_COMMENT, Kind.BLOCK_COMMENT}:
            continue
        piece = text[token.start : token.end]
        found.append(piece.upper() if token.kind is Kind.WORD else piece)
        if len(found) == limit:
            break
    return tuple(found)


def comments(text: str) -> Iterator[Token]:
    """Yield the comments, never what only looks like one inside a string or a function's body."""
    return (token for token in tokens(text) if token.kind in {Kind.LINE_COMMENT, Kind.BLOCK_COMMENT})
