"""Publishing: every channel is tried, none changes the verdict."""

from __future__ import annotations

import hashlib
import traceback
from typing import Protocol

from kfm_ci.assess import ranking
from kfm_ci.errors import CannotCheck
from kfm_ci.github import runner_files, workflow_commands
from kfm_ci.github.artifact import Artifact
from kfm_ci.github.check_run import CheckRun
from kfm_ci.github.code_scanning import CodeScanning
from kfm_ci.github.comment import Comment
from kfm_ci.github.labels import Labels
from kfm_ci.github.publication import PublicationContext, Unpublished
from kfm_ci.github.summary import body
from kfm_ci.report.escape import prose


class Channel(Protocol):
    """One place where the verdict is published."""

    name: str

    def is_enabled(self, publication: PublicationContext) -> bool:
        """Whether the workflow enables it."""
        ...

    def publish(self, publication: PublicationContext) -> None:
        """Publish it; raises Unpublished."""
        ...


CHANNELS: tuple[Channel, ...] = (Artifact(), Comment(), CheckRun(), CodeScanning(), Labels())


def publish(publication: PublicationContext) -> None:
    """Publish everywhere, then write summary, annotations and outputs."""
    if publication.context.event_problem:
        publication.notes.append(
            f"KFM-G13 {publication.context.event_problem} Check that the job passes the event file to this container."
        )
    for channel in CHANNELS:
        if not channel.is_enabled(publication):
            continue
        try:
            channel.publish(publication)
        except Exception as error:
            failure = error if isinstance(error, Unpublished) else _defect(publication, channel.name, error)
            publication.notes.append(failure.sentence)
            if channel.name == "comment" and publication.inputs.comment == "always":
                publication.required_failure = failure
    _write_runner_files(publication)
    _annotate(publication)


def _defect(publication: PublicationContext, name: str, error: Exception) -> Unpublished:
    """Report a defect of kfm-ci; the verdict does not change."""
    with workflow_commands.quiet(publication.log):
        traceback.print_exception(error, file=publication.log)
    return Unpublished(
        code="KFM-D01",
        message=f"This is a defect of kfm-ci: {type(error).__name__}.",
        where=name,
        help="Report it with the lines above.",
    )


def _write_runner_files(publication: PublicationContext) -> None:
    """Write the runner's files; one that cannot be written is a note."""
    context = publication.context
    try:
        if context.output_file is not None:
            runner_files.write_outputs(context.output_file, outputs(publication))
    except CannotCheck as error:
        publication.notes.append(error.sentence)
    try:
        if context.summary_file is not None:
            runner_files.write_summary(context.summary_file, _summary(publication))
    except CannotCheck as error:
        publication.notes.append(error.sentence)


def _annotate(publication: PublicationContext) -> None:
    prefix = "" if publication.inputs.path in {".", ""} else publication.inputs.path
    lines = workflow_commands.annotate(ranking.ranked(publication.evidence.findings), prefix=prefix)
    if publication.evidence.failure:
        lines.append(workflow_commands.message("error", publication.evidence.failure, title="kfm-ci"))
    lines += [workflow_commands.message("warning", note, title="kfm-ci: not published") for note in publication.notes]
    workflow_commands.write(publication.log, *lines)


def outputs(publication: PublicationContext) -> dict[str, str]:
    """Return the outputs of the action; missing values are empty."""
    evidence, out = publication.evidence, publication.out
    receipt = publication.files.get("receipt.json")
    names = {"receipt-path": "receipt.json", "report-path": "report.html", "gate-json": "gate.json"}
    return {
        "result": evidence.result.value,
        "exit-code": str(publication.exit_code),
        "risk": evidence.risk.value,
        "new-migrations": str(len(evidence.new)),
        "findings": str(sum(item.is_active for item in evidence.findings)),
        "errors": str(sum(item.is_blocking for item in evidence.findings)),
        **{key: publication.relative(out / name) if name in publication.files else "" for key, name in names.items()},
        "receipt-sha256": hashlib.sha256(receipt).hexdigest() if receipt is not None else "",
        "receipt-artifact-id": publication.artifact_id or "",
        "receipt-artifact-url": publication.artifact_url or "",
        "comment-url": publication.comment_url or "",
    }


def _summary(publication: PublicationContext) -> str:
    notes = "".join(f"\n> Not published: {prose(note, 400)}\n" for note in publication.notes)
    return body(publication.evidence, publication.artifact_url) + notes
