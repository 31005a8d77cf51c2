"""Findings in the comment: errors and warnings open, notes folded, suppressed ones with their reason."""

from __future__ import annotations

from collections.abc import Sequence

from kfm_ci import phrases
from kfm_ci.assess.policy import ACKNOWLEDGEABLE, OFF
from kfm_ci.evidence.model import Evidence
from kfm_ci.migrations import acknowledgements
from kfm_ci.model import Finding, Severity, Verdict
from kfm_ci.report import grouping, summary
from kfm_ci.report.comment import migration
from kfm_ci.report.escape import code, fence, inline, prose, web_address
from kfm_ci.report.grouping import FindingGroup

_SHOWN = 50
_REFUTED = 20
_PLACES = 5
_ICONS = {Severity.ERROR: "❌", Severity.WARNING: "⚠️", Severity.NOTE: "ℹ️"}


def active(found: tuple[Finding, ...]) -> str:
    """Return the active findings, errors first."""
    problems = tuple(item for item in found if item.severity is not Severity.NOTE)
    notes = found[len(problems) :]
    parts = [f"### Findings\n\n{_table(problems)}{_acknowledging(problems)}"] if problems else []
    if notes:
        parts.append(migration.folded(f"Notes: {len(notes)}", _table(notes)))
    return "\n\n".join(parts)


def _table(found: tuple[Finding, ...]) -> str:
    rows = (
        (
            f"{_ICONS[item.lead.severity]} {item.lead.severity.value}",
            _abridged(item) if item.is_abridged else _full(item),
        )
        for item in grouping.group_findings(found)
    )
    return migration.table(("Severity", "Finding and help"), rows, _SHOWN)


def _full(group: FindingGroup) -> str:
    lead = group.lead
    verdict = " (suspected by static analysis; not decided by a server)" if lead.verdict is Verdict.SUSPECTED else ""
    lines = [
        " ".join(part for part in (_rules(group), summary.where(lead)) if part),
        *(f"{prose(message, 400)}{verdict}" for message in group.messages),
        f"→ {prose(lead.help, 400)}" if lead.help else "",
        f"Also {_places(group.others)}" if group.others else "",
    ]
    return "<br>".join(line for line in lines if line)


def _abridged(group: FindingGroup) -> str:
    """Return the other findings of one rule, each of which has its own message in the full report."""
    return f"{_rules(group)} {len(group.others)} more in the full report<br>{_places(group.others)}"


def _places(others: Sequence[Finding]) -> str:
    """Return the other places, by file."""
    files = grouping.places(others)
    shown = "; ".join(code(f"{file}{lines}") for file, lines in files[:_PLACES])
    left = len(files) - _PLACES
    return f"{shown}; and {phrases.count(left, 'more file')}" if left > 0 else shown


def _rules(group: FindingGroup) -> str:
    return ", ".join(_rule(next(item for item in group.findings if item.rule == rule)) for rule in group.rules)


def _rule(item: Finding) -> str:
    page = web_address(item.docs)
    return f"[{code(item.rule, 80)}]({page})" if page else code(item.rule, 80)


def _acknowledging(problems: tuple[Finding, ...]) -> str:
    """Return how to acknowledge the present hazards."""
    lines = dict.fromkeys(
        acknowledgements.in_language_of(f'-- kfm:allow {item.hazard.value} reason="…"', item.place.file)
        for item in problems
        if item.hazard in ACKNOWLEDGEABLE
    )
    if not lines:
        return ""
    programs = any(acknowledgements.in_program(item.place.file) for item in problems)
    above = "the call that executes it" if programs else "the statement"
    body = f"Write above {above}, with a reason for reviewers:\n\n" + fence("\n".join(lines), "" if programs else "sql")
    return "\n\n" + migration.folded("Acknowledge a finding instead of fixing it", body)


def suppressed(evidence: Evidence) -> str:
    """Return the suppressed findings with their reasons."""
    acknowledged = [item for item in evidence.findings if item.acknowledged is not None]
    refuted = [item for item in evidence.findings if item.verdict is Verdict.REFUTED]
    off = evidence.suppressed.get(OFF, 0)
    if not (acknowledged or refuted or off):
        return ""
    parts = []
    if acknowledged:
        rows = (
            (code(item.hazard.value), summary.where(item) or "–", inline(item.acknowledged.reason, 300))
            for item in acknowledged
            if item.acknowledged is not None
        )
        parts.append(migration.table(("Hazard", "Place", "Reason"), rows))
    if refuted:
        items = [f"- {summary.where(item)} {prose(item.message, 400)}" for item in refuted[:_REFUTED]]
        if len(refuted) > _REFUTED:
            items.append(f"-{phrases.and_more(len(refuted), _REFUTED)} in the report")
        parts.append("Suspected by static analysis, and refuted on the server:\n\n" + "\n".join(items))
    title = f"Suppressed: {len(acknowledged)} acknowledged, {len(refuted)} refuted"
    if off:
        parts.append(f"Switched off by the policy: {phrases.count(off, 'finding')}.")
        title += f", {off} switched off"
    return migration.folded(title, "\n\n".join(parts), opened=bool(acknowledged))
