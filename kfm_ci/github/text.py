"""The report as Markdown for places that need no marker."""

from __future__ import annotations

from kfm_ci.evidence.model import Evidence
from kfm_ci.report import markdown


def body(evidence: Evidence, report_url: str | None) -> str:
    """Return the comment's text without the marker of comment.md."""
    return markdown.compose(evidence, report_url=report_url).removeprefix(markdown.MARKER).lstrip()
