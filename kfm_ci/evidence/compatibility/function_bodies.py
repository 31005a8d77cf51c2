"""The SQL inside a PL/pgSQL body, as statements that PostgreSQL can prepare.

PostgreSQL checks a statement of such a body only when it runs. This finds the statements, not the expressions, and
replaces the routine's variables by parameters. A statement that is extracted wrongly does not prepare on the old schema
either, and is ignored.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator

from kfm_ci.sql import statements
from kfm_ci.sql.tokens import Kind, Token, tokens

_QUERIES = frozenset({"insert", "update", "delete", "select", "perform", "with", "merge"})
_OPENERS = frozenset({"begin", "then", "else", "loop", "query", "in"})
_BLANK = frozenset({Kind.SPACE, Kind.LINE_COMMENT, Kind.BLOCK_COMMENT})
_RECORDS = frozenset({"new", "old"})


def extract_queries(body: str, arguments: Iterable[str]) -> Iterator[str]:
    """Yield the statements of a body; ``arguments`` are the names of the routine's parameters."""
    names = {name.lower() for name in arguments if name} | _variables(body) | _RECORDS
    for part in statements.split(body):
        for text in _split_queries(part.text):
            yield _with_parameters(text, names)


def trigger_columns(body: str) -> frozenset[str]:
    """Return the columns that the body of a trigger function reads from ``new`` and ``old``."""
    words = [(body[token.start : token.end], token.kind) for token in tokens(body) if token.kind not in _BLANK]
    return frozenset(
        _column_name(words[index + 2])
        for index in range(len(words) - 2)
        if words[index][0].lower() in _RECORDS
        and words[index + 1][0] == "."
        and words[index + 2][1] in {Kind.WORD, Kind.QUOTED}
    )


def _column_name(word: tuple[str, Kind]) -> str:
    text, kind = word
    return text[1:-1].replace('""', '"') if kind is Kind.QUOTED else text.lower()


def _variables(body: str) -> set[str]:
    """Return the variables of the body: those of ``declare`` sections and of loops."""
    found: set[str] = set()
    declaring = first = False
    previous = ""
    for token in tokens(body):
        if token.kind in _BLANK:
            continue
        word = body[token.start : token.end].lower()
        if word in {"declare", "begin"}:
            declaring = first = word == "declare"
        elif token.kind is Kind.SEMICOLON:
            first = declaring
        elif token.kind is Kind.WORD and (first or previous in {"for", "foreach"}):
            found.add(word)
            first = False
        previous = word
    return found


def _split_queries(text: str) -> Iterator[str]:
    """Yield the SQL in one part of a body, the text between two semicolons."""
    solid = [token for token in tokens(text) if token.kind not in _BLANK]
    depth = index = 0
    opened = True
    while index < len(solid):
        token = solid[index]
        word = text[token.start : token.end].lower()
        if opened and depth == 0 and word in _QUERIES:
            while index < len(solid) and text[solid[index].start : solid[index].end].lower() != "loop":
                index += 1
            end = solid[index].start if index < len(solid) else len(text)
            head = "select" if word == "perform" else text[token.start : token.end]
            yield _without_targets(head + text[token.end : end])
            continue
        depth += (token.kind is Kind.OPEN) - (token.kind is Kind.CLOSE)
        opened = word in _OPENERS
        index += 1


def _without_targets(text: str) -> str:
    """Remove ``INTO a, b`` from a query: it is PL/pgSQL, not SQL."""
    solid = [token for token in tokens(text) if token.kind not in _BLANK]
    depth = 0
    for index, token in enumerate(solid):
        depth += (token.kind is Kind.OPEN) - (token.kind is Kind.CLOSE)
        before = text[solid[index - 1].start : solid[index - 1].end].lower() if index else ""
        if depth == 0 and text[token.start : token.end].lower() == "into" and before not in {"insert", "merge"}:
            return text[: token.start] + text[_targets_end(text, solid, index) :]
    return text


def _targets_end(text: str, solid: list[Token], into: int) -> int:
    """Return the end of the list of variables after ``INTO``: the last name that a comma or dot continues."""
    position = into + 1
    if position < len(solid) and text[solid[position].start : solid[position].end].lower() == "strict":
        position += 1
    while position + 1 < len(solid) and text[solid[position + 1].start] in ",.":
        position += 2
    return solid[position].end if position < len(solid) else len(text)


def _with_parameters(text: str, names: set[str]) -> str:
    """Replace each variable by a parameter; PostgreSQL infers its type."""
    solid = [token for token in tokens(text) if token.kind not in _BLANK]
    pieces: list[str] = []
    position = number = index = 0
    while index < len(solid):
        token = solid[index]
        word = text[token.start : token.end]
        qualified = index > 0 and text[solid[index - 1].start] == "."
        is_variable = (token.kind is Kind.WORD and word.lower() in names and not qualified) or word.startswith("$")
        if is_variable and token.kind is not Kind.STRING:
            last = index
            while (
                last + 2 < len(solid)
                and text[solid[last + 1].start] == "."
                and solid[last + 2].kind in {Kind.WORD, Kind.QUOTED}
            ):
                last += 2
            number += 1
            pieces += [text[position : token.start], f"${number}"]
            position, index = solid[last].end, last
        index += 1
    return "".join([*pieces, text[position:]])
