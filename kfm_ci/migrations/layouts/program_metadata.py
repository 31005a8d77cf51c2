"""Metadata in a program's own comments: the header's block, or single lines such as ``# kfm: owner: payments``."""

from __future__ import annotations

import re

from kfm_ci.migrations import header
from kfm_ci.migrations.model import Header

_MARK = re.compile(r"^\s*(?:#|//|--|\*|<!--)\s?(?:--\s?)?")
_LINE = re.compile(r"^\s*(?:#|//|--|\*|<!--)\s*kfm:\s*([a-z][a-z-]*)\s*:\s*(.*?)\s*(?:-->)?$")


def parse(text: str, *, id: str, first_line: int = 1) -> Header | None:
    """Return the metadata of a program, or None; the block may be in comments or in the docstring.

    Single lines need not contain the migration's ``id`` or the dialect.
    """
    lines = text.split("\n")
    if header.OPEN in text:
        plain = [f"-- {_MARK.sub('', line).strip()}" if line.strip() else line for line in lines]
        return header.parse("\n".join(["" for _ in range(first_line - 1)] + plain))
    found = [(match, number) for number, line in enumerate(lines, first_line) if (match := _LINE.match(line))]
    if not found:
        return None
    values: dict[str, str] = {}
    problems = []
    for match, number in found:
        if match[1] in values:
            problems.append((number, f"key {match[1]!r} is given twice"))
        values.setdefault(match[1], match[2])
    values = {"id": id, "dialect": "postgresql", **values}
    return Header(
        values=values,
        lines={match[1]: number for match, number in reversed(found)},
        start=found[0][1],
        end=found[-1][1],
        problems=tuple(problems),
    )
