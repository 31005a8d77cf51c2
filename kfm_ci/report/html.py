"""report.html: the full report as one page without external requests."""

from __future__ import annotations

import base64
import hashlib
from functools import cache
from importlib import resources
from typing import Any

from jinja2 import Environment, FunctionLoader, StrictUndefined
from markupsafe import Markup, escape

from kfm_ci.assess import checklist, ranking
from kfm_ci.evidence.model import Evidence, MigrationEvidence
from kfm_ci.model import Finding, Verdict
from kfm_ci.report import lock_impact, lock_timeline, rollback_plan, summary
from kfm_ci.report.escape import visible, web_address


def render(evidence: Evidence) -> str:
    """Return the page; every string of the evidence is escaped, invisible characters included."""
    style = _source("report.css")
    page = _environment().get_template("report.html.j2")
    return page.render(
        evidence=evidence,
        # both are files of this package; the style is allowed by its digest only
        style=Markup(style),  # noqa: S704 - our own file
        style_digest=base64.b64encode(hashlib.sha256(style.encode()).digest()).decode("ascii"),
        verdict=summary.verdict(evidence),
        rollback=rollback_plan.summary(evidence).replace("**", "") if evidence.new else None,
        steps=rollback_plan.steps(evidence),
        findings=ranking.ranked(evidence.findings),
        suppressed=tuple(item for item in evidence.findings if not item.is_active),
        checklist=evidence.checklist or checklist.assess(evidence),
        sections=tuple(_section(evidence, item) for item in evidence.new),
    )


def _section(evidence: Evidence, migration: MigrationEvidence) -> dict[str, Any]:
    """Return the computed values of one migration for the template."""
    return {
        "migration": migration,
        "timeline": lock_timeline.draw(migration),
        "blocking": lock_impact.blocking(migration),
        "touched": lock_impact.tables_touched(migration),
        "words": lock_impact.change_words(migration.schema_diff),
        "plan": rollback_plan.build_plan(migration),
    }


@cache
def _environment() -> Environment:
    environment = Environment(
        loader=FunctionLoader(_source),
        autoescape=True,
        undefined=StrictUndefined,
        finalize=_finalize,
        trim_blocks=True,
        lstrip_blocks=True,
    )
    environment.filters |= {"duration": lock_impact.duration, "address": web_address, "why": _why, "prose": _prose}
    environment.globals["span"] = lock_impact.span
    return environment


def _finalize(value: object) -> object:
    return visible(value) if isinstance(value, str) and not isinstance(value, Markup) else value


def _prose(text: str) -> Markup:
    """Return a message of kfm-ci as HTML: text in backticks becomes code, each part is escaped."""
    parts = visible(text).split("`")
    if len(parts) % 2 == 0:  # an unpaired backtick stays a backtick
        parts[-2:] = [f"{parts[-2]}`{parts[-1]}"]
    return Markup("").join(
        Markup("<code>{}</code>").format(part) if number % 2 else escape(part) for number, part in enumerate(parts)
    )


def _why(finding: Finding) -> str:
    """Return why a finding is suppressed."""
    if finding.acknowledged is not None:
        return f"acknowledged: {finding.acknowledged.reason}"
    return "refuted on the server" if finding.verdict is Verdict.REFUTED else "active"


def _source(name: str) -> str:
    return resources.files("kfm_ci.report").joinpath("templates", name).read_text(encoding="utf-8")
