"""The SQL inside a PL/pgSQL body, as statements that the server can be asked about.

The server looks at such a body only when a line of it runs. What is found here is a part of it: statements that stand
by themselves, with the routine's variables put as parameters. What is read wrongly does not prepare on the old schema
either, and is not judged.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator

from kfm_ci.sql import statements
from kfm_ci.sql.tokens import Kind, Token, tokens

_QUERIES = frozenset({"insert", "update", "delete", "select", "perform", "with", "merge"})
_OPENERS = frozenset({"begin", "then", "else", "loop", "query", "in"})
_BLANK = frozenset({Kind.SPACE, Kind.LINE_COMMENT, Kind.BLOCK_COMMENT})
_RECORDS = frozenset({"new", "old"})


def queries(body: str, arguments: Iterable[str]) -> Iterator[str]:
    """Yield the statements of a body; ``arguments`` are the names of the routine's parameters."""
    names = {name.lower() for name in arguments if name} | _declared(body) | _RECORDS
    for part in statements.split(body):
        for text in _queries(part.text):
            yield _parametrised(text, names)


def fields(body: str) -> frozenset[str]:
    """Return the columns that a trigger's body takes from ``new`` and ``old``."""
    words = [(body[token.start : token.end], token.kind) for token in tokens(body) if token.kind not in _BLANK]
    return frozenset(
        _plain(words[index + 2])
        for index in range(len(words) - 2)
        if words[index][0].lower() in _RECORDS
        and words[index + 1][0] == "."
        and words[index + 2][1] in {Kind.WORD, Kind.QUOTED}
    )


def _plain(word: tuple[str, Kind]) -> str:
    text, kind = word
    return text[1:-1].replace('""', '"') if kind is Kind.QUOTED else text.lower()


def _declared(body: str) -> set[str]:
    """Return the variables of the body: what begins a line of ``declare``, and what a loop runs over."""
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


def _queries(text: str) -> Iterator[str]:
    """Yield the SQL in one piece of a body (what stands between two semicolons)."""
    meant = [token for token in tokens(text) if token.kind not in _BLANK]
    depth = index = 0
    opened = True
    while index < len(meant):
        token = meant[index]
        word = text[token.start : token.end].lower()
        if opened and depth == 0 and word in _QUERIES:
            while index < len(meant) and text[meant[index].start : meant[index].end].lower() != "loop":
                index += 1
            end = meant[index].start if index < len(meant) else len(text)
            head = "select" if word == "perform" else text[token.start : token.end]
            yield _without_targets(head + text[token.end : end])
            continue
        depth += (token.kind is Kind.OPEN) - (token.kind is Kind.CLOSE)
        opened = word in _OPENERS
        index += 1


def _without_targets(text: str) -> str:
    """Take ``into a, b`` out of a query: that is PL/pgSQL's, not the server's."""
    meant = [token for token in tokens(text) if token.kind not in _BLANK]
    depth = 0
    for index, token in enumerate(meant):
        depth += (token.kind is Kind.OPEN) - (token.kind is Kind.CLOSE)
        before = text[meant[index - 1].start : meant[index - 1].end].lower() if index else ""
        if depth == 0 and text[token.start : token.end].lower() == "into" and before not in {"insert", "merge"}:
            return text[: token.start] + text[_targets_end(text, meant, index) :]
    return text


def _targets_end(text: str, meant: list[Token], into: int) -> int:
    """Return where the list of variables after ``into`` ends: a name that no comma or dot goes before."""
    position = into + 1
    if position < len(meant) and text[meant[position].start : meant[position].end].lower() == "strict":
        position += 1
    while position + 1 < len(meant) and text[meant[position + 1].start] in ",.":
        position += 2
    return meant[position].end if position < len(meant) else len(text)


def _parametrised(text: str, names: set[str]) -> str:
    """Put every variable as a parameter of its own; the server finds out its type."""
    meant = [token for token in tokens(text) if token.kind not in _BLANK]
    pieces: list[str] = []
    position = number = index = 0
    while index < len(meant):
        token = meant[index]
        word = text[token.start : token.end]
        qualified = index > 0 and text[meant[index - 1].start] == "."
        is_variable = (token.kind is Kind.WORD and word.lower() in names and not qualified) or word.startswith("$")
        if is_variable and token.kind is not Kind.STRING:
            last = index
            while (
                last + 2 < len(meant)
                and text[meant[last + 1].start] == "."
                and meant[last + 2].kind in {Kind.WORD, Kind.QUOTED}
            ):
                last += 2
            number += 1
            pieces += [text[position : token.start], f"${number}"]
            position, index = meant[last].end, last
        index += 1
    return "".join([*pieces, text[position:]])
