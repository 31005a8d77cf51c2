"""The summary for a reviewer: verdict, risk, locks, rollback and what the author must do."""

from __future__ import annotations

import re
from collections.abc import Sequence

from kfm_ci.assess.ranking import ranked
from kfm_ci.evidence.model import Evidence
from kfm_ci.model import Finding, Outcome, Result, Severity, StageStatus, Verdict
from kfm_ci.report.escape import code, inline, prose
from kfm_ci.report.lock_impact import Hold, blocking, duration, span
from kfm_ci.report.rollback_plan import summary

_TASKS = 5
_SENTENCE_ENDS = re.compile(r"\.\s+(?=[A-Z])")
_REASONS = 3
_NAMES = 3
_HOLDS = 3


def verdict(evidence: Evidence) -> str:
    """Return the verdict in one line, without mark-up or untrusted text."""
    count = len(evidence.new)
    changed = f"{count} new migration{'s' if count != 1 else ''}"
    errors = sum(item.is_blocking for item in evidence.findings)
    match evidence.result:
        case Result.PASS if not count:
            return "passed: no new migrations"
        case Result.PASS:
            return f"passed: {changed}"
        case Result.FAIL:
            counted = f"{errors} error{'s' if errors != 1 else ''} in " if errors else ""
            return f"failed: {counted}{changed}"
        case Result.ERROR:
            return "could not check: this is not a pass"


def lines(evidence: Evidence) -> list[str]:
    """Return the summary as Markdown lines with a to-do list of up to five entries."""
    icon = {Result.PASS: "✅", Result.FAIL: "❌", Result.ERROR: "⚠️"}[evidence.result]
    head = [f"## {icon} kfm-ci {verdict(evidence)}", ""]
    if evidence.failure:
        head += [f"**Could not check:** {inline(evidence.failure, 400)}", ""]
    if evidence.new:
        head += [
            f"- **Risk:** {_risk(evidence)}",
            f"- **Locks:** {_locked(evidence)}",
            f"- **Rollback:** {summary(evidence)}",
        ]
    return [*head, *_to_do(evidence)]


def _risk(evidence: Evidence) -> str:
    level = evidence.risk.value
    decisive = [reason.removesuffix(f": {level}") for reason in evidence.risk_reasons if reason.endswith(f": {level}")]
    if not decisive and evidence.result is Result.ERROR and not _observed(evidence):
        return "unknown: not every migration was observed"
    told = _grouped(decisive, [item.id for item in evidence.new])
    more = len(told) - _REASONS
    tail = f"; and {more} more" if more > 0 else ""
    partly = "" if _observed(evidence) else " of the observed part"
    return f"**{level}**{partly}: {'; '.join(told[:_REASONS]) or 'no finding raises it'}{tail}"


def _grouped(reasons: Sequence[str], names: Sequence[str]) -> list[str]:
    """Return reasons as Markdown, grouped by their migrations."""
    givers: dict[str, list[str]] = {}
    for reason in reasons:
        name = next((name for name in names if reason.startswith(f"{name}: ")), "")
        givers.setdefault(reason.removeprefix(f"{name}: "), []).append(name)
    alike: dict[tuple[str, ...], list[str]] = {}
    for reason, found in givers.items():
        alike.setdefault(tuple(found), []).append(inline(reason, 160))
    return [_given(texts, found) for found, texts in alike.items()]


def _given(reasons: Sequence[str], names: Sequence[str]) -> str:
    few = ", ".join(reasons[:_REASONS]) + (f" and {len(reasons) - _REASONS} more" if len(reasons) > _REASONS else "")
    more = f" and {len(names) - _NAMES} more" if len(names) > _NAMES else ""
    return (f"{', '.join(inline(name, 120) for name in names[:_NAMES])}{more}: " if any(names) else "") + few


def _observed(evidence: Evidence) -> bool:
    """Whether every new migration was applied."""
    return all(item.apply.outcome is Outcome.APPLIED for item in evidence.new)


def _locked(evidence: Evidence) -> str:
    found = sorted((hold for item in evidence.new for hold in blocking(item)), key=lambda hold: -hold.duration_ms)
    if not found:
        if not _observed(evidence) or not all(item.statements for item in evidence.new):
            return "unknown: not every statement was observed"
        return "blocks neither reads nor writes"
    words = "; ".join(_hold(hold) for hold in found[:_HOLDS])
    more = len(found) - _HOLDS
    unseen = "" if _observed(evidence) else "; the statements after the failed one are unknown"
    return words + (f"; and {more} more" if more > 0 else "") + unseen


def _hold(hold: Hold) -> str:
    grows = f", longer on a larger table ({', '.join(hold.work)})" if hold.work else ""
    lines_under = span(hold.under[0].line, hold.under[-1].end_line)
    run = "run" if lines_under.startswith("lines") else "runs"
    return (
        f"{code(hold.relation, 120)}: {hold.waits} for {duration(hold.duration_ms)} on the throwaway server, "
        f"while {lines_under} {run}{grows}"
    )


def _to_do(evidence: Evidence) -> list[str]:
    errors = [item for item in ranked(evidence.findings) if item.is_blocking]
    if errors:
        tasks = _tasks(errors)
        listed = [f"{number}. {text}" for number, text in enumerate(tasks[:_TASKS], start=1)]
        more = len(tasks) - _TASKS
        tail = [f"{_TASKS + 1}. and {more} more, in the findings below"] if more > 0 else []
        return ["", "**To do:**", "", *listed, *tail]
    broken = next((item for item in evidence.stages if item.status in {StageStatus.ERRORED, StageStatus.FAILED}), None)
    if evidence.result is not Result.PASS and broken is not None:
        said = "" if evidence.failure else f": {inline(broken.message or 'no message', 300)}"
        return [f"- **To do:** fix the cause that stopped {code(broken.name)}, and run the gate again{said}"]
    if evidence.result is not Result.PASS:
        return ["- **To do:** fix the cause that ended the run, and run the gate again: nothing was checked"]
    warnings = [item for item in ranked(evidence.findings) if item.severity is Severity.WARNING]
    if warnings:
        told, rules = len(warnings), len({item.rule for item in warnings})
        of = f" of {rules} rule{'s' if rules > 1 else ''}" if told > _TASKS else ""
        return [f"- **To do:** no required action; {told} warning{'s' if told > 1 else ''}{of}"]
    return ["- **To do:** nothing"] if evidence.new else []


def _tasks(errors: list[Finding]) -> list[str]:
    """Return one line per place with a blocking finding."""
    together: dict[str, list[Finding]] = {}
    for number, item in enumerate(errors):
        together.setdefault(where(item) or str(number), []).append(item)
    return [task(*items) for items in together.values()]


def task(*items: Finding) -> str:
    """Return findings of one place as one line: place, messages and helps, each once."""
    place = where(items[0])
    said = "; ".join(dict.fromkeys(prose(_sentence(item.message), 240) for item in items))
    remedies = "".join(dict.fromkeys(f" → {_stopped(prose(_sentence(item.help), 300))}" for item in items if item.help))
    sure = " (suspected)" if all(item.verdict is Verdict.SUSPECTED for item in items) else ""
    return f"{f'{place} ' if place else ''}{_stopped(said + sure)}{remedies}"


def _stopped(text: str) -> str:
    return text if text.endswith("…") else f"{text}."


def _sentence(text: str) -> str:
    """Return the first sentence; the findings have the full text."""
    return _SENTENCE_ENDS.split(text, maxsplit=1)[0].rstrip(".")


def where(item: Finding) -> str:
    """Return a finding's place as a code span, ``file:line``; empty when it has none."""
    if item.place.file is None:
        return ""
    return code(f"{item.place.file}:{item.place.line}" if item.place.line else item.place.file)
