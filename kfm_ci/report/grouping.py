"""Grouping of findings: one fix for one place, one message for several places, many findings of one rule."""

from __future__ import annotations

import os
import re
from collections.abc import Iterable
from dataclasses import dataclass, replace

from kfm_ci.model import Finding, Severity

CROWD = 5
"""Maximum number of groups of one non-blocking rule that are shown in full."""
LEADERS = 3
"""Number of groups shown in full beyond that maximum."""
LINES = 5
"""Maximum number of lines per file."""
_SENTENCE = re.compile(r"(?<=[.!?]) (?=[A-Z(])| (?=\()")
"""Start of another sentence or of an addition in parentheses."""


@dataclass(frozen=True, slots=True, kw_only=True)
class FindingGroup:
    """Findings that are reported as one."""

    found: tuple[Finding, ...]
    """Findings of one place with one help; never empty."""
    also: tuple[Finding, ...] = ()
    """One finding for each other place."""
    crowd: bool = False
    """Whether the others have the same rule but different messages."""

    @property
    def lead(self) -> Finding:
        """The finding with the place, severity and help of the group."""
        return self.found[0]

    @property
    def rules(self) -> tuple[str, ...]:
        """The rules of the group, each once."""
        return tuple(dict.fromkeys(item.rule for item in self.found))

    @property
    def messages(self) -> tuple[str, ...]:
        """The messages, each once; a common ending is in the last one only."""
        said = list(dict.fromkeys(item.message for item in self.found))
        alike = os.path.commonprefix([text[::-1] for text in said])[::-1]
        begins = _SENTENCE.search(alike)
        tail = alike[begins.start() :] if begins and len(said) > 1 else ""
        return (*(text.removesuffix(tail) for text in said[:-1]), said[-1])


def tell(findings: Iterable[Finding]) -> list[FindingGroup]:
    """Return findings in order, grouped where the reader has the same thing to do."""
    return _crowded(_alike(_bundled(findings)))


def places(also: Iterable[Finding]) -> list[tuple[str, str]]:
    """Return each file once, with its lines as text: empty, or ``:3, 5 and 2 more``."""
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
