"""``kfm-ci check``: static rules only."""

from __future__ import annotations

import json
import os
import sys
from collections.abc import Iterator, Sequence
from contextlib import nullcontext
from pathlib import Path

from rich.console import Console

from kfm_ci import __version__, phrases
from kfm_ci.analysis.change import Change
from kfm_ci.assess import acknowledgement_scope, policy, ranking
from kfm_ci.cli import guarded_stream
from kfm_ci.cli.output_files import OutputDirectory
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


def check(
    paths: Sequence[Path],
    *,
    config_file: str | None,
    format: str,
    base: str | None,
    out: Path | None,
    output: str,
    verbose: bool,
    quiet: bool,
    console: Console,
) -> int:
    """Print the static findings and return the exit code.

    ``paths``: the repository, or the files in it whose findings are shown; ``out``: directory for the files, None: none
    are written; ``quiet``: only errors are shown.
    """
    if out is not None:
        OutputDirectory(out).prepare()
    clock, given = SystemClock(), [path for path in paths if not path.is_dir()]
    began, root = clock.milliseconds(), Path() if given else paths[0]
    subject = gather(root, config_file=config_file, format=format, base_ref=base, context=github.read())
    files = _relative_files(given, subject.root)
    found = runner.findings(subject.change)
    linter = runner.lint_change(subject.change, found, subject.policy, major=subject.config.database.postgres_version)
    result = policy.apply(
        [*subject.notices, *found, *linter.findings],
        severities=subject.policy.policy.severity,
        allows=acknowledgement_scope.of(subject.change.new),
        contracts=policy.contracting(subject.change.new),
        complete=False,
    )
    shown = tuple(item for item in result.findings if not files or item.place.file in files)
    evidence = _evidence(subject, shown, result.suppressed, linter, milliseconds=clock.milliseconds() - began)
    if out is not None:
        with OutputDirectory(out).locked() as written:
            written.replace("findings.json", _json(evidence).encode())
            written.replace("findings.sarif", sarif.dumps(evidence).encode())
    if output == "json":
        console.file.write(guarded_stream.json_text(_json(evidence)))
    else:
        scope = _scope(subject.change, files)
        _show(evidence, subject, scope, console=console, for_github=output == "github", verbose=verbose, quiet=quiet)
    if linter.unchecked:
        raise findings.not_checked(linter)
    return evidence.exit_code


def _evidence(
    subject: Subject,
    shown: tuple[Finding, ...],
    suppressed: dict[str, int],
    linter: LinterResult,
    *,
    milliseconds: float,
) -> Evidence:
    errors = any(item.is_blocking for item in shown)
    result, code = (Result.FAIL, ExitCode.REFUSED) if errors else (Result.PASS, ExitCode.PASSED)
    if linter.unchecked:
        result, code = Result.ERROR, ExitCode.CANNOT_CHECK
    status = {Result.PASS: StageStatus.PASSED, Result.FAIL: StageStatus.FAILED}.get(result, StageStatus.ERRORED)
    return Evidence(
        result=result,
        exit_code=int(code),
        tool_version=__version__,
        source=subject.source,
        findings=shown,
        format=subject.change.head.format,
        directory=subject.change.head.directory,
        suppressed=suppressed,
        linter=process.identity() if linter.asked and not linter.unchecked else None,
        stages=(StageEvidence(name="validate", status=status, duration_ms=milliseconds),),
    )


def _show(
    evidence: Evidence,
    subject: Subject,
    scope: str,
    *,
    console: Console,
    for_github: bool,
    verbose: bool,
    quiet: bool,
) -> None:
    sources = {
        script.file.path: script.file.text for item in subject.change.new for script in (item.up, item.down) if script
    }
    quotable = summary.showable(evidence.findings, sources)
    active = ranking.ranked(evidence.findings)
    with workflow_commands.quiet(sys.stdout) if for_github else nullcontext():
        for group in summary.findings((item for item in active if item.is_blocking or not quiet), quotable):
            console.print(group)
        if verbose:
            console.print(summary.details(evidence))
            for line in _circumstances(evidence):
                console.print(line, markup=False, highlight=False)
        console.print(f"{scope} statically: {_counts(evidence, active)}", markup=False, highlight=False)
    if for_github:
        workflow_commands.write(sys.stdout, *workflow_commands.annotate(evidence.findings))


def _counts(evidence: Evidence, active: tuple[Finding, ...]) -> str:
    errors = phrases.count(sum(item.is_blocking for item in active), "error")
    warnings = phrases.count(sum(item.severity is Severity.WARNING for item in active), "warning")
    return ", ".join([errors, warnings, *(f"{number} {reason}" for reason, number in evidence.suppressed.items())])


def _json(evidence: Evidence) -> str:
    """Return the findings in the form of gate.json; a list, because there is no verdict without a server."""
    return json.dumps([gate_json.finding(item) for item in evidence.findings], indent=1) + "\n"


def _circumstances(evidence: Evidence) -> Iterator[str]:
    yield f"format {evidence.format} in {evidence.directory}, compared with {evidence.source.base_sha or 'nothing'}"
    linter = evidence.linter
    yield f"linter {linter.name} {linter.version}" if linter else "no linter was run"
    yield f"took {evidence.stages[0].duration_ms / 1000:.2f} s"


def _relative_files(given: list[Path], root: Path) -> frozenset[str]:
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


def _scope(change: Change, files: frozenset[str]) -> str:
    if not files:
        return f"checked {len(change.new)} new of {phrases.count(len(change.head.migrations), 'migration')}"
    checked = [
        item
        for item in change.new
        if not files.isdisjoint({item.up_path, *([item.down.file.path] if item.down else [])})
    ]
    number = phrases.count(len(checked), "new migration")
    return f"checked {number} in {phrases.count(len(files), 'given file')}"
