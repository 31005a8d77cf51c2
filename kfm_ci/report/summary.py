"""The summary for a reviewer: verdict, risk, locks, rollback and what the author must do."""

from __future__ import annotations

import re
from collections.abc import Sequence

from kfm_ci import phrases
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
    changed = phrases.count(len(evidence.new), "new migration")
    errors = sum(item.is_blocking for item in evidence.findings)
    match evidence.result:
        case Result.PASS if not evidence.new:
            return "passed: no new migrations"
        case Result.PASS:
            return f"passed: {changed}"
        case Result.FAIL if errors:
            return f"failed: {phrases.count(errors, 'error')} in {changed}"
        case Result.FAIL:
            return f"failed: {changed}"
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
            f"- **Locks:** {_locks(evidence)}",
            f"- **Rollback:** {summary(evidence)}",
        ]
    return [*head, *_to_do(evidence)]


def _risk(evidence: Evidence) -> str:
    level = evidence.risk.value
    decisive = [reason.removesuffix(f": {level}") for reason in evidence.risk_reasons if reason.endswith(f": {level}")]
    is_complete = _is_observed(evidence)
    if not decisive and evidence.result is Result.ERROR and not is_complete:
        return "unknown: not every migration was observed"
    scope = "" if is_complete else " of the observed part"
    reasons = _group_reasons(decisive, [item.id for item in evidence.new]) or ["no finding raises it"]
    return f"**{level}**{scope}: {phrases.listed(reasons, _REASONS, joint='; ')}"


def _group_reasons(reasons: Sequence[str], names: Sequence[str]) -> list[str]:
    """Return reasons as Markdown, grouped by their migrations."""
    by_reason: dict[str, list[str]] = {}
    for reason in reasons:
        name = next((name for name in names if reason.startswith(f"{name}: ")), "")
        by_reason.setdefault(reason.removeprefix(f"{name}: "), []).append(name)
    by_names: dict[tuple[str, ...], list[str]] = {}
    for reason, found in by_reason.items():
        by_names.setdefault(tuple(found), []).append(inline(reason, 160))
    return [_reason_group(texts, found) for found, texts in by_names.items()]


def _reason_group(reasons: Sequence[str], names: Sequence[str]) -> str:
    """Return the reasons of some migrations, after their names; the names are empty for a single migration."""
    text = phrases.listed(reasons, _REASONS)
    if not any(names):
        return text
    return f"{phrases.listed([inline(name, 120) for name in names], _NAMES)}: {text}"


def _is_observed(evidence: Evidence) -> bool:
    """Whether every new migration was applied."""
    return all(item.apply.outcome is Outcome.APPLIED for item in evidence.new)


def _locks(evidence: Evidence) -> str:
    found = sorted((hold for item in evidence.new for hold in blocking(item)), key=lambda hold: -hold.duration_ms)
    is_complete = _is_observed(evidence)
    if not found and not (is_complete and all(item.statements for item in evidence.new)):
        return "unknown: not every statement was observed"
    if not found:
        return "blocks neither reads nor writes"
    words = phrases.listed([_hold(hold) for hold in found], _HOLDS, joint="; ")
    return words if is_complete else f"{words}; the statements after the failed one are unknown"


def _hold(hold: Hold) -> str:
    lines = span(hold.under[0].line, hold.under[-1].end_line)
    verb = "run" if lines.startswith("lines") else "runs"
    held = f"{code(hold.relation, 120)}: {hold.effect} for {duration(hold.duration_ms)} on the throwaway server"
    text = f"{held}, while {lines} {verb}"
    return f"{text}, longer on a larger table ({', '.join(hold.work)})" if hold.work else text


def _to_do(evidence: Evidence) -> list[str]:
    active = ranked(evidence.findings)
    errors = [item for item in active if item.is_blocking]
    if errors:
        return ["", "**To do:**", "", *_task_list(errors)]
    if evidence.result is not Result.PASS:
        return [f"- **To do:** {_cause(evidence)}"]
    warnings = [item for item in active if item.severity is Severity.WARNING]
    if warnings:
        return [f"- **To do:** no required action; {_count_warnings(warnings)}"]
    return ["- **To do:** nothing"] if evidence.new else []


def _task_list(errors: list[Finding]) -> list[str]:
    tasks = _tasks(errors)
    numbered = [f"{number}. {text}" for number, text in enumerate(tasks[:_TASKS], start=1)]
    if len(tasks) > _TASKS:
        numbered.append(f"{_TASKS + 1}.{phrases.and_more(len(tasks), _TASKS)}, in the findings below")
    return numbered


def _cause(evidence: Evidence) -> str:
    """Return what to do about a run that ended without a blocking finding."""
    broken = next((item for item in evidence.stages if item.status in {StageStatus.ERRORED, StageStatus.FAILED}), None)
    if broken is None:
        return "fix the cause that ended the run, and run the gate again: nothing was checked"
    task = f"fix the cause that stopped {code(broken.name)}, and run the gate again"
    # the failure of the run is already above
    return task if evidence.failure else f"{task}: {inline(broken.message or 'no message', 300)}"


def _count_warnings(warnings: list[Finding]) -> str:
    number = phrases.count(len(warnings), "warning")
    rules = phrases.count(len({item.rule for item in warnings}), "rule")
    return f"{number} of {rules}" if len(warnings) > _TASKS else number


def _tasks(errors: list[Finding]) -> list[str]:
    """Return one line per place with a blocking finding."""
    by_place: dict[str, list[Finding]] = {}
    for number, item in enumerate(errors):
        by_place.setdefault(where(item) or str(number), []).append(item)
    return [task(*items) for items in by_place.values()]


def task(*items: Finding) -> str:
    """Return findings of one place as one line: place, messages and helps, each once."""
    messages = "; ".join(dict.fromkeys(prose(_sentence(item.message), 240) for item in items))
    if all(item.verdict is Verdict.SUSPECTED for item in items):
        messages += " (suspected)"
    helps = dict.fromkeys(f"→ {_with_stop(prose(_sentence(item.help), 300))}" for item in items if item.help)
    parts = (where(items[0]), _with_stop(messages), *helps)
    return " ".join(part for part in parts if part)


def _with_stop(text: str) -> str:
    return text if text.endswith("…") else f"{text}."


def _sentence(text: str) -> str:
    """Return the first sentence; the findings have the full text."""
    return _SENTENCE_ENDS.split(text, maxsplit=1)[0].rstrip(".")


def where(item: Finding) -> str:
    """Return a finding's place as a code span, ``file:line``; empty when it has none."""
    if item.place.file is None:
        return ""
    return code(f"{item.place.file}:{item.place.line}" if item.place.line else item.place.file)
