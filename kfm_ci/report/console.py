"""The console output: findings with their source, stages, and the result in the last line."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence

from rich.console import Group, RenderableType
from rich.table import Table
from rich.text import Text

from kfm_ci import phrases
from kfm_ci.assess import ranking
from kfm_ci.evidence.model import Evidence, StageEvidence
from kfm_ci.model import Finding, Hazard, Result, Severity, StageStatus
from kfm_ci.report import grouping, summary
from kfm_ci.report.escape import clip, single_line, visible
from kfm_ci.report.grouping import FindingGroup
from kfm_ci.report.lock_impact import blocking, duration

_COLOURS = {Severity.ERROR: "bold red", Severity.WARNING: "yellow", Severity.NOTE: "cyan"}
_STATUS = {
    StageStatus.PASSED: ("passed", "green"),
    StageStatus.FAILED: ("failed", "bold red"),
    StageStatus.SKIPPED: ("skipped", "dim"),
    StageStatus.ERRORED: ("errored", "bold red"),
}
_EXCERPT = 3
"""Maximum number of source lines per finding."""
_PLACES = 4
"""Maximum number of further files per finding."""


def summarise(evidence: Evidence, sources: Mapping[str, str]) -> RenderableType:
    """Return the summary of a run; ``sources`` are the texts of files by path, for excerpts."""
    shown = showable(evidence.findings, sources)
    parts: list[RenderableType] = [*findings(ranking.ranked(evidence.findings), shown)]
    failed = [test for test in evidence.smoke if not test.passed]
    parts += [
        Text.assemble(
            ("smoke ", "bold red"), visible(test.name), " failed: ", single_line(test.message or "no message")
        )
        for test in failed
    ]
    suppressed = suppressed_counts(evidence)
    if suppressed is not None:
        parts.append(suppressed)
    return Group(*parts, last_line(evidence))


def stage(entry: StageEvidence) -> Text:
    """Return one stage's progress line."""
    word, colour = _STATUS[entry.status]
    line = Text.assemble((f"{word:>8}", colour), f"  {visible(entry.name):<10} ", (duration(entry.duration_ms), "dim"))
    return line.append(f"  {clip(single_line(entry.message), 200)}") if entry.message else line


def stages(evidence: Evidence) -> Table:
    """Return all stages as a table without borders."""
    table = Table.grid(padding=(0, 2))
    for entry in evidence.stages:
        word, colour = _STATUS[entry.status]
        message = Text(clip(single_line(entry.message or ""), 200))
        table.add_row(Text(word, colour), Text(visible(entry.name)), Text(duration(entry.duration_ms), "dim"), message)
    return table


def showable(found: Iterable[Finding], sources: Mapping[str, str]) -> dict[str, str]:
    """Return the texts that may be quoted: no file with forbidden content, because logs are widely readable."""
    hidden = {item.place.file for item in found if item.hazard is Hazard.FORBIDDEN_CONTENT}
    return {path: text for path, text in sources.items() if path not in hidden}


def findings(found: Iterable[Finding], sources: Mapping[str, str]) -> list[Group]:
    """Return findings in order, grouped by a common fix or message."""
    return [
        _abridged_group(item) if item.is_abridged else _full_group(item, sources)
        for item in grouping.group_findings(found)
    ]


def _full_group(group: FindingGroup, sources: Mapping[str, str]) -> Group:
    """Return severity and messages, place, source excerpt and help, without markup."""
    lead = group.lead
    verdict = "" if lead.verdict.value in {"fact", "confirmed"} else f" ({lead.verdict.value})"
    first, *rest = group.messages
    parts: list[RenderableType] = [Text.assemble(*_head(group), f" {single_line(first)}{verdict}")]
    parts += [Text(f"  {single_line(message)}{verdict}") for message in rest]
    if lead.place.file:
        parts.append(Text.assemble("  --> ", (_where(lead), "bold")))
        parts += _excerpt(lead, sources.get(lead.place.file))
    parts += _places(group.others)
    if lead.help:
        parts.append(Text.assemble(("  help: ", "green"), visible(lead.help).replace("\n", "\n        ")))
    return Group(*parts, Text())


def _abridged_group(group: FindingGroup) -> Group:
    """Return the number and places of the other findings of one rule."""
    head = Text.assemble(*_head(group), f" {len(group.others)} more in gate.json")
    return Group(head, *_places(group.others), Text())


def _head(group: FindingGroup) -> tuple[tuple[str, str], tuple[str, str]]:
    lead = group.lead
    return (lead.severity.value, _COLOURS[lead.severity]), (f"[{', '.join(group.rules)}]", "dim")


def _places(others: Sequence[Finding]) -> list[Text]:
    """Return the other places, one line per file."""
    files = grouping.places(others)
    shown = [Text.assemble("  and ", (f"{single_line(file)}{lines}", "bold")) for file, lines in files[:_PLACES]]
    left = sum((item.place.file or "") not in {file for file, _ in files[:_PLACES]} for item in others)
    more = f"  and {phrases.count(left, 'more place')}, all in gate.json"
    return [*shown, Text(more, "dim")] if left else shown


def _where(item: Finding) -> str:
    column = f":{item.place.column}" if item.place.line and item.place.column else ""
    line = f":{item.place.line}" if item.place.line else ""
    return f"{single_line(item.place.file or '')}{line}{column}"


def _excerpt(item: Finding, source: str | None) -> list[Text]:
    first = item.place.line
    if source is None or first is None:
        return []
    lines = source.split("\n")
    last = max(first, min(item.place.end_line or first, first + _EXCERPT - 1))
    shown = [(number, lines[number - 1]) for number in range(first, last + 1) if number <= len(lines)]
    width = len(str(last))
    drawn = [
        Text.assemble((f"  {number:>{width}} | ", "dim"), clip(visible(text.rstrip("\r")).replace("\t", "    "), 160))
        for number, text in shown
    ]
    more = (item.place.end_line or first) - last
    if not drawn or more <= 0:
        return drawn
    return [*drawn, Text(f"  {'':>{width}} | … {phrases.count(more, 'more line')}", "dim")]


def details(evidence: Evidence) -> Group:
    """Return the details for ``-v``: suppressed findings with reasons, and times and locks of each statement."""
    parts = [_suppressed(item) for item in evidence.findings if not item.is_active]
    for migration in evidence.new:
        for seen in migration.statements:
            locks = ", ".join(
                dict.fromkeys(f"{lock.mode} on {lock.relation}" for lock in seen.locks.taken if lock.preexisting)
            )
            ran = ["{} of {} statements inside ran".format(*seen.executed)] if seen.executed else []
            facts = [single_line(seen.kind), duration(seen.duration_ms), *ran, *([single_line(locks)] if locks else [])]
            place = f"{single_line(migration.up_path)}:{seen.line}"
            parts.append(Text.assemble("  ", (place, "bold"), f" {', '.join(facts)}"))
    return Group(*parts)


def _suppressed(item: Finding) -> Text:
    word = "acknowledged" if item.acknowledged is not None else item.verdict.value
    reason = f" (reason: {single_line(item.acknowledged.reason)})" if item.acknowledged is not None else ""
    where = f" at {_where(item)}" if item.place.file else ""
    return Text.assemble((word, "dim"), f"[{item.rule}]{where}: {single_line(item.message)}{reason}")


def suppressed_counts(evidence: Evidence) -> Text | None:
    """Return the numbers of findings that are acknowledged, refuted or off; None without any."""
    acknowledged = sum(item.acknowledged is not None for item in evidence.findings)
    counted = [f"{number} {single_line(reason)}" for reason, number in sorted(evidence.suppressed.items())]
    refuted = sum(item.verdict.value == "refuted" for item in evidence.findings)
    if not (acknowledged or refuted or counted):
        return None
    words = f"suppressed: {acknowledged} acknowledged, {refuted} refuted on the server"
    return Text(words + (f"; by policy: {', '.join(counted)}" if counted else ""), "dim")


def last_line(evidence: Evidence) -> Text:
    """Return the result in one line."""
    colour = {Result.PASS: "bold green", Result.FAIL: "bold red", Result.ERROR: "bold yellow"}[evidence.result]
    line = Text.assemble(("kfm-ci ", "bold"), (summary.verdict(evidence), colour))
    warnings = sum(item.is_active and item.severity is Severity.WARNING for item in evidence.findings)
    if warnings:
        line.append(f", {phrases.count(warnings, 'warning')}")
    if evidence.new and evidence.result is not Result.ERROR:  # without complete evidence there is no risk to report
        line.append(f", risk {evidence.risk.value}")
        blocked = {hold.relation for item in evidence.new for hold in blocking(item)}
        if blocked:
            line.append(f", {phrases.count(len(blocked), 'relation')} blocked")
        rollbacks = [item.rollback for item in evidence.new if not item.rollback.idle]
        if rollbacks:
            proven = sum(item.proof.value == "proven" for item in rollbacks)
            line.append(f", rollback proven for {proven} of {len(rollbacks)}")
    if evidence.failure:
        line.append(f": {clip(single_line(evidence.failure), 600)}")
    return line
