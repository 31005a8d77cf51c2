"""Groups of findings: one fix for one place, one message for several places, many findings of one rule."""

from __future__ import annotations

import os
import re
from collections.abc import Iterable
from dataclasses import dataclass, replace

from kfm_ci import phrases
from kfm_ci.model import Finding, Severity

FULL_GROUPS = 5
"""Maximum number of groups of one non-blocking rule that are all shown in full."""
FIRST_GROUPS = 3
"""Number of groups shown in full beyond that maximum; the others are one abridged group."""
LINES = 5
"""Maximum number of lines per file."""
_SENTENCE = re.compile(r"(?<=[.!?]) (?=[A-Z(])| (?=\()")
"""Start of another sentence or of an addition in parentheses."""


@dataclass(frozen=True, slots=True, kw_only=True)
class FindingGroup:
    """Findings that are reported as one."""

    findings: tuple[Finding, ...]
    """Findings of one place with one help; never empty."""
    others: tuple[Finding, ...] = ()
    """One finding for each other place."""
    is_abridged: bool = False
    """Whether the others have the same rule but different messages, which are not shown."""

    @property
    def lead(self) -> Finding:
        """The finding with the place, severity and help of the group."""
        return self.findings[0]

    @property
    def rules(self) -> tuple[str, ...]:
        """The rules of the group, each once."""
        return tuple(dict.fromkeys(item.rule for item in self.findings))

    @property
    def messages(self) -> tuple[str, ...]:
        """The messages, each once; a common ending is in the last one only."""
        texts = list(dict.fromkeys(item.message for item in self.findings))
        ending = os.path.commonprefix([text[::-1] for text in texts])[::-1]
        begins = _SENTENCE.search(ending)
        tail = ending[begins.start() :] if begins and len(texts) > 1 else ""
        return (*(text.removesuffix(tail) for text in texts[:-1]), texts[-1])


def group_findings(findings: Iterable[Finding]) -> list[FindingGroup]:
    """Return findings in order, grouped where the reader has the same thing to do."""
    return _abridge(_merge_places(_merge_rules(findings)))


def places(others: Iterable[Finding]) -> list[tuple[str, str]]:
    """Return each file once, with its lines as text: empty, or ``:3, 5 and 2 more``."""
    lines: dict[str, list[int]] = {}
    for item in others:
        lines.setdefault(item.place.file or "", []).extend([item.place.line] if item.place.line else [])
    return [(file, _numbers(found)) for file, found in lines.items()]


def _numbers(lines: list[int]) -> str:
    return f":{phrases.listed([str(line) for line in sorted(set(lines))], LINES)}" if lines else ""


def _merge_rules(findings: Iterable[Finding]) -> list[FindingGroup]:
    """Return findings of one place with the same help as one group."""
    groups: dict[tuple[object, ...], list[Finding]] = {}
    for number, item in enumerate(findings):
        place = item.place.file, item.place.line
        key = *place, item.severity, item.verdict, item.acknowledged, item.help
        groups.setdefault(key if all(place) and item.help else (number,), []).append(item)
    return [FindingGroup(findings=tuple(found)) for found in groups.values()]


def _merge_places(groups: Iterable[FindingGroup]) -> list[FindingGroup]:
    """Return groups with equal messages and helps as one, with the other places."""
    merged: dict[tuple[object, ...], FindingGroup] = {}
    for item in groups:
        key = tuple(
            (one.rule, one.severity, one.verdict, one.acknowledged, one.message, one.help) for one in item.findings
        )
        first = merged.get(key)
        merged[key] = item if first is None else replace(first, others=(*first.others, item.lead))
    return list(merged.values())


def _abridge(groups: list[FindingGroup]) -> list[FindingGroup]:
    """Return the groups with one for all but the first of a rule that has many and does not block."""
    same: dict[tuple[object, ...], list[FindingGroup]] = {}
    for item in groups:
        if item.lead.severity is not Severity.ERROR:
            same.setdefault((item.lead.severity, item.lead.verdict, item.rules), []).append(item)
    shown: list[FindingGroup] = []
    for item in groups:
        group = same.get((item.lead.severity, item.lead.verdict, item.rules), [])
        number = next((number for number, one in enumerate(group) if one is item), 0)
        if len(group) <= FULL_GROUPS or number < FIRST_GROUPS:
            shown.append(item)
        elif number == FIRST_GROUPS:
            others = [one for each in group[FIRST_GROUPS:] for one in (each.lead, *each.others)]
            shown.append(FindingGroup(findings=item.findings, others=tuple(others), is_abridged=True))
    return shown
