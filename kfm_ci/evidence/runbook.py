"""Runbooks: the documented rollback of a migration with ``rollback: manual``."""

from __future__ import annotations

import re
from dataclasses import dataclass

SECTIONS = ("trigger", "steps", "verification", "owner")
"""Required headings, in any order and at any level."""

_HEADING = re.compile(r"#{1,6}\s+(.*?)\s*#*\s*")
_FENCE = re.compile(r"\s{0,3}(`{3,}|~{3,})\s*(.*?)\s*")


@dataclass(frozen=True, slots=True, kw_only=True)
class DrillBlock:
    """SQL of a runbook that is run in the drill."""

    text: str
    line: int
    """1-based line in the runbook of the first line of SQL."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Runbook:
    """The checked parts of a runbook."""

    path: str
    missing: tuple[str, ...] = ()
    """Required sections without a heading."""
    drills: tuple[DrillBlock, ...] = ()
    """Fenced blocks tagged ``sql drill``, in order."""


def parse(path: str, text: str) -> Runbook:
    """Return the missing sections and the drill blocks of a runbook; an unclosed fence extends to the end."""
    sections: set[str] = set()
    drills: list[DrillBlock] = []
    fence: str | None = None
    tagged, block, first = False, [""], 0
    for number, line in enumerate(text.splitlines(), start=1):
        mark = _FENCE.fullmatch(line)
        if fence is not None:
            if mark and not mark[2] and mark[1].startswith(fence):
                if tagged:
                    drills.append(DrillBlock(text="\n".join(block), line=first))
                fence = None
            else:
                block.append(line)
        elif mark:
            fence, block, first = mark[1], [], number + 1
            tagged = mark[2].lower().split() == ["sql", "drill"]
        elif heading := _HEADING.fullmatch(line):
            words = re.findall(r"[a-z]+", heading[1].lower())
            sections.update(section for section in SECTIONS if section in words)
    if fence is not None and tagged:
        drills.append(DrillBlock(text="\n".join(block), line=first))
    return Runbook(path=path, missing=tuple(s for s in SECTIONS if s not in sections), drills=tuple(drills))
