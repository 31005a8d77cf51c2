"""Splitting of SQL text into statements, and their parse trees."""

from __future__ import annotations

import re
from bisect import bisect_right
from collections.abc import Iterator
from dataclasses import dataclass
from functools import lru_cache
from typing import NamedTuple

from kfm_ci.sql import copy_data
from kfm_ci.sql.parse_tree import Node
from kfm_ci.sql.script import Script, Statement
from kfm_ci.sql.tokens import Kind, Token, line_end, runs, solid, tokens, words

MAX_CHAIN = 2000
"""Maximum number of tokens without a comma; beyond it, the parser's recursion could overflow the stack."""

_SILENT = frozenset({Kind.SPACE, Kind.LINE_COMMENT, Kind.BLOCK_COMMENT})


class _Part(NamedTuple):
    raw_start: int
    start: int
    end: int
    raw_end: int


@dataclass
class SyntaxProblem(Exception):
    """The text does not parse; line and column are 1-based, in characters."""

    message: str
    line: int
    column: int

    def __str__(self) -> str:
        return f"{self.message} (line {self.line}, column {self.column})"


@dataclass
class TooComplex(SyntaxProblem):
    """The text is nested too deeply to be parsed safely."""


class Lines:
    """Turns character offsets into 1-based lines and columns."""

    __slots__ = ("_first", "_starts")

    def __init__(self, text: str, first_line: int = 1) -> None:
        """Index the lines, which end at a line feed only, as in git."""
        self._starts = [0, *(found.end() for found in re.finditer("\n", text))]
        self._first = first_line

    def place(self, offset: int) -> tuple[int, int]:
        """Return the 1-based line and column of a 0-based character offset."""
        index = bisect_right(self._starts, offset) - 1
        return index + self._first, offset - self._starts[index] + 1


class _Splitter:
    """Finds the start and the end of each statement in one pass over the tokens."""

    __slots__ = ("_atomic", "_begin", "_ends", "_first", "_head", "_last", "_parens", "_text", "_tokens")

    def __init__(self, text: str) -> None:
        self._text = text
        self._ends = copy_data.Ends(text)
        self._tokens = solid if copy_data.possible(text) or "atomic" in text.lower() else runs
        self._begin = 0
        self._clear()

    def _clear(self) -> None:
        self._first = self._last = -1
        self._parens = self._atomic = 0
        self._head: list[str] = []

    def parts(self) -> Iterator[_Part]:
        """Yield one part for each statement; their raw texts are adjacent."""
        position = 0
        while position < len(self._text):
            part = self._next(position)
            if part is None:
                return
            yield part
            # Inline rows of COPY are not SQL, so the tokens start again after them.
            position = self._begin = part.raw_end
            self._clear()

    def _next(self, position: int) -> _Part | None:
        text = self._text
        for token in self._tokens(text, position):
            kind = token.kind
            if kind is Kind.SEMICOLON and not self._parens and not self._atomic:
                if self._first >= 0:
                    return _Part(self._begin, self._first, self._last, self._ends.after(self._head, token.end))
                continue
            if kind is Kind.BACKSLASH and self._first < 0:
                end = line_end(text, token.start)
                return _Part(self._begin, token.start, len(text[:end].rstrip("\r\n")), end)
            self._take(token)
        return _Part(self._begin, self._first, self._last, len(text)) if self._first >= 0 else None

    def _take(self, token: Token) -> None:
        if self._first < 0:
            self._first = token.start
        self._last = token.end
        if token.kind is Kind.OPEN:
            self._parens += 1
        elif token.kind is Kind.CLOSE:
            self._parens = max(0, self._parens - 1)
        elif token.kind is Kind.WORD:
            self._head.append(self._text[token.start : token.end].lower())
            if self._head[0] == "create" and not self._parens:
                self._atomic = _atomic_depth(self._head, self._atomic)


def _atomic_depth(head: list[str], depth: int) -> int:
    """Return the depth of ``BEGIN ATOMIC … END`` bodies, whose semicolons do not end the statement (as in psql)."""
    if not depth:
        return int(head[-2:] == ["begin", "atomic"] and not {"function", "procedure"}.isdisjoint(head[1:4]))
    return depth + (head[-1] == "case") - (head[-1] == "end")


@lru_cache(maxsize=65536)
def split(text: str, *, first_line: int = 1) -> tuple[Statement, ...]:
    """Return the statements of a text, whether it parses or not.

    The raw texts joined are the text; the rest after the last statement belongs to its raw text. A text without a
    statement gives an empty tuple. ``first_line`` is the line
    of the file on which the text begins. A psql meta-command is a statement of its own; rows after
    ``copy … from stdin;`` belong to the raw of the copy, not to its text.
    """
    lines = Lines(text, first_line)
    parts = list(_Splitter(text).parts())
    if parts:
        parts[-1] = parts[-1]._replace(raw_end=len(text))
    found = []
    for begin, first, last, end in parts:
        line, column = lines.place(first)
        end_line, _ = lines.place(max(first, last - 1))
        found.append(
            Statement(
                text=text[first:last],
                raw=text[begin:end],
                line=line,
                column=column,
                end_line=end_line,
                offset=first,
            )
        )
    return tuple(found)


def of(script: Script) -> tuple[Statement, ...]:
    """Return the statements of a script, with lines of its file."""
    return split(script.text, first_line=script.first_line)


@lru_cache(maxsize=16384)
def parse(sql: str) -> tuple[Node, ...]:
    """Return one tree per statement of the text; raises SyntaxProblem, or TooComplex without parsing.

    The tree is the parser's, version 18, so text that a newer or older server understands may differ.
    """
    import postgast  # imported here, because it takes 0.1 s that commands without parsing can save
    from google.protobuf.message import DecodeError

    if "\0" in sql:
        raise SyntaxProblem("NUL byte in the text", *Lines(sql).place(sql.index("\0")))
    if too_deep(sql):
        raise TooComplex("nested too deeply to be analysed", 1, 1)
    try:
        result = postgast.parse(sql)
    except postgast.PgQueryError as error:
        offset = max(0, (error.cursorpos or 1) - 1)
        raise SyntaxProblem(str(error.message), *Lines(sql).place(offset)) from None
    except (DecodeError, UnicodeEncodeError, RecursionError):
        raise TooComplex("nested too deeply to be analysed", 1, 1) from None
    return tuple(Node(statement.stmt) for statement in result.stmts)


def too_deep(sql: str) -> bool:
    """Whether a text may be nested so deeply that the parser's recursion overflows the stack."""
    return _longest_chain(sql) > MAX_CHAIN


def _longest_chain(sql: str) -> int:
    """Return an upper bound of the depth of the parse tree: tokens without a comma, including nested groups."""
    if len(sql) <= MAX_CHAIN:
        return 0
    chain = deepest = 0
    stack: list[int] = []
    for token in tokens(sql):
        if token.kind in _SILENT:
            continue
        if token.kind is Kind.OPEN:
            stack.append(chain)
        elif token.kind is Kind.CLOSE and stack:
            chain = stack.pop()
        elif token.kind is Kind.SEMICOLON and not stack:
            chain = 0
        elif sql[token.start] == ",":
            chain = stack[-1] if stack else 0
        chain += 1
        deepest = max(deepest, chain)
    return deepest


_PREFIXES = frozenset(
    {"OR", "REPLACE", "UNIQUE", "TEMP", "TEMPORARY", "UNLOGGED", "GLOBAL", "LOCAL", "RECURSIVE", "TRUSTED",
     "PROCEDURAL", "CONSTRAINT", "DEFAULT"}
)  # fmt: skip
_LONG = frozenset(
    {"MATERIALIZED VIEW", "FOREIGN TABLE", "EVENT TRIGGER", "ACCESS METHOD", "OPERATOR CLASS", "OPERATOR FAMILY",
     "USER MAPPING", "DEFAULT PRIVILEGES", "LARGE OBJECT"}
)  # fmt: skip
_SYNONYMS = {"USER": "ROLE", "GROUP": "ROLE"}
_QUERIES = {"SelectStmt": "SELECT", "InsertStmt": "INSERT", "UpdateStmt": "UPDATE", "DeleteStmt": "DELETE",
            "MergeStmt": "MERGE"}  # fmt: skip
_PAIRS = {"START": "TRANSACTION", "REFRESH": "MATERIALIZED VIEW", "PREPARE": "TRANSACTION", "IMPORT": "FOREIGN SCHEMA",
          "REASSIGN": "OWNED", "SECURITY": "LABEL"}  # fmt: skip


@lru_cache(maxsize=16384)
def kind(statement: str) -> str:
    """Return the command of a statement in upper case, such as ``ALTER TABLE``, also of one that does not parse."""
    if statement.startswith("\\"):
        return statement.split(maxsplit=1)[0]
    found = words(statement, 12)
    first = found[0] if found else ""
    if first in {"WITH", "("}:
        return _query_kind(statement)
    if first in {"CREATE", "ALTER", "DROP"}:
        return f"{first} {_object_kind(_without_prefixes(first, found[1:]))}".rstrip()
    pair = _PAIRS.get(first, "")
    follows = pair.split()
    if follows and list(found[1 : 1 + len(follows)]) == follows:
        return f"{first} {pair}"
    return {"TRUNCATE": "TRUNCATE TABLE", "END": "COMMIT", "ABORT": "ROLLBACK", "TABLE": "SELECT"}.get(first, first)


def _without_prefixes(first: str, after: tuple[str, ...]) -> list[str]:
    if first != "CREATE":
        return list(after)
    return [word for index, word in enumerate(after) if index > 2 or word not in _PREFIXES]


def _object_kind(after: list[str]) -> str:
    if after[:2] == ["TEXT", "SEARCH"]:
        return " ".join(after[:3])
    if after[:3] == ["FOREIGN", "DATA", "WRAPPER"]:
        return "FOREIGN DATA WRAPPER"
    if " ".join(after[:2]) in _LONG:
        return " ".join(after[:2])
    return _SYNONYMS.get(after[0], after[0]) if after else ""


def _query_kind(statement: str) -> str:
    try:
        trees = parse(statement)
    except SyntaxProblem:
        return "WITH" if statement[:1] != "(" else "SELECT"
    return _QUERIES.get(trees[0].tag, "SELECT") if trees else "SELECT"


__all__ = [
    "Lines", "Node", "SyntaxProblem", "TooComplex", "kind", "of", "parse", "split", "too_deep", "words",
]  # fmt: skip
