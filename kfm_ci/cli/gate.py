"""``kfm-ci gate``: all stages against a throwaway server."""

from __future__ import annotations

import sys
from contextlib import ExitStack, nullcontext, suppress
from dataclasses import dataclass
from pathlib import Path

from rich.console import Console

from kfm_ci import config
from kfm_ci.cli import gate_files, guarded_stream
from kfm_ci.cli.output_files import OutputDirectory
from kfm_ci.cli.subject import Subject, gather
from kfm_ci.clock import SystemClock, timestamp
from kfm_ci.errors import CannotCheck, Defect, KfmError
from kfm_ci.evidence.journal import Journal
from kfm_ci.evidence.model import Evidence, StageEvidence
from kfm_ci.github import context as github
from kfm_ci.github import workflow_commands
from kfm_ci.github.context import Context
from kfm_ci.migrations import required_extensions
from kfm_ci.model import Digest, Risk
from kfm_ci.postgres.engines import selection
from kfm_ci.report import console as summary
from kfm_ci.report import gate_json as document
from kfm_ci.stages import pipeline, result
from kfm_ci.stages.gate_input import GateInput
from kfm_ci.stages.results import ChecksumsResult
from kfm_ci.stages.stage import Results


@dataclass(frozen=True, slots=True, kw_only=True)
class GateOptions:
    """Arguments of the command, as given."""

    directory: Path
    config_file: str | None
    format: str
    out: Path
    output: str
    base: str | None
    engine: str | None
    postgres_version: int | None
    database_url: str | None
    fail_on: Risk | None
    quiet: bool
    verbose: bool = False


def judge(options: GateOptions, console: Console, output: OutputDirectory | None = None) -> Evidence:
    """Run the gate, write its files, print its summary, and return the evidence.

    ``output``: the directory `options.out`, for a caller that publishes its files.

    An error that ends the run early is raised after the files were written: there is a receipt on every path.
    """
    clock = SystemClock()
    started = timestamp(clock.now())
    context = github.read()
    output = output or OutputDirectory(options.out)
    output.prepare()
    with output.locked():
        return _judge(options, console, output, clock, started, context)


def _judge(
    options: GateOptions,
    console: Console,
    output: OutputDirectory,
    clock: SystemClock,
    started: str,
    context: Context,
) -> Evidence:
    try:
        return _run_and_publish(options, console, output, clock, started, context)
    except KfmError as error:
        _write_failure(error, options, console, output, context, started, timestamp(clock.now()))
        raise
    except Exception as error:
        defect = Defect(
            code="KFM-D01",
            message=f"This is a defect of kfm-ci: {type(error).__name__}.",
            help="Report it with the lines above.",
        )
        _write_failure(defect, options, console, output, context, started, timestamp(clock.now()))
        raise


def _write_failure(
    error: KfmError,
    options: GateOptions,
    console: Console,
    output: OutputDirectory,
    context: Context,
    started: str,
    finished: str,
) -> None:
    evidence = result.unjudged(error, started_on=started, finished_on=finished)
    # a full disk may be the error itself
    with suppress(CannotCheck):
        gate_files.write(output, evidence, context, gate_files.GateInputs())
    if options.output == "json":
        console.file.write(guarded_stream.json_text(document.dumps(evidence)))


def _run_and_publish(
    options: GateOptions,
    console: Console,
    output: OutputDirectory,
    clock: SystemClock,
    started: str,
    context: Context,
) -> Evidence:
    subject = gather(
        options.directory,
        config_file=options.config_file,
        format=options.format,
        base_ref=options.base,
        context=context,
    )
    with ExitStack() as resources:
        journal = Journal(output.create("journal.jsonl"), clock)
        resources.callback(journal.close)
        given = build_input(options, subject, journal, resources)
        done = run_gate(options, given, console, clock)
        evidence = result.conclude(
            given,
            done,
            source=subject.source,
            started_on=started,
            finished_on=timestamp(clock.now()),
            fail_on=options.fail_on,
        )
    publish(options, console, output, evidence, subject, _input_digests(given, done, subject), context)
    return evidence


def build_input(options: GateOptions, subject: Subject, journal: Journal, resources: ExitStack) -> GateInput:
    """Return the frozen input of the stages."""
    database = subject.config.database
    return GateInput(
        change=subject.change,
        config=subject.config,
        policy=subject.policy,
        engine=lambda: selection.choose(
            options.engine or database.engine,
            major=options.postgres_version or database.postgres_version,
            url=config.database_url(options.database_url),
            extensions=database.extensions,
            image=database.image,
            made=required_extensions.created_by(subject.change.head),
            for_tools=subject.change.head.tool is not None or subject.config.smoke.image is not None,
        ),
        resources=resources,
        journal=journal,
        statistics=subject.statistics,
        root=subject.root,
        commit=subject.source.git_sha or "",
        smoke_files=subject.smoke.all,
        base_smoke_files=subject.smoke.base,
        edited_smoke_files=subject.smoke.edited,
        settings_file=subject.settings_file,
        notices=subject.notices,
    )


def run_gate(options: GateOptions, given: GateInput, console: Console, clock: SystemClock) -> Results:
    """Run the stages with progress on the console, and return their results."""

    def progress(stage: StageEvidence) -> None:
        if options.output != "json" and not options.quiet:
            console.print(summary.stage(stage))

    if options.output == "github":
        given.resources.enter_context(workflow_commands.quiet(sys.stdout))
    return pipeline.execute(
        pipeline.GATE, given, clock=clock, journal=given.journal, progress=progress, notices=given.notices
    )


def _input_digests(given: GateInput, done: Results, subject: Subject) -> gate_files.GateInputs:
    checksums = done.get(ChecksumsResult)
    listed = checksums.files if checksums else ()
    smoke = "".join(f"{digest}  {path}\n" for path, digest in listed if path in given.smoke_files)
    return gate_files.GateInputs(
        config=dict(listed).get(subject.settings_file or ""),
        policy=subject.policy_digest,
        smoke=Digest.of(smoke.encode()) if smoke else None,
    )


def publish(
    options: GateOptions,
    console: Console,
    output: OutputDirectory,
    evidence: Evidence,
    subject: Subject,
    digests: gate_files.GateInputs,
    context: Context,
) -> None:
    """Write the files of the contract and print the summary."""
    gate_files.write(output, evidence, context, digests)
    _show(options, console, evidence, subject)


def _show(options: GateOptions, console: Console, evidence: Evidence, subject: Subject) -> None:
    if options.output == "json":
        console.file.write(guarded_stream.json_text(document.dumps(evidence)))
        return
    sources = {
        script.file.path: script.file.text
        for item in subject.change.head.migrations
        for script in (item.up, item.down)
        if script is not None
    }
    with workflow_commands.quiet(sys.stdout) if options.output == "github" else nullcontext():
        if options.verbose:
            console.print(summary.details(evidence))
        console.print(summary.summarise(evidence, sources))
    if options.output == "github":
        workflow_commands.write(sys.stdout, *workflow_commands.annotate(evidence.findings))
    if not options.quiet:
        console.print(f"report: {options.out / 'report.html'}", markup=False, highlight=False)
