"""Runbooks: the written way back of a migration that has no other."""

from __future__ import annotations

import re
from dataclasses import dataclass

SECTIONS = ("trigger", "steps", "verification", "owner")
"""Headings that a runbook needs, in any order and at any depth."""

_HEADING = re.compile(r"#{1,6}\s+(.*?)\s*#*\s*")
_FENCE = re.compile(r"\s{0,3}(`{3,}|~{3,})\s*(.*?)\s*")


@dataclass(frozen=True, slots=True, kw_only=True)
class DrillBlock:
    """SQL of a runbook that is run in the drill."""

    text: str
    line: int
    """1-based line of its first line of SQL, in the runbook."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Runbook:
    """What a runbook says that a machine can see."""

    path: str
    missing: tuple[str, ...] = ()
    """Required sections that it has not."""
    drills: tuple[DrillBlock, ...] = ()
    """Fenced blocks tagged ``sql drill``, in order."""


def parse(path: str, text: str) -> Runbook:
    """Return what a runbook in Markdown holds; an unclosed fence reaches to the end, as Markdown has it."""
    found: set[str] = set()
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
            found.update(section for section in SECTIONS if section in words)
    if fence is not None and tagged:
        drills.append(DrillBlock(text="\n".join(block), line=first))
    return Runbook(path=path, missing=tuple(s for s in SECTIONS if s not in found), drills=tuple(drills))
