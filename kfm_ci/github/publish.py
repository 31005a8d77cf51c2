"""Publishing: every output is attempted, none changes the verdict."""

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


class Publication(Protocol):
    """One output of the verdict."""

    name: str

    def wanted(self, edition: PublicationContext) -> bool:
        """Whether the workflow enables it."""
        ...

    def publish(self, edition: PublicationContext) -> None:
        """Publish it; raises Unpublished."""
        ...


PUBLICATIONS: tuple[Publication, ...] = (Artifact(), Comment(), CheckRun(), CodeScanning(), Labels())


def publish(edition: PublicationContext) -> None:
    """Publish everywhere, then write summary, annotations and outputs."""
    if edition.context.unread:
        edition.notes.append(
            f"KFM-G13 {edition.context.unread} Check that the job passes the event file to this container."
        )
    for publication in PUBLICATIONS:
        if not publication.wanted(edition):
            continue
        try:
            publication.publish(edition)
        except Exception as error:
            failure = error if isinstance(error, Unpublished) else _defect(edition, publication.name, error)
            edition.notes.append(failure.sentence)
            if publication.name == "comment" and edition.inputs.comment == "always":
                edition.insisted = failure
    _leave(edition)
    _annotate(edition)


def _defect(edition: PublicationContext, name: str, error: Exception) -> Unpublished:
    """Report a defect of kfm-ci; the verdict does not change."""
    with workflow_commands.quiet(edition.log):
        traceback.print_exception(error, file=edition.log)
    return Unpublished(
        code="KFM-D01",
        message=f"This is a defect of kfm-ci: {type(error).__name__}.",
        where=name,
        help="Report it with the lines above.",
    )


def _leave(edition: PublicationContext) -> None:
    """Write the runner's files; one that cannot be written is a note."""
    context = edition.context
    try:
        if context.output_file is not None:
            runner_files.write_outputs(context.output_file, outputs(edition))
    except CannotCheck as error:
        edition.notes.append(error.sentence)
    try:
        if context.summary_file is not None:
            runner_files.write_summary(context.summary_file, _summary(edition))
    except CannotCheck as error:
        edition.notes.append(error.sentence)


def _annotate(edition: PublicationContext) -> None:
    prefix = "" if edition.inputs.path in {".", ""} else edition.inputs.path
    lines = workflow_commands.annotate(ranking.ranked(edition.evidence.findings), prefix=prefix)
    if edition.evidence.failure:
        lines.append(workflow_commands.message("error", edition.evidence.failure, title="kfm-ci"))
    lines += [workflow_commands.message("warning", note, title="kfm-ci: not published") for note in edition.notes]
    edition.log.write("".join(f"{line}\n" for line in lines))
    edition.log.flush()


def outputs(edition: PublicationContext) -> dict[str, str]:
    """Return the outputs of the action; missing values are empty."""
    evidence, out = edition.evidence, edition.out
    receipt = out / "receipt.json"
    paths = {
        "receipt-path": receipt,
        "report-path": out / "report.html",
        "gate-json": out / "gate.json",
    }
    return {
        "result": evidence.result.value,
        "exit-code": str(edition.exit_code),
        "risk": evidence.risk.value,
        "new-migrations": str(len(evidence.new)),
        "findings": str(sum(item.is_active for item in evidence.findings)),
        "errors": str(sum(item.is_blocking for item in evidence.findings)),
        **{name: edition.relative(path) if path.is_file() else "" for name, path in paths.items()},
        "receipt-sha256": hashlib.sha256(receipt.read_bytes()).hexdigest() if receipt.is_file() else "",
        "receipt-artifact-id": edition.artifact_id or "",
        "receipt-artifact-url": edition.artifact_url or "",
        "comment-url": edition.comment_url or "",
    }


def _summary(edition: PublicationContext) -> str:
    notes = "".join(f"\n> Not published: {prose(note, 400)}\n" for note in edition.notes)
    return body(edition.evidence, edition.artifact_url) + notes
