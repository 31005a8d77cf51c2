"""The five lines that answer a reviewer: verdict, risk, what is locked, the way back, what the author must do."""

from __future__ import annotations

from kfm_ci.evidence.model import Evidence
from kfm_ci.model import Finding, Result, Severity, StageStatus
from kfm_ci.report.escape import code, inline
from kfm_ci.report.impact import Hold, blocking, duration, span
from kfm_ci.report.rollback import summary

_TASKS = 5
_REASONS = 3
_HOLDS = 3


def ranked(findings: tuple[Finding, ...]) -> tuple[Finding, ...]:
    """Return the findings that stand, errors first, otherwise in their order."""
    order = list(Severity)
    return tuple(sorted((item for item in findings if item.stands), key=lambda item: order.index(item.severity)))


def verdict(evidence: Evidence) -> str:
    """Return the verdict in one line, without mark-up or untrusted text."""
    count = len(evidence.new)
    changed = f"{count} new migration{'s' if count != 1 else ''}"
    errors = sum(item.refuses for item in evidence.findings)
    match evidence.result:
        case Result.PASS if not count:
            return "passed: no new migrations, nothing to judge"
        case Result.PASS:
            return f"passed: {changed}"
        case Result.FAIL:
            counted = f"{errors} error{'s' if errors != 1 else ''} in " if errors else ""
            return f"refused: {counted}{changed}"
        case Result.ERROR:
            return "could not check: this is not a pass"


def lines(evidence: Evidence) -> list[str]:
    """Return the head as Markdown lines; the to-do list may follow with up to five entries."""
    icon = {Result.PASS: "✅", Result.FAIL: "❌", Result.ERROR: "⚠️"}[evidence.result]
    head = [f"## {icon} kfm-ci {verdict(evidence)}", ""]
    if evidence.failure:
        head += [f"**Ended early:** {inline(evidence.failure, 400)}", ""]
    if evidence.new:
        head += [
            f"- **Risk:** {_risk(evidence)}",
            f"- **Locked:** {_locked(evidence)}",
            f"- **Rollback:** {summary(evidence)}",
        ]
    return [*head, *_to_do(evidence)]


def _risk(evidence: Evidence) -> str:
    reasons = "; ".join(inline(reason, 160) for reason in evidence.risk_reasons[:_REASONS])
    more = len(evidence.risk_reasons) - _REASONS
    tail = f"; and {more} more" if more > 0 else ""
    return f"**{evidence.risk.value}**{': ' if reasons else ''}{reasons}{tail}"


def _locked(evidence: Evidence) -> str:
    if any(not item.statements for item in evidence.new):
        seen = [hold for item in evidence.new for hold in blocking(item)]
        if not seen:
            return "unknown: not every statement was observed"
    found = sorted((hold for item in evidence.new for hold in blocking(item)), key=lambda hold: -hold.duration_ms)
    if not found:
        return "nothing that readers or writers wait for"
    words = "; ".join(_hold(hold) for hold in found[:_HOLDS])
    more = len(found) - _HOLDS
    return words + (f"; and {more} more" if more > 0 else "")


def _hold(hold: Hold) -> str:
    grows = f", and grows with the table ({', '.join(hold.work)})" if hold.work else ""
    lines_under = span(hold.under[0].line, hold.under[-1].end_line)
    return (
        f"{code(hold.relation, 120)}: {hold.waits} for {duration(hold.duration_ms)} here, "
        f"while {lines_under} run{grows}"
    )


def _to_do(evidence: Evidence) -> list[str]:
    errors = [item for item in ranked(evidence.findings) if item.refuses]
    if errors:
        listed = [f"  {number}. {task(item)}" for number, item in enumerate(errors[:_TASKS], start=1)]
        more = len(errors) - _TASKS
        tail = [f"  {_TASKS + 1}. and {more} more, in the findings below"] if more > 0 else []
        return ["- **To do:**", *listed, *tail]
    broken = next((item for item in evidence.stages if item.status in {StageStatus.ERRORED, StageStatus.FAILED}), None)
    if evidence.result is not Result.PASS and broken is not None:
        return [f"- **To do:** mend what stopped {code(broken.name)}: {inline(broken.message or 'no message', 300)}"]
    if evidence.result is not Result.PASS:
        return ["- **To do:** mend what ended it, and run it again: nothing was judged"]
    warnings = sum(item.severity is Severity.WARNING for item in ranked(evidence.findings))
    if warnings:
        return [f"- **To do:** nothing that must be done; {warnings} warning{'s' if warnings > 1 else ''} to read"]
    return ["- **To do:** nothing"] if evidence.new else []


def task(item: Finding) -> str:
    """Return a finding as one line: place, message, remedy."""
    place = where(item)
    remedy = f" → {inline(item.help, 300)}" if item.help else ""
    return f"{f'{place} ' if place else ''}{inline(item.message, 300)}{remedy}"


def where(item: Finding) -> str:
    """Return a finding's place as a code span, ``file:line``; empty when it has none."""
    if item.place.file is None:
        return ""
    return code(f"{item.place.file}:{item.place.line}" if item.place.line else item.place.file)
