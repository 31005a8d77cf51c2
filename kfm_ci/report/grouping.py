"""What is told in one breath: what one remedy mends in one place, what is true of several places, and a crowd of one rule."""

from __future__ import annotations

import os
import re
from collections.abc import Iterable
from dataclasses import dataclass, replace

from kfm_ci.model import Finding, Severity

CROWD = 5
"""So many tellings of one rule that refuses nothing are each told in their own words; of more only the first."""
LEADERS = 3
"""How many of a crowd are told in full."""
LINES = 5
"""Lines of one file that are named."""
_SENTENCE = re.compile(r"(?<=[.!?]) (?=[A-Z(])| (?=\()")
"""Where another sentence or an addition in brackets begins."""


@dataclass(frozen=True, slots=True, kw_only=True)
class FindingGroup:
    """Findings that are told together."""

    found: tuple[Finding, ...]
    """Of one place and with one remedy; never empty."""
    also: tuple[Finding, ...] = ()
    """One for each other place."""
    crowd: bool = False
    """Whether the others only are of the same rule, and each says something of its own."""

    @property
    def lead(self) -> Finding:
        """The finding that gives place, severity and remedy."""
        return self.found[0]

    @property
    def rules(self) -> tuple[str, ...]:
        """The rules that it speaks of, each once."""
        return tuple(dict.fromkeys(item.rule for item in self.found))

    @property
    def messages(self) -> tuple[str, ...]:
        """What is said, each once; what all of them end on is said by the last alone."""
        said = list(dict.fromkeys(item.message for item in self.found))
        alike = os.path.commonprefix([text[::-1] for text in said])[::-1]
        begins = _SENTENCE.search(alike)
        tail = alike[begins.start() :] if begins and len(said) > 1 else ""
        return (*(text.removesuffix(tail) for text in said[:-1]), said[-1])


def tell(findings: Iterable[Finding]) -> list[FindingGroup]:
    """Return findings in their order, put together where that is shorter and loses nothing that its reader has to do."""
    return _crowded(_alike(_bundled(findings)))


def places(also: Iterable[Finding]) -> list[tuple[str, str]]:
    """Return each file once, with the lines to name there as text: empty, or ``:3, 5 and 2 more``."""
    lines: dict[str, list[int]] = {}
    for item in also:
        lines.setdefault(item.place.file or "", []).extend([item.place.line] if item.place.line else [])
    return [(file, _numbers(sorted(set(found)))) for file, found in lines.items()]


def _numbers(lines: list[int]) -> str:
    more = f" and {len(lines) - LINES} more" if len(lines) > LINES else ""
    return f":{', '.join(map(str, lines[:LINES]))}{more}" if lines else ""


def _bundled(findings: Iterable[Finding]) -> list[FindingGroup]:
    bundles: dict[tuple[object, ...], list[Finding]] = {}
    for number, item in enumerate(findings):
        place = item.place.file, item.place.line
        said = item.severity, item.verdict, item.acknowledged, item.help
        bundles.setdefault((*place, *said) if all(place) and item.help else (number,), []).append(item)
    return [FindingGroup(found=tuple(found)) for found in bundles.values()]


def _alike(tellings: Iterable[FindingGroup]) -> list[FindingGroup]:
    groups: dict[tuple[object, ...], FindingGroup] = {}
    for item in tellings:
        said = tuple(
            (one.rule, one.severity, one.verdict, one.acknowledged, one.message, one.help) for one in item.found
        )
        first = groups.get(said)
        groups[said] = item if first is None else replace(first, also=(*first.also, item.lead))
    return list(groups.values())


def _crowded(tellings: list[FindingGroup]) -> list[FindingGroup]:
    same: dict[tuple[object, ...], list[FindingGroup]] = {}
    for item in tellings:
        if item.lead.severity is not Severity.ERROR:
            same.setdefault((item.lead.severity, item.lead.verdict, item.rules), []).append(item)
    told: list[FindingGroup] = []
    for item in tellings:
        group = same.get((item.lead.severity, item.lead.verdict, item.rules), [])
        number = next((number for number, one in enumerate(group) if one is item), 0)
        if len(group) <= CROWD or number < LEADERS:
            told.append(item)
        elif number == LEADERS:
            others = [one for each in group[LEADERS:] for one in (each.lead, *each.also)]
            told.append(FindingGroup(found=item.found, also=tuple(others), crowd=True))
    return told
