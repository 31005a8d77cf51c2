"""The check run: every finding as an annotation, fifty per request."""

from __future__ import annotations

from pathlib import PurePosixPath
from typing import Any

from kfm_ci.assess import ranking
from kfm_ci.github import api
from kfm_ci.github.publication import PublicationContext, Unpublished
from kfm_ci.github.summary import body
from kfm_ci.model import Finding, Result, Severity
from kfm_ci.report import summary

BATCH = 50
_CONCLUSIONS = {Result.PASS: "success", Result.FAIL: "failure", Result.ERROR: "failure"}
_LEVELS = {Severity.ERROR: "failure", Severity.WARNING: "warning", Severity.NOTE: "notice"}
_SUMMARY = 65_000


class CheckRun:
    """Publishes the verdict as a check run."""

    name = "check run"

    def is_enabled(self, publication: PublicationContext) -> bool:
        """Whether the workflow enables it."""
        return publication.inputs.check_run == "true"

    def publish(self, publication: PublicationContext) -> None:
        """Create a check run on the pull request's commit, and send its annotations in batches."""
        sha = publication.context.head_sha
        if sha is None:
            raise Unpublished(
                code="KFM-G11",
                message="This event has no commit.",
                where=self.name,
                help="Use `command: comment` in a workflow on `workflow_run`.",
            )
        evidence = publication.evidence
        annotations = annotate(publication)
        head: dict[str, Any] = {
            "title": summary.verdict(evidence)[:255],
            "summary": body(evidence, publication.artifact_url)[:_SUMMARY],
        }
        with api.translate_errors(publication, what=self.name, permission="checks: write"):
            repository = api.connect(publication)
            run = api.repeat(
                lambda: repository.create_check_run(
                    title(publication),
                    sha,
                    status="completed",
                    conclusion=_CONCLUSIONS[evidence.result],
                    external_id=publication.key,
                    output={**head, "annotations": annotations[:BATCH]},
                )
            )
            for start in range(BATCH, len(annotations), BATCH):
                run.edit(output={**head, "annotations": annotations[start : start + BATCH]})


def title(publication: PublicationContext) -> str:
    """Return the name of the check run; each directory and PostgreSQL version has its own."""
    parts = [part for part in (publication.inputs.path, publication.inputs.postgres_version) if part not in {"", "."}]
    return " ".join(["kfm-ci", *parts])


def annotate(publication: PublicationContext) -> list[dict[str, Any]]:
    """Return the active findings with a file, errors first."""
    return [
        _annotation(item, publication.inputs.path)
        for item in ranking.ranked(publication.evidence.findings)
        if item.place.file
    ]


def _annotation(item: Finding, path: str) -> dict[str, Any]:
    line = item.place.line or 1
    end = max(item.place.end_line or line, line)
    text = f"{item.message}\n\n{item.help}" if item.help else item.message
    annotation: dict[str, Any] = {
        "path": PurePosixPath(path, item.place.file or "").as_posix(),
        "start_line": line,
        "end_line": end,
        "annotation_level": _LEVELS[item.severity],
        "message": text[:16_000],
        "title": f"{item.rule} ({item.hazard.value})"[:255],
    }
    if item.place.column and line == end:
        # GitHub accepts columns only for a finding on a single line
        annotation["start_column"] = annotation["end_column"] = item.place.column
    return annotation
