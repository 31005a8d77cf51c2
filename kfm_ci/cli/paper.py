"""``kfm-ci check``: rules on paper only."""

from __future__ import annotations

import json
import os
import sys
from contextlib import nullcontext
from pathlib import Path

from rich.console import Console

from kfm_ci.cli import change
from kfm_ci.errors import ExitCode, UsageError
from kfm_ci.github import commands
from kfm_ci.github import context as github
from kfm_ci.model import Severity
from kfm_ci.report import console as summary
from kfm_ci.rules import advice, paper, policy, scopes
from kfm_ci.rules.base import Change


def check(
    paths: list[Path],
    *,
    config_file: str | None,
    format: str,
    base: str | None,
    output: str,
    quiet: bool,
    console: Console,
) -> int:
    """Print what is wrong on paper; return the exit code. Given files, only theirs is told; quiet, only errors."""
    files = [path for path in paths if not path.is_dir()]
    root = Path() if files else paths[0]
    subject = change.gather(root, config_file=config_file, format=format, base_ref=base, context=github.read())
    new = subject.change.new
    found = paper.findings(subject.change)
    wanted = _inside(files, subject.root)
    advised = paper.advised(subject.change, found, subject.policy, major=subject.config.database.postgres_version)
    judged = policy.apply(
        [*subject.notices, *found, *advised.findings], severities=subject.policy.policy.severity, allows=scopes.of(new),
        contracts=policy.contracting(new), complete=False,
    )  # fmt: skip
    told = [item for item in judged.findings if not wanted or item.place.file in wanted]
    errors = sum(item.refuses for item in told)
    counted = "".join(f", {number} {reason}" for reason, number in judged.suppressed.items())
    if output == "json":
        rows = [{"rule": item.rule, "hazard": item.hazard.value, "severity": item.severity.value, "file": item.place.file,
                 "line": item.place.line, "message": item.message, "help": item.help} for item in told]  # fmt: skip
        console.file.write(json.dumps(rows, indent=1) + "\n")
    else:
        sources = {script.file.path: script.file.text for item in new for script in (item.up, item.down) if script}
        warnings = sum(item.severity is Severity.WARNING and item.stands for item in told)
        with commands.quiet(sys.stdout) if output == "github" else nullcontext():
            for said in summary.findings((item for item in told if item.refuses or not quiet), sources):
                console.print(said)
            console.print(f"{_scope(subject.change, wanted)} on paper: {errors} errors, {warnings} warnings{counted}",
                          markup=False, highlight=False)  # fmt: skip
    if output == "github":
        sys.stdout.writelines(f"{line}\n" for line in commands.annotate(told))
    if advised.unchecked:
        raise advice.not_checked(advised)
    return int(ExitCode.REFUSED if errors else ExitCode.PASSED)


def _inside(files: list[Path], root: Path) -> frozenset[str]:
    """Return the given files as the repository names them; one that is not there is told, not passed."""
    found = set()
    for path in files:
        whole = Path(os.path.normpath(Path.cwd() / path))
        if not whole.is_file():
            raise UsageError(
                code="KFM-U44", message="no such file", where=str(path), help="name files of the repository"
            )
        if not whole.is_relative_to(root):
            raise UsageError(code="KFM-U45", message="not a file of this repository", where=str(path),
                             expected=f"a file in {root}", help="run it at the repository's root")  # fmt: skip
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
