"""comment.md: the body of the pull-request comment, short when all is well, and never longer than GitHub takes."""

from __future__ import annotations

from kfm_ci.evidence.model import Evidence
from kfm_ci.model import Finding, Result, Severity, Verdict
from kfm_ci.report import chapter, checklist, diagram, headline
from kfm_ci.report.escape import code, fence, inline, prose, web_address
from kfm_ci.rules.policy import ACKNOWLEDGEABLE

MARKER = "<!-- kfm-ci:gate -->"
"""First line of the comment, by which a later run finds it."""
CAP = 65_000
"""Characters, counted as UTF-16 units, as GitHub's own limit of 65,536 may be."""
_FINDINGS = 50


def compose(evidence: Evidence, *, report_url: str | None = None) -> str:
    """Return the comment; sections that do not fit are left out whole, and said to be.

    ``report_url`` is where the whole report can be had; without one the artifact is named.
    """
    head = "\n".join([MARKER, *headline.lines(evidence)]).rstrip()
    sections = [text for text in _sections(evidence) if text]
    foot = _foot(evidence, _whole_report(report_url))
    budget = CAP - _length(head) - _length(foot) - 200
    kept: list[str] = []
    for section in sections:
        budget -= _length(section) + 2
        if budget < 0:
            break
        kept.append(section)
    left = len(sections) - len(kept)
    note = [f"**{left} section{'s' if left > 1 else ''} left out for length:** see the whole report below."]
    return "\n\n".join([head, *kept, *(note if left else []), foot]) + "\n"


def _length(text: str) -> int:
    return len(text.encode("utf-16-le")) // 2


def _sections(evidence: Evidence) -> list[str]:
    return [
        _findings(headline.ranked(evidence.findings)),
        _smoke(evidence),
        *(chapter.write(evidence, migration) for migration in evidence.new),
        _checklist(evidence),
        _diagram("Entities: what changed, and its neighbours", diagram.entities(evidence.tables)),
        _diagram("What is locked while", diagram.locks(evidence)),
        _set_aside(evidence),
        _stages(evidence),
    ]


def _findings(standing: tuple[Finding, ...]) -> str:
    """Return what weighs in the open, notes folded."""
    weighty = tuple(item for item in standing if item.severity is not Severity.NOTE)
    notes = standing[len(weighty) :]
    parts = [f"### Findings\n\n{_listed(weighty)}{_accepting(weighty)}"] if weighty else []
    if notes:
        parts.append(chapter.folded(f"Notes: {len(notes)}", _listed(notes)))
    return "\n\n".join(parts)


def _listed(found: tuple[Finding, ...]) -> str:
    rows = (
        (
            {Severity.ERROR: "❌ error", Severity.WARNING: "⚠️ warning", Severity.NOTE: "note"}[item.severity],
            _rule(item),
            headline.where(item) or "–",
            _message(item),
        )
        for item in found
    )
    return chapter.table(("", "Rule", "Where", "What, and what to do"), rows, _FINDINGS)


def _accepting(weighty: tuple[Finding, ...]) -> str:
    """Return how a reviewed hazard is accepted, with the names that are there."""
    hazards = dict.fromkeys(item.hazard for item in weighty if item.hazard in ACKNOWLEDGEABLE)
    if not hazards:
        return ""
    named = "\n".join(f'-- kfm:allow {hazard.value} reason="…"' for hazard in hazards)
    body = "Above the statement, with a reason that reviewers see:\n\n" + fence(named, "sql")
    return "\n\n" + chapter.folded("If this is meant", body)


def _rule(item: Finding) -> str:
    page = web_address(item.docs)
    return f"[{code(item.rule, 80)}]({page})" if page else code(item.rule, 80)


def _message(item: Finding) -> str:
    sure = " (suspected from the text; no server has decided it)" if item.verdict is Verdict.SUSPECTED else ""
    remedy = f"<br>→ {prose(item.help, 400)}" if item.help else ""
    return f"{prose(item.message, 400)}{sure}{remedy}"


def _smoke(evidence: Evidence) -> str:
    failed = [test for test in evidence.smoke if not test.passed]
    if not failed:
        return ""
    rows = ((code(test.name, 120), inline(test.message or "no message", 400)) for test in failed)
    return "### Smoke tests that failed\n\n" + chapter.table(("Test", "Message"), rows)


def _checklist(evidence: Evidence) -> str:
    items = evidence.checklist or checklist.assess(evidence)
    if not items:
        return ""
    done = sum(item.done for item in items)
    listed = "\n".join(f"- [{'x' if item.done else ' '}] {inline(item.name)}: {prose(item.reason)}" for item in items)
    return chapter.folded(f"Definition of done: {done} of {len(items)}", listed, opened=done < len(items))


def _diagram(title: str, source: str | None) -> str:
    return chapter.folded(title, fence(source, "mermaid", 20_000)) if source else ""


def _set_aside(evidence: Evidence) -> str:
    """Return what does not count, and why: reviewers see every acknowledgement with its reason."""
    acknowledged = [item for item in evidence.findings if item.acknowledged is not None]
    refuted = sum(item.verdict is Verdict.REFUTED for item in evidence.findings)
    counted = [f"{inline(reason, 120)}: {number}" for reason, number in sorted(evidence.suppressed.items())]
    if not (acknowledged or refuted or counted):
        return ""
    parts = []
    if acknowledged:
        rows = (
            (code(item.hazard.value), headline.where(item) or "–", inline(item.acknowledged.reason, 300))
            for item in acknowledged
            if item.acknowledged is not None
        )
        parts.append(chapter.table(("Hazard", "Where", "Reason given"), rows))
    if refuted:
        parts.append(f"Suspected from the text and refuted by the server: {refuted}.")
    if counted:
        parts.append("Suppressed in all: " + ", ".join(counted[:20]) + ".")
    title = f"Set aside: {len(acknowledged)} acknowledged, {refuted} refuted"
    return chapter.folded(title, "\n\n".join(parts), opened=bool(acknowledged))


def _stages(evidence: Evidence) -> str:
    rows = (
        (code(stage.name), stage.status.value, f"{stage.duration_ms:.0f} ms", inline(stage.message or "", 300))
        for stage in evidence.stages
    )
    if not evidence.stages:
        return ""
    return chapter.folded("Stages", chapter.table(("Stage", "Status", "Took", "Message"), rows))


def _whole_report(report_url: str | None) -> str:
    page = web_address(report_url)
    return f"[the whole report]({page})" if page else "the whole report is `report.html` in this run's artifact"


def _foot(evidence: Evidence, report: str) -> str:
    engine = evidence.engine
    judged = f"PostgreSQL {code(engine.server_version, 60)} ({code(engine.kind)})" if engine else "no server"
    plan = f" · plan sha256 `{evidence.plan_sha256}`" if evidence.plan_sha256 else ""
    seeded = ""
    if evidence.seeding:
        rows = sum(number for _, number in evidence.seeding.tables)
        seeded = f" · {rows} synthetic rows, seed {evidence.seeding.seed}"
        if evidence.seeding.unseeded:
            left = len(evidence.seeding.unseeded)
            seeded += f", {left} table{'s' if left > 1 else ''} could not be seeded"
    nothing = " Nothing new was judged." if not evidence.new and evidence.result is Result.PASS else ""
    version = code(evidence.tool_version, 60)
    return f"---\n\n<sub>kfm-ci {version} · {judged}{plan}{seeded} · {report}.{nothing}</sub>"
