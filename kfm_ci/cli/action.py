"""``kfm-ci action``: the entry point of the action's container. Inputs become arguments, the verdict is published."""

from __future__ import annotations

import os
import socket
import sys
import traceback
from contextlib import suppress
from dataclasses import replace
from pathlib import Path
from typing import TextIO

from rich.console import Console

from kfm_ci import __version__
from kfm_ci.cli import gate, subject
from kfm_ci.cli.output_files import OutputDirectory
from kfm_ci.config import GithubTable
from kfm_ci.errors import Defect, KfmError
from kfm_ci.evidence.model import Evidence
from kfm_ci.github import context, runner_files, workflow_commands
from kfm_ci.github.action_inputs import Inputs, check, read
from kfm_ci.github.context import Context
from kfm_ci.github.publication import Credentials, PublicationContext
from kfm_ci.model import Result, Risk


def run() -> int:
    """Run the gate with the inputs, publish, and return the exit code."""
    platform = context.read()
    given = context.withdraw_secrets()
    log = sys.stdout
    _leave_word(platform, log)
    console = Console(file=log, force_terminal=True, width=120, soft_wrap=True)
    # a wrong input is reported with the help of the others
    inputs, github = read(given), GithubTable()
    output = OutputDirectory(Path(inputs.out))
    try:
        check(inputs)
        if inputs.command == "comment":
            from kfm_ci.cli import comment

            return comment.post(inputs, platform, Credentials.from_variables(given, inputs), log)
        if inputs.database_url:
            workflow_commands.write(log, workflow_commands.mask(inputs.database_url))
        with workflow_commands.quiet(log):
            # the gate reports an error of the settings itself, and writes its files
            with suppress(KfmError):
                github = subject.settings_of_change(
                    inputs.directory, config_file=inputs.config or None, base_ref=inputs.base or None, context=platform
                ).github
            inputs = _configured(inputs, github)
            evidence = gate.judge(_options(inputs), console, output)
    except KfmError as error:
        evidence = _ended(error)
    except Exception as error:
        with workflow_commands.quiet(log):
            traceback.print_exc(file=log)
        evidence = _ended(
            Defect(
                code="KFM-D01",
                message=f"This is a defect of kfm-ci: {type(error).__name__}.",
                help="Report it with the lines above.",
            )
        )
    # GitHub's client libraries load slowly, so these are imported after the verdict
    from kfm_ci.github import publish

    publication = PublicationContext(
        context=platform,
        inputs=inputs,
        credentials=Credentials.from_variables(given, inputs),
        evidence=evidence,
        out=output.path,
        files=output.files,
        log=log,
        labels=github.labels,
    )
    publish.publish(publication)
    if platform.workspace is not None:
        _hand_over(output, platform.workspace)
    return publication.exit_code


def _leave_word(platform: Context, log: TextIO) -> None:
    """Write this container's name for the action's second container; without it the next run cleans up."""
    if platform.state_file is None:
        return
    try:
        runner_files.write_state(platform.state_file, context.FIRST_CONTAINER, socket.gethostname())
    except KfmError as error:
        workflow_commands.write(log, workflow_commands.message("warning", error.sentence, title="kfm-ci"))


def _options(inputs: Inputs) -> gate.GateOptions:
    return gate.GateOptions(
        directory=inputs.directory,
        config_file=inputs.config or None,
        format=inputs.format,
        out=Path(inputs.out),
        output="human",
        base=inputs.base or None,
        engine=inputs.engine or None,
        postgres_version=inputs.major,
        database_url=inputs.database_url or None,
        quiet=False,
        fail_on=None if inputs.fail_on == "never" else Risk(inputs.fail_on),
    )


def _configured(inputs: Inputs, github: GithubTable) -> Inputs:
    """Return the inputs, with values of the repository's configuration where the workflow sets none."""
    given = {
        "comment": inputs.comment or github.comment,
        "check_run": inputs.check_run or str(github.check_run).lower(),
        "sarif": inputs.sarif or str(github.sarif).lower(),
    }
    return replace(inputs, **given)


def _ended(error: KfmError) -> Evidence:
    """Return the evidence of a run that ended before the first stage."""
    return Evidence(result=Result.ERROR, exit_code=error.code_of_exit, tool_version=__version__, failure=error.sentence)


def _hand_over(output: OutputDirectory, workspace: Path) -> None:
    """Change the owner of the files to the workspace's: the next checkout on the runner cannot remove files of root."""
    if os.getuid() != 0:
        return
    owner = workspace.stat()
    output.change_owner(owner.st_uid, owner.st_gid)
