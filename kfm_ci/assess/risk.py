"""Assessed risk and rollout, by the contract's table, compared with the header."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import NamedTuple

from kfm_ci import phrases
from kfm_ci.evidence.model import Assessed, Declared
from kfm_ci.model import (
    HIGH_RISK_HAZARDS,
    MEDIUM_RISK_HAZARDS,
    ROLLOUT_HAZARDS,
    Finding,
    Place,
    Risk,
    Rollout,
    Severity,
)
from kfm_ci.rules.server.declaration import OVERSTATED_RISK, UNDERSTATED_RISK


def risk_of(finding: Finding) -> Risk:
    """Return the risk of one finding; inactive findings and notes are low."""
    if not _counts(finding):
        return Risk.LOW
    if finding.hazard in HIGH_RISK_HAZARDS:
        return Risk.HIGH
    return Risk.MEDIUM if finding.hazard in MEDIUM_RISK_HAZARDS else Risk.LOW


def assess(findings: Iterable[Finding]) -> Assessed:
    """Return the risk and rollout of one migration from its findings, with a reason each, worst first."""
    counted = [item for item in findings if _counts(item)]
    raising = sorted((item for item in counted if risk_of(item) is not Risk.LOW), key=lambda item: -risk_of(item).rank)
    reasons = [_reason(item) for item in raising]
    level = risk_of(raising[0]) if raising else Risk.LOW
    window = any(item.hazard in ROLLOUT_HAZARDS for item in counted)
    return Assessed(
        risk=level, rollout=Rollout.WINDOW if window else Rollout.SAFE, reasons=tuple(dict.fromkeys(reasons))
    )


def understated(
    declared: Declared, findings: Iterable[Finding], *, migration: str | None = None, place: Place | None = None
) -> Finding | None:
    """Return an error when the header declares less risk than the findings show, a note when it declares more."""
    counted = sorted((item for item in findings if _counts(item)), key=lambda item: -risk_of(item).rank)
    assessed = assess(counted)
    gaps: list[_Gap] = []
    if declared.risk is not None:
        worst = (item for item in counted if risk_of(item) is assessed.risk is not Risk.LOW)
        gaps.append(_Gap("risk", declared.risk, assessed.risk, declared.risk.rank - assessed.risk.rank, tuple(worst)))
    if declared.rollout is not None:
        rank = list(Rollout).index
        window = (item for item in counted if item.hazard in ROLLOUT_HAZARDS)
        difference = rank(declared.rollout) - rank(assessed.rollout)
        gaps.append(_Gap("rollout", declared.rollout, assessed.rollout, difference, tuple(window)))
    less = [gap for gap in gaps if gap.difference < 0]
    more = [gap for gap in gaps if gap.difference > 0]
    if not less and not more:
        return None
    claims = ", ".join(f"{gap.key}: {gap.declared} declared, {gap.seen} observed" for gap in less or more)
    reasons = tuple(dict.fromkeys(_reason(cause) for gap in less for cause in gap.causes))
    because = f", because of {phrases.listed(reasons, 2, joint='; ')}" if reasons else ""
    help = f"Write `risk: {assessed.risk}` and `rollout: {assessed.rollout}`, or make the change safer."
    return (UNDERSTATED_RISK if less else OVERSTATED_RISK).finding(
        f"The header declares {'less' if less else 'more'} risk than the evidence shows: {claims}{because}.",
        place=place,
        migration=migration,
        severity=Severity.ERROR if less else Severity.NOTE,
        help=help if less else None,
    )


def run_risk(assessed: Mapping[str, Assessed]) -> tuple[Risk, tuple[str, ...]]:
    """Return the risk of a run, which is that of its worst new migration, with the reasons for it.

    ``assessed``: by migration id; if there are several, each reason starts with its migration.
    """
    level = max((item.risk for item in assessed.values()), key=lambda risk: risk.rank, default=Risk.LOW)
    reasons = [(name, reason) for name, item in assessed.items() if item.risk is level for reason in item.reasons]
    named = (f"{name}: {reason}" if len(assessed) > 1 else reason for name, reason in reasons)
    return level, tuple(dict.fromkeys(named))


class _Gap(NamedTuple):
    """A declaration of the header and the observed value; ``difference`` is negative when it declares less."""

    key: str
    declared: Risk | Rollout
    seen: Risk | Rollout
    difference: int
    causes: tuple[Finding, ...]


def _reason(finding: Finding) -> str:
    rule = "" if finding.rule == finding.hazard else f" ({finding.rule})"
    return f"{finding.hazard.value}{_at(finding)}{rule}: {risk_of(finding).value}"


def _counts(finding: Finding) -> bool:
    return finding.is_active and finding.severity is not Severity.NOTE


def _at(finding: Finding) -> str:
    return f" at line {finding.place.line}" if finding.place.line else ""
