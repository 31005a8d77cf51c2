"""``kfm-ci check``: static rules only."""

from __future__ import annotations

import json
import os
import sys
from collections.abc import Iterator
from contextlib import nullcontext
from dataclasses import dataclass
from pathlib import Path

from rich.console import Console

from kfm_ci import __version__
from kfm_ci.analysis.change import Change
from kfm_ci.assess import acknowledgement_scope, policy, ranking
from kfm_ci.cli import output_files
from kfm_ci.cli.subject import Subject, gather
from kfm_ci.clock import SystemClock
from kfm_ci.errors import ExitCode, UsageError
from kfm_ci.evidence.model import Evidence, StageEvidence
from kfm_ci.github import context as github
from kfm_ci.github import workflow_commands
from kfm_ci.model import Finding, Result, Severity, StageStatus
from kfm_ci.report import console as summary
from kfm_ci.report import gate_json, sarif
from kfm_ci.rules import runner
from kfm_ci.rules.squawk import findings, process
from kfm_ci.rules.squawk.findings import LinterResult


@dataclass(frozen=True, slots=True, kw_only=True)
class CheckOptions:
    """Arguments of the command, as given."""

    paths: tuple[Path, ...]
    """The repository, or files in it."""
    config_file: str | None
    format: str
    base: str | None
    out: Path | None
    """None: nothing is written."""
    output: str
    verbose: bool
    quiet: bool


def check(options: CheckOptions, console: Console) -> int:
    """Print the static findings, of the given files only, and return the exit code; quiet: only errors."""
    if options.out is not None:
        output_files.prepare(options.out)
    clock, given = SystemClock(), [path for path in options.paths if not path.is_dir()]
    began, root = clock.milliseconds(), Path() if given else options.paths[0]
    subject = gather(
        root, config_file=options.config_file, format=options.format, base_ref=options.base, context=github.read()
    )
    wanted = _inside(given, subject.root)
    found = runner.findings(subject.change)
    advised = runner.lint_change(subject.change, found, subject.policy, major=subject.config.database.postgres_version)
    judged = policy.apply(
        [*subject.notices, *found, *advised.findings],
        severities=subject.policy.policy.severity,
        allows=acknowledgement_scope.of(subject.change.new),
        contracts=policy.contracting(subject.change.new),
        complete=False,
    )
    told = tuple(item for item in judged.findings if not wanted or item.place.file in wanted)
    evidence = _evidence(subject, told, judged.suppressed, advised, milliseconds=clock.milliseconds() - began)
    if options.out is not None:
        output_files.replace(options.out / "findings.json", _rows(evidence).encode())
        output_files.replace(options.out / "findings.sarif", sarif.dumps(evidence).encode())
    _show(options, console, evidence, subject, _scope(subject.change, wanted))
    if advised.unchecked:
        raise findings.not_checked(advised)
    return evidence.exit_code


def _evidence(
    subject: Subject,
    told: tuple[Finding, ...],
    suppressed: dict[str, int],
    advised: LinterResult,
    *,
    milliseconds: float,
) -> Evidence:
    errors = any(item.is_blocking for item in told)
    result, code = (Result.FAIL, ExitCode.REFUSED) if errors else (Result.PASS, ExitCode.PASSED)
    if advised.unchecked:
        result, code = Result.ERROR, ExitCode.CANNOT_CHECK
    status = {Result.PASS: StageStatus.PASSED, Result.FAIL: StageStatus.FAILED}.get(result, StageStatus.ERRORED)
    return Evidence(
        result=result,
        exit_code=int(code),
        tool_version=__version__,
        source=subject.source,
        findings=told,
        format=subject.change.head.format,
        directory=subject.change.head.directory,
        suppressed=suppressed,
        linter=process.identity() if advised.asked and not advised.unchecked else None,
        stages=(StageEvidence(name="validate", status=status, duration_ms=milliseconds),),
    )


def _show(options: CheckOptions, console: Console, evidence: Evidence, subject: Subject, scope: str) -> None:
    if options.output == "json":
        console.file.write(_rows(evidence))
        return
    sources = {
        script.file.path: script.file.text for item in subject.change.new for script in (item.up, item.down) if script
    }
    shown = summary.showable(evidence.findings, sources)
    standing = ranking.ranked(evidence.findings)
    errors = sum(item.is_blocking for item in standing)
    warnings = sum(item.severity is Severity.WARNING for item in standing)
    counted = "".join(f", {number} {reason}" for reason, number in evidence.suppressed.items())
    with workflow_commands.quiet(sys.stdout) if options.output == "github" else nullcontext():
        for said in summary.findings((item for item in standing if item.is_blocking or not options.quiet), shown):
            console.print(said)
        if options.verbose:
            console.print(summary.details(evidence))
            for line in _circumstances(evidence):
                console.print(line, markup=False, highlight=False)
        sums = f"{errors} error{'s' * (errors != 1)}, {warnings} warning{'s' * (warnings != 1)}{counted}"
        console.print(f"{scope} statically: {sums}", markup=False, highlight=False)
    if options.output == "github":
        sys.stdout.writelines(f"{line}\n" for line in workflow_commands.annotate(evidence.findings))


def _rows(evidence: Evidence) -> str:
    """Return the findings in the form of gate.json; a list, because there is no verdict without a server."""
    return json.dumps([gate_json.finding(item) for item in evidence.findings], indent=1) + "\n"


def _circumstances(evidence: Evidence) -> Iterator[str]:
    yield f"format {evidence.format} in {evidence.directory}, compared with {evidence.source.base_sha or 'nothing'}"
    linter = evidence.linter
    yield f"linter {linter.name} {linter.version}" if linter else "no linter was run"
    yield f"took {evidence.stages[0].duration_ms / 1000:.2f} s"


def _inside(given: list[Path], root: Path) -> frozenset[str]:
    """Return the given files relative to the repository; raises UsageError for a missing one."""
    found = set()
    for path in given:
        whole = Path(os.path.normpath(Path.cwd() / path))
        if not whole.is_file():
            raise UsageError(
                code="KFM-U44",
                message="The file does not exist.",
                where=str(path),
                help="Name files of the repository.",
            )
        if not whole.is_relative_to(root):
            raise UsageError(
                code="KFM-U45",
                message="The file is not in this repository.",
                where=str(path),
                expected=f"a file in {root}",
                help="Run the command in the repository's root.",
            )
        found.add(whole.relative_to(root).as_posix())
    return frozenset(found)


def _scope(judged: Change, wanted: frozenset[str]) -> str:
    if not wanted:
        return f"checked {len(judged.new)} new of {len(judged.head.migrations)} migrations"
    touched = [
        item
        for item in judged.new
        if not wanted.isdisjoint({item.up_path, *([item.down.file.path] if item.down else [])})
    ]
    return f"checked {len(touched)} new migration{'s' * (len(touched) != 1)} in {len(wanted)} given file{'s' * (len(wanted) != 1)}"
