"""comment.md: the body of the pull-request comment, never longer than GitHub's limit."""

from __future__ import annotations

from kfm_ci import phrases
from kfm_ci.assess import checklist, ranking
from kfm_ci.evidence.model import Evidence
from kfm_ci.model import Result
from kfm_ci.report import mermaid, rollback_plan, summary
from kfm_ci.report.comment import findings, migration
from kfm_ci.report.escape import code, fence, inline, prose, web_address

MARKER = "<!-- kfm-ci:gate -->"
"""First line of the comment, by which a later run identifies it."""
CAP = 65_000
"""In UTF-16 units, as GitHub may count its limit of 65,536."""
_COMMANDS = 20_000
"""Maximum number of characters of commands."""


def compose(evidence: Evidence, *, report_url: str | None = None) -> str:
    """Return the comment; a section that does not fit is replaced by a note.

    ``report_url`` is the URL of the full report; without one the artifact is named.
    """
    head = "\n".join([MARKER, *summary.lines(evidence)]).rstrip()
    sections = [text for text in _sections(evidence) if text]
    foot = _foot(evidence, _report_link(report_url))
    budget = CAP - _length(head) - _length(foot) - 200
    shown: list[str] = []
    for section in sections:
        budget -= _length(section) + 2
        if budget < 0:
            break
        shown.append(section)
    left = len(sections) - len(shown)
    if left:
        shown.append(f"**{phrases.count(left, 'section')} left out for length:** see the full report below.")
    return "\n\n".join([head, *shown, foot]) + "\n"


def _length(text: str) -> int:
    return len(text.encode("utf-16-le")) // 2


def _sections(evidence: Evidence) -> list[str]:
    return [
        findings.active(ranking.ranked(evidence.findings)),
        _smoke(evidence),
        _rollback(evidence),
        *(migration.compose(evidence, item) for item in evidence.new),
        _checklist(evidence),
        _diagram("Changed tables and their neighbours", mermaid.entities(evidence.tables)),
        _diagram("Lock timeline", mermaid.locks(evidence)),
        findings.suppressed(evidence),
        _stages(evidence),
    ]


def _smoke(evidence: Evidence) -> str:
    failed = [test for test in evidence.smoke if not test.passed]
    if not failed:
        return ""
    rows = ((code(test.name, 120), inline(test.message or "no message", 400)) for test in failed)
    return "### Smoke tests that failed\n\n" + migration.table(("Test", "Message"), rows)


def _rollback(evidence: Evidence) -> str:
    lines = rollback_plan.steps(evidence)
    if not lines:
        return ""
    text = "\n".join(lines)
    if len(text) < _COMMANDS:
        body = "Run them in the repository's root, in this order; stop after any of them for a partial rollback:\n\n"
        body += fence(text, "sh", 2 * _COMMANDS)
    else:
        # a truncated command is dangerous
        body = "The commands do not fit here; see the full report below."
    number = sum(not line.startswith("#") for line in lines)
    return migration.folded(f"Rollback: {phrases.count(number, 'command') if number else 'no commands'}", body)


def _checklist(evidence: Evidence) -> str:
    items = evidence.checklist or checklist.assess(evidence)
    if not items:
        return ""
    done = sum(item.done for item in items)
    text = "\n".join(f"- [{'x' if item.done else ' '}] {inline(item.name)}: {prose(item.reason)}" for item in items)
    return migration.folded(f"Definition of done: {done} of {len(items)}", text, opened=done < len(items))


def _diagram(title: str, source: str | None) -> str:
    return migration.folded(title, fence(source, "mermaid", 20_000)) if source else ""


def _stages(evidence: Evidence) -> str:
    if not evidence.stages:
        return ""
    rows = (
        (code(stage.name), stage.status.value, f"{stage.duration_ms:.0f} ms", inline(stage.message or "", 300))
        for stage in evidence.stages
    )
    return migration.folded("Stages", migration.table(("Stage", "Status", "Time", "Message"), rows))


def _report_link(report_url: str | None) -> str:
    page = web_address(report_url)
    return f"[full report]({page})" if page else "the full report is `report.html` in this run's artifact"


def _foot(evidence: Evidence, report: str) -> str:
    engine = evidence.engine
    server = f"PostgreSQL {code(engine.server_version, 60)} ({code(engine.kind)})" if engine else "no server"
    plan = f" · plan sha256 `{evidence.plan_sha256}`" if evidence.plan_sha256 else ""
    seeded = ""
    if evidence.seeding:
        rows = sum(number for _, number in evidence.seeding.tables)
        seeded = f" · {rows} synthetic rows, seed {evidence.seeding.seed}"
        if evidence.seeding.unseeded:
            seeded += f", {phrases.count(len(evidence.seeding.unseeded), 'table')} not seeded"
    nothing = " No new migrations were checked." if not evidence.new and evidence.result is Result.PASS else ""
    version = code(evidence.tool_version, 60)
    return f"---\n\n<sub>kfm-ci {version} · {server}{plan}{seeded} · {report}.{nothing}</sub>"
