"""The comment's Markdown without its marker, for the job summary and the check run."""

from __future__ import annotations

from kfm_ci.evidence.model import Evidence
from kfm_ci.report.comment.body import MARKER, compose


def body(evidence: Evidence, report_url: str | None) -> str:
    """Return the comment's text without the marker of comment.md."""
    return compose(evidence, report_url=report_url).removeprefix(MARKER).lstrip()
