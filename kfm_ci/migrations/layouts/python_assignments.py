"""Assignments in a Python file, read without running it; line by line where the syntax is newer than this Python's."""

from __future__ import annotations

import ast
import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass

_ASSIGNS = re.compile(r"^[ \t]*(?P<name>[A-Za-z_]\w*)[ \t]*(?::[^=\n]*)?=[ \t]*(?P<value>[^=\n].*)$")
_LONGEST = 200
"""Maximum number of lines of one value."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Assigned:
    """Names assigned by a module or one of its classes, and the module's title."""

    values: Mapping[str, ast.expr]
    title: str
    """First line of the module's docstring; empty when there is none."""

    def literal(self, name: str) -> object:
        """Return the value of a literal; None where it is computed or missing."""
        try:
            return ast.literal_eval(self.values[name]) if name in self.values else None
        except (ValueError, TypeError):
            return None


def read(text: str, *, of: str | None = None) -> Assigned | None:
    """Return the assignments of a module, or of its class ``of``; None when there is no such class."""
    try:
        tree = ast.parse(text)
    except (SyntaxError, ValueError, RecursionError):
        # newer syntax, or invalid: the tool itself decides which
        there = of is None or re.search(rf"^class {re.escape(of)}\b", text, re.MULTILINE)
        return Assigned(values=dict(_by_line(text)), title="") if there else None
    body: list[ast.stmt] | None = tree.body
    if of is not None:
        body = next((node.body for node in tree.body if isinstance(node, ast.ClassDef) and node.name == of), None)
    title = (ast.get_docstring(tree) or "").strip().split("\n")[0]
    return None if body is None else Assigned(values=dict(_values(body)), title=title)


def _values(body: list[ast.stmt]) -> Iterator[tuple[str, ast.expr]]:
    for node in body:
        targets = (
            node.targets if isinstance(node, ast.Assign) else [node.target] if isinstance(node, ast.AnnAssign) else []
        )
        value = getattr(node, "value", None)
        for target in targets:
            if isinstance(target, ast.Name) and value is not None:
                yield target.id, value


def _by_line(text: str) -> Iterator[tuple[str, ast.expr]]:
    """Yield the assignments at the start of lines, each up to the line that completes the value."""
    lines = text.split("\n")
    for number, line in enumerate(lines):
        found = _ASSIGNS.match(line)
        if found is None:
            continue
        value = ""
        for more in (found["value"], *lines[number + 1 : number + _LONGEST]):
            value += f"{more}\n"
            try:
                body = ast.parse(value.strip(), mode="eval").body
                yield found["name"], ast.increment_lineno(body, number)
                break
            except (SyntaxError, ValueError, RecursionError):
                if value.count("(") + value.count("[") <= value.count(")") + value.count("]"):
                    break
