"""Short texts that match a PostgreSQL regular expression, as far as check constraints use its syntax."""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from itertools import islice

_METACHARACTER = re.compile(r"[\[\](){}^$*+?|\\.]")
_CLASSES = {
    "alpha": "aZ",
    "digit": "0123456789",
    "alnum": "a7Z",
    "upper": "ABZ",
    "lower": "abz",
    "space": " \t",
    "xdigit": "0a9f",
    "punct": "-.!",
    "print": "a ",
    "graph": "a",
    "blank": " ",
    "cntrl": "\t",
    "word": "a_7",
}
_ESCAPES = {
    "d": "0123456789",
    "w": "a_7Z",
    "s": " \t",
    "D": "a-",
    "W": "- ",
    "S": "a7",
    "n": "\n",
    "t": "\t",
    "r": "\r",
}
_CONSTRAINTS = "AZbByYmM"
"""Escapes that match a position, not a character."""
_OTHERS = "a7-Z_ .b8"
"""Characters for a negated set."""
_QUANTIFIER = re.compile(r"(?:([*+?])|\{(\d{1,4})(,(\d{0,4}))?\})\??")
_GROUP = re.compile(r"\(\?(?::|[a-z]*\))?")
_MAX_LENGTH = 2_000
"""Maximum length of a text in characters, however often the pattern repeats."""
_VARIANTS = 12


@dataclass(frozen=True, slots=True, kw_only=True)
class _Piece:
    """A quantified atom: one of some characters, or one of some branches."""

    characters: str = ""
    branches: Sequence[Sequence[_Piece]] = ()
    low: int = 1
    high: int = 1

    def expand(self, variant: int) -> Iterator[str]:
        """Yield the parts of a matching text; each variant takes other characters, branches and repetitions."""
        times = min((self.low or 1) + variant % 3, self.high, _MAX_LENGTH)
        for number in range(times):
            if self.branches:
                yield from _expand(self.branches[(variant + number) % len(self.branches)], variant + number)
            elif self.characters:
                yield self.characters[(variant + number) % len(self.characters)]


class _Parser:
    """Parses a pattern from left to right; raises ValueError for unknown syntax."""

    def __init__(self, text: str) -> None:
        self._text = text
        self._at = 0

    def parse(self) -> _Piece:
        """Return the parsed pattern."""
        found = self._branches()
        if self._at < len(self._text):
            raise ValueError("unbalanced")
        return found

    def _branches(self) -> _Piece:
        branches: list[list[_Piece]] = [[]]
        while self._at < len(self._text) and self._text[self._at] != ")":
            if self._text[self._at] == "|":
                self._at += 1
                branches.append([])
            else:
                branches[-1].append(self._quantified(self._atom()))
        return _Piece(branches=branches)

    def _quantified(self, atom: _Piece) -> _Piece:
        found = _QUANTIFIER.match(self._text, self._at)
        if found is None:
            return atom
        self._at = found.end()
        if found[1]:
            low, high = {"*": (0, _MAX_LENGTH), "+": (1, _MAX_LENGTH), "?": (0, 1)}[found[1]]
        else:
            low = int(found[2])
            high = low if found[3] is None else int(found[4] or _MAX_LENGTH)
        return _Piece(characters=atom.characters, branches=atom.branches, low=low, high=high)

    def _atom(self) -> _Piece:
        character = self._next()
        if character == "(":
            return self._group()
        if character == "[":
            return _Piece(characters=self._set())
        if character == "\\":
            return _Piece(characters=self._escape())
        if character in "^$":
            return _Piece()
        if character in "*+?)":
            raise ValueError("nothing to repeat")
        return _Piece(characters="a7" if character == "." else character)

    def _group(self) -> _Piece:
        options = _GROUP.match(self._text, self._at - 1)
        if options is not None:
            self._at = options.end()
            if options[0].endswith(")"):
                return _Piece()
            if options[0] == "(?":
                raise ValueError("lookahead or lookbehind")
        inner = self._branches()
        if self._next() != ")":
            raise ValueError("unbalanced")
        return inner

    def _set(self) -> str:
        negated = self._text.startswith("^", self._at)
        self._at += negated
        found: list[str] = []
        first = True
        while (character := self._next()) != "]" or first:
            first = False
            if character == "[" and self._text.startswith(":", self._at):
                name, _, _ = self._text[self._at + 1 :].partition(":]")
                self._at += len(name) + 3
                found.append(_CLASSES[name])
            elif character == "\\":
                found.append(self._escape())
            elif self._text.startswith("-", self._at) and self._text[self._at + 1 : self._at + 2] not in {"]", ""}:
                self._at += 1
                found.append(_character_range(character, self._next()))
            else:
                found.append(character)
        members = "".join(found)
        return "".join(other for other in _OTHERS if other not in members) if negated else members

    def _escape(self) -> str:
        character = self._next()
        if character in _CONSTRAINTS:
            return ""
        if character.isdigit():
            raise ValueError("back reference")
        return _ESCAPES.get(character, character)

    def _next(self) -> str:
        if self._at >= len(self._text):
            raise ValueError("incomplete")
        self._at += 1
        return self._text[self._at - 1]


def matching_texts(pattern: str) -> Iterator[str]:
    """Yield a few texts that match; nothing for a text that is no regular expression of known syntax."""
    if not _METACHARACTER.search(pattern) or len(pattern) > 500:
        return
    try:
        whole = _Parser(pattern).parse()
    except (ValueError, LookupError, RecursionError):
        return
    for variant in range(_VARIANTS):
        yield "".join(islice(_expand(whole.branches[variant % len(whole.branches)], variant), _MAX_LENGTH))


def _expand(pieces: Sequence[_Piece], variant: int) -> Iterator[str]:
    for piece in pieces:
        yield from piece.expand(variant)


def _character_range(low: str, high: str) -> str:
    if high < low:
        raise ValueError("invalid range")
    return "".join(map(chr, range(ord(low), min(ord(high), ord(low) + 255) + 1)))
