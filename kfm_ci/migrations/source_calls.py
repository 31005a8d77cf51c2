"""Calls in a migration program, and the call that most likely sent a statement.

The program is not run. The parser knows strings, comments and brackets only.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass
from functools import lru_cache

from kfm_ci.migrations import source_calls_ruby_elixir

_TOKEN = re.compile(
    r"""(?P<text>\"\"\"(?:[^\\]|\\.)*?\"\"\"|'''(?:[^\\]|\\.)*?'''|"(?:[^"\\\n]|\\.)*"|'(?:[^'\\\n]|\\.)*'|`(?:[^`\\]|\\.)*`)"""
    r"|(?P<comment>#[^\n]*|//[^\n]*|/\*.*?\*/|<!--.*?-->)|(?P<open>[(\[])|(?P<close>[)\]])|(?P<name>[A-Za-z_$][\w$]*)",
    re.DOTALL,
)
_WORD = re.compile(r"[A-Za-z_$][\w$]*|\d+")
_VERBS = {
    "create": ("create",),
    "drop": ("drop", "remove"),
    "add": ("add", "alter"),
    "rename": ("rename",),
    "alter": ("alter", "change"),
    "insert": ("insert", "create", "bulk"),
    "update": ("update",),
    "delete": ("delete",),
    "comment": ("comment",),
}
_GIVES = frozenset({"insert", "update", "comment"})
"""Commands that no call with a name such as ``drop`` sends; its down migration may create or add an object."""
_TAKES = ("drop", "rename", "remove")
_HOLE = re.compile(r"\$\{[^}]*\}|#?\{[^{}]*\}|%\([^)]*\)s|%s")
"""Placeholder for a value in the SQL of a program."""
_BACKWARDS = re.compile(
    r"^[ \t]*(?:(?:export|public|async|static|def|function|const)[ \t]+)*(?:module\.)?(?:exports\.)?"
    r"(?P<name>(?:down|up)(?:grade)?)\b"
    r"[ \t]*(?:[:=(]|do\b|$)",
    re.MULTILINE,
)
"""Start of the down or up migration in a program."""
_HUMP = re.compile(r"(?<=[a-z0-9])(?=[A-Z])")
_ENOUGH = 8
"""Minimum number of characters that identify a statement."""
_SHOWN = 60
"""Maximum number of compared characters of SQL text."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Call:
    """A call with its strings: ``op.create_index("i", "t", ["a"])``."""

    name: str
    strings: tuple[str, ...]
    """What stands in quotes between its brackets, brackets within included."""
    line: int
    """1-based, of its name."""
    end_line: int


@dataclass(frozen=True, slots=True, kw_only=True)
class Remark:
    """A comment of the program."""

    text: str
    line: int
    """1-based."""


@lru_cache(maxsize=1024)
def read(text: str, path: str = "") -> tuple[tuple[Call, ...], tuple[Remark, ...]]:
    """Return the calls that hold strings, and the comments, in order of lines; the language follows from ``path``."""
    if path.endswith(source_calls_ruby_elixir.ENDINGS):
        return (
            tuple(
                Call(name=name, strings=strings, line=line, end_line=end)
                for name, strings, line, end in source_calls_ruby_elixir.calls(text)
            ),
            tuple(Remark(text=remark, line=line) for remark, line in source_calls_ruby_elixir.remarks(text)),
        )
    calls: list[Call] = []
    remarks: list[Remark] = []
    stack: list[tuple[str, int, list[str]]] = []
    name, line, seen = "", 1, 0
    for token in _TOKEN.finditer(text):
        line, seen = line + text.count("\n", seen, token.start()), token.start()
        kind, piece = token.lastgroup, token[0]
        if kind == "comment":
            remarks.append(Remark(text=piece, line=line))
        elif kind == "name":
            name = piece
        elif kind == "text":
            for _, _, strings in stack:
                strings.append(piece.strip("\"'`"))
        elif kind == "open":
            stack.append((name if piece == "(" else "", line, []))
        elif stack:
            called, first, strings = stack.pop()
            if strings and called:
                calls.append(Call(name=called, strings=tuple(strings), line=first, end_line=line))
    return tuple(sorted(calls, key=lambda call: (call.line, -call.end_line))), tuple(remarks)


def strings(text: str) -> tuple[str, ...]:
    """Return the string literals in order, without their quotes."""
    return tuple(token[0].strip("\"'`") for token in _TOKEN.finditer(text) if token.lastgroup == "text")


def written(statement: str, text: str, begins: int = 1) -> tuple[int, int] | None:
    """Return the first and last 1-based line of a statement's text; None unless it occurs exactly once."""
    start = text.find(statement) if len(statement) >= _ENOUGH else -1
    if start < 0 or text.find(statement, start + 1) >= 0:
        return None
    line = text.count("\n", 0, start) + 1
    return (line, line + statement.count("\n")) if line >= begins else None


def parted(calls: Sequence[Call], text: str, *, back: bool) -> Sequence[Call]:
    """Return the calls of the down migration of a program, or of its up migration; all if they cannot be separated."""
    begins = [
        (text.count("\n", 0, found.start()) + 1, found["name"].startswith("down"))
        for found in _BACKWARDS.finditer(text)
    ]
    if sorted(way for _, way in begins) != [False, True]:
        return calls
    (first, leads), (second, _) = begins
    return [call for call in calls if call.line >= first and (call.line < second) is (leads is back)]


def sender(statement: str, calls: Sequence[Call]) -> Call | None:
    """Return the call that most likely sent a statement, or None."""
    words = {word.lower() for word in _WORD.findall(statement)}
    plain = " ".join(statement.split()).lower()
    verb = plain.split(" ", 1)[0]
    if verb == "alter":
        verb = next((word for word in ("rename", "drop", "add") if word in words), verb)
    best: tuple[float, Call] | None = None
    for call in calls:
        score = _score(call, words, plain, verb)
        if score > 0 and (best is None or score > best[0]):
            best = (score, call)
    return best[1] if best else None


def _score(call: Call, words: set[str], plain: str, verb: str) -> float:
    score = 2.0 if len(call.strings) > 1 and _joined(call.strings) in words else 0.0
    for number, string in enumerate(call.strings):
        piece = " ".join(string.split()).lower()
        if " " in piece:
            held = _holds(plain, piece) or (len(plain) > 8 and plain[:_SHOWN] in piece)
            score += 10 if held else 0
        elif piece and all(word in words for word in _WORD.findall(piece)):
            score += 1
        elif piece and (f"{piece}_id" in words or (number == 0 and any(word.endswith(f"_{piece}") for word in words))):
            # a model by its table's name, a relation by its column's
            score += 0.75
        elif number == 0 and score == 0:
            return 0
    if score == 0:
        return 0
    name = call.name.lower()
    named = any(part in name for part in _VERBS.get(verb, ()))
    if verb in _GIVES and score < 10 and any(part in name for part in _TAKES):
        return 0
    # one name alone, such as that of a column, says nothing of what was done to it
    return score + (0.5 if named else 0) - 0.001 * len(call.strings) if named or score > 1 else 0


def _joined(strings: Sequence[str]) -> str:
    """Return the name that tools give an index without one, of its table and its columns."""
    return "_".join(_HUMP.sub("_", string).lower() for string in strings)


def _holds(plain: str, piece: str) -> bool:
    """Whether a statement begins as a piece of SQL does, with anything where the program puts a value."""
    at = 0
    for part in _HOLE.split(piece)[: _SHOWN // 4]:
        found = plain.find(part[:_SHOWN].strip(), at)
        if found < 0:
            return False
        at = found + len(part[:_SHOWN].strip())
        if len(part) > _SHOWN:
            break
    return at >= _ENOUGH
