"""Tokens of SQL text as in PostgreSQL's scanner, also for text that does not parse."""

from __future__ import annotations

import re
from collections.abc import Iterator
from enum import StrEnum
from functools import lru_cache
from typing import NamedTuple


class Kind(StrEnum):
    """Kind of a token."""

    SPACE = "space"
    LINE_COMMENT = "line"
    BLOCK_COMMENT = "block"
    STRING = "string"
    """A literal: plain, ``E''``, ``B''``, ``U&''`` or dollar-quoted."""
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
# Letters, `_` and all characters beyond ASCII, as a negated class: a class of a million characters compiles slowly.
_LETTER = r"[^\0-@\[-\^`{-\x7f]"
_LETTER_OR_DIGIT = r"[^\0-/:-@\[-\^`{-\x7f]"
_OF_A_WORD = r"[^\0-#%-/:-@\[-\^`{-\x7f]"

# An E'' literal may continue after a line break with the same escapes; both parts are one token.
_ESCAPE = rf"[eE]'{_ESCAPED}(?:'(?:[ \t\f\v]*[\n\r](?:{_BLANK}+|--[^\n\r]*[\n\r])*'{_ESCAPED}')*|\\)?"
_STRING = r"(?:[bBxXnN]|[uU]&)?'(?:[^']+|'')*+'?"
_QUOTED = r'(?:[uU]&)?"(?:[^"]+|"")*+"?'
_WORD = rf"{_LETTER}{_OF_A_WORD}*"
_NUMBER = r"[0-9][0-9A-Za-z_.]*|\$[0-9]+"
_DOLLAR = rf"\$(?:{_LETTER}{_LETTER_OR_DIGIT}*)?\$"

_SOLID = rf"""
    (?P<block>/\*)
  | (?P<escape>{_ESCAPE})
  | (?P<string>{_STRING})
  | (?P<quoted>{_QUOTED})
  | (?P<dollar>{_DOLLAR})
  | (?P<word>{_WORD})
  | (?P<number>{_NUMBER})
  | (?P<semicolon>;)
  | (?P<open>\()
  | (?P<close>\))
  | (?P<backslash>\\)
  | (?P<other>.)
"""
_SPACE, _LINE_COMMENT = r"[ \t\n\r\f\v\0]+", r"--[^\n\r]*"
_SILENCE = rf"(?:{_SPACE}|{_LINE_COMMENT})*+"
_EVERY = re.compile(rf"(?P<space>{_SPACE})|(?P<line>{_LINE_COMMENT})|{_SOLID}", re.VERBOSE | re.DOTALL)
_NEXT_SOLID = re.compile(rf"{_SILENCE}(?:{_SOLID})?", re.VERBOSE | re.DOTALL)
# What neither ends a statement nor keeps one from ending, as long as only that is asked.
_PLAIN = rf"(?:{_ESCAPE}|{_STRING}|{_QUOTED}|{_WORD}|{_NUMBER}|[^;()\\$/'\"-]|/(?!\*)|-(?!-))"
# Parentheses that close again, one pair in another; deeper ones are followed token by token.
_PAIR = rf"\((?:{_SPACE}|{_LINE_COMMENT}|;|{_PLAIN})*+\)"
_PAIRS = rf"\((?:{_SPACE}|{_LINE_COMMENT}|;|{_PLAIN}|{_PAIR})*+\)"
_WHOLE = rf"(?:{_PLAIN}|{_PAIRS})"
_NEXT_RUN = re.compile(rf"{_SILENCE}(?:(?P<run>{_WHOLE}(?:{_SILENCE}{_WHOLE})*+)|{_SOLID})?", re.VERBOSE | re.DOTALL)
_COMMENT_EDGE = re.compile(r"/\*|\*/")
_KINDS = {kind.value: kind for kind in Kind} | {"escape": Kind.STRING, "dollar": Kind.STRING, "run": Kind.OTHER}


def _block_end(text: str, start: int) -> int:
    depth = 0
    for edge in _COMMENT_EDGE.finditer(text, start):
        depth += 1 if edge.group() == "/*" else -1
        if depth == 0:
            return edge.end()
    return len(text)


def _end(text: str, group: str, found: re.Match[str]) -> int:
    """Return the end of a token, of which the pattern may have matched only the start."""
    if group == "block":
        return _block_end(text, found.start(group))
    if group == "dollar":
        closing = text.find(found[group], found.end())
        return len(text) if closing < 0 else closing + len(found[group])
    return found.end()


def scan(text: str, position: int = 0) -> Iterator[Token]:
    """Yield the tokens from a position, which must be the start of a token."""
    if position == 0 and text.startswith("\ufeff"):
        yield Token(Kind.SPACE, 0, 1)
        position = 1
    while position < len(text):
        found = _EVERY.match(text, position)
        if found is None or found.lastgroup is None:  # cannot be: the last alternative takes any character
            return
        start, position = position, _end(text, found.lastgroup, found)
        yield Token(_KINDS[found.lastgroup], start, position)


def solid(text: str, position: int = 0) -> Iterator[Token]:
    """Yield the tokens of ``scan`` except blanks and comments, in half the time."""
    return _without_blanks(_NEXT_SOLID, text, position)


def runs(text: str, position: int = 0) -> Iterator[Token]:
    """Yield the tokens of ``solid``, with all between two semicolons, backslashes, dollar quotes or parentheses as one.

    Parentheses that close again belong to it, with the semicolons inside, unless they are nested deeply.
    """
    return _without_blanks(_NEXT_RUN, text, position)


def _without_blanks(pattern: re.Pattern[str], text: str, position: int) -> Iterator[Token]:
    if position == 0 and text.startswith("\ufeff"):
        position = 1
    while position < len(text):
        found = pattern.match(text, position)
        if found is None or found.lastgroup is None:
            return
        position = _end(text, found.lastgroup, found)
        if found.lastgroup != "block":
            yield Token(_KINDS[found.lastgroup], found.start(found.lastgroup), position)


@lru_cache(maxsize=4096)
def tokens(text: str) -> tuple[Token, ...]:
    """Return every token of the text, including blanks and comments; joined, they are the text.

    Never fails: what is not terminated reaches to the end. A byte order mark at the start counts as blank.
    """
    return tuple(scan(text))


@lru_cache(maxsize=16384)
def words(text: str, limit: int = 64) -> tuple[str, ...]:
    """Return the first tokens except blanks and comments: words in upper case, others as written."""
    found: list[str] = []
    for token in solid(text):
        piece = text[token.start : token.end]
        found.append(piece.upper() if token.kind is Kind.WORD else piece)
        if len(found) == limit:
            break
    return tuple(found)


def comments(text: str) -> Iterator[Token]:
    """Yield the comments, except within strings and dollar-quoted bodies."""
    return (token for token in tokens(text) if token.kind in {Kind.LINE_COMMENT, Kind.BLOCK_COMMENT})


def line_end(text: str, start: int) -> int:
    """Return the offset after the line feed of the line, or the end of the text."""
    found = text.find("\n", start)
    return len(text) if found < 0 else found + 1
