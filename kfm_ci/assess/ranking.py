"""The order in which findings are reported."""

from __future__ import annotations

from kfm_ci.model import Finding, Hazard, Severity, Verdict

_FOLLOWS = frozenset({Hazard.MANIFEST, Hazard.UNDERSTATED_RISK, Hazard.HEADER, Hazard.TRACEABILITY})


def ranked(findings: tuple[Finding, ...]) -> tuple[Finding, ...]:
    """Return the active findings: errors first, PostgreSQL's own errors before all, suspected ones last.

    Findings on declarations, which change once the rest is fixed, follow those on the effects.
    """
    order = list(Severity)

    def weight(item: Finding) -> tuple[int, bool, bool, bool]:
        suspected = item.verdict is Verdict.SUSPECTED
        return order.index(item.severity), item.hazard is not Hazard.MIGRATION_ERROR, item.hazard in _FOLLOWS, suspected

    return tuple(sorted((item for item in findings if item.is_active), key=weight))
