"""Findings in the comment: errors and warnings open, notes folded, suppressed ones with their reason."""

from __future__ import annotations

from collections.abc import Sequence

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


def standing(found: tuple[Finding, ...]) -> str:
    """Return the active findings, errors first."""
    weighty = tuple(item for item in found if item.severity is not Severity.NOTE)
    notes = found[len(weighty) :]
    parts = [f"### Findings\n\n{_listed(weighty)}{_accepting(weighty)}"] if weighty else []
    if notes:
        parts.append(migration.folded(f"Notes: {len(notes)}", _listed(notes)))
    return "\n\n".join(parts)


def _listed(found: tuple[Finding, ...]) -> str:
    rows = (
        (f"{_ICONS[item.lead.severity]} {item.lead.severity.value}", _crowd(item) if item.crowd else _told(item))
        for item in grouping.tell(found)
    )
    return migration.table(("", "What, where, and what to do"), rows, _SHOWN)


def _told(told: FindingGroup) -> str:
    lead = told.lead
    sure = " (suspected by static analysis; not decided by a server)" if lead.verdict is Verdict.SUSPECTED else ""
    lines = [
        " ".join(part for part in (_rules(told), summary.where(lead)) if part),
        *(f"{prose(message, 400)}{sure}" for message in told.messages),
        f"→ {prose(lead.help, 400)}" if lead.help else "",
        f"Also {_places(told.also)}" if told.also else "",
    ]
    return "<br>".join(line for line in lines if line)


def _crowd(told: FindingGroup) -> str:
    """Return the other findings of one rule, each of which has its own message in the full report."""
    return f"{_rules(told)} {len(told.also)} more in the full report<br>{_places(told.also)}"


def _places(also: Sequence[Finding]) -> str:
    """Return the other places, by file."""
    shown = grouping.places(also)
    left = len(shown) - _PLACES
    more = f"; and {left} more file{'s' if left > 1 else ''}" if left > 0 else ""
    return "; ".join(code(f"{file}{lines}") for file, lines in shown[:_PLACES]) + more


def _rules(told: FindingGroup) -> str:
    return ", ".join(_rule(next(item for item in told.found if item.rule == rule)) for rule in told.rules)


def _rule(item: Finding) -> str:
    page = web_address(item.docs)
    return f"[{code(item.rule, 80)}]({page})" if page else code(item.rule, 80)


def _accepting(weighty: tuple[Finding, ...]) -> str:
    """Return how to acknowledge the present hazards."""
    lines = dict.fromkeys(
        acknowledgements.in_language_of(f'-- kfm:allow {item.hazard.value} reason="…"', item.place.file)
        for item in weighty
        if item.hazard in ACKNOWLEDGEABLE
    )
    if not lines:
        return ""
    programs = any(acknowledgements.in_program(item.place.file) for item in weighty)
    above = "Above the call that executes it" if programs else "Above the statement"
    body = f"{above}, with a reason for reviewers:\n\n" + fence("\n".join(lines), "" if programs else "sql")
    return "\n\n" + migration.folded("Accept a finding instead of fixing it", body)


def set_aside(evidence: Evidence) -> str:
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
        parts.append(migration.table(("Hazard", "Where", "Reason given"), rows))
    if refuted:
        listed = [f"- {summary.where(item)} {prose(item.message, 400)}" for item in refuted[:_REFUTED]]
        more = [f"- and {len(refuted) - _REFUTED} more in the report"] if len(refuted) > _REFUTED else []
        parts.append("Suspected by static analysis, and refuted on the server:\n\n" + "\n".join([*listed, *more]))
    if off:
        parts.append(f"Switched off by the policy: {off} finding{'s' if off > 1 else ''}.")
    title = f"Suppressed: {len(acknowledged)} acknowledged, {len(refuted)} refuted" + (
        f", {off} switched off" if off else ""
    )
    return migration.folded(title, "\n\n".join(parts), opened=bool(acknowledged))
