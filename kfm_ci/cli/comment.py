"""The action's command ``comment``: post the verdict of a fork's run from a ``workflow_run`` workflow."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from typing import TextIO

from kfm_ci.errors import CannotCheck, ExitCode
from kfm_ci.github import pull_request, workflow_commands
from kfm_ci.github.action_inputs import Inputs
from kfm_ci.github.comment import Comment
from kfm_ci.github.context import Context
from kfm_ci.github.publication import Credentials, PublicationContext
from kfm_ci.report import gate_json_reader


def post(inputs: Inputs, platform: Context, credentials: Credentials, log: TextIO) -> int:
    """Post the verdict in the artifact's gate.json, in ``out``, as a comment on the pull request of the event's commit.

    The artifact is data of the pull request's author: it does not decide where the comment goes, and its text
    is escaped. Raises CannotCheck without the file, Unpublished on an error of GitHub.
    """
    file = Path(inputs.out) / "gate.json"
    try:
        data = file.read_bytes()
    except OSError as error:
        raise CannotCheck(
            code="KFM-C61",
            message="The artifact contains no gate.json.",
            where=str(file),
            got=type(error).__name__,
            help="Download the artifact of the gate's run to the directory of `out`.",
        ) from error
    evidence = gate_json_reader.loads(data, where=str(file))
    publication = PublicationContext(
        context=platform,
        inputs=replace(inputs, comment="auto"),
        credentials=credentials,
        evidence=evidence,
        out=Path(inputs.out),
        log=log,
        artifact_url=platform.triggering_run_url,
    )
    number = pull_request.of_tip(publication)
    if number is None:
        workflow_commands.write(
            log, workflow_commands.message("notice", "No open pull request has this commit as its tip: no comment.")
        )
        return int(ExitCode.PASSED)
    publication.context = replace(platform, pull=number)
    Comment().publish(publication)
    return int(ExitCode.PASSED)
