"""``kfm-ci check``: rules on paper only."""

from __future__ import annotations

import json
import sys
from contextlib import nullcontext
from pathlib import Path

from rich.console import Console

from kfm_ci.cli import change
from kfm_ci.errors import ExitCode
from kfm_ci.github import commands
from kfm_ci.github import context as github
from kfm_ci.migrations import acknowledgements
from kfm_ci.migrations.files import Script
from kfm_ci.model import Severity
from kfm_ci.report import console as summary
from kfm_ci.rules import advice, policy
from kfm_ci.stages.validate import advice_on, findings


def check(
    paths: list[Path], *, config_file: str | None, format: str, base: str | None, output: str, console: Console
) -> int:
    """Print what is wrong on paper; return the exit code. Given files, only theirs is told."""
    files = [path for path in paths if not path.is_dir()]
    root = Path() if files else paths[0]
    subject = change.gather(root, config_file=config_file, format=format, base_ref=base, context=github.read())
    new = subject.change.new
    scopes = {
        script.file.path: policy.scopes(script, acknowledgements.find(script)[0])
        for item in new for script in (item.up, item.down) if isinstance(script, Script)
    }  # fmt: skip
    found = findings(subject.change)
    wanted = {path.as_posix().removeprefix("./") for path in files}
    advised = advice_on(subject.change, found, subject.policy, major=subject.config.database.postgres_version)
    judged = policy.apply(
        [*found, *advised.findings], severities=subject.policy.policy.severity, allows=scopes,
        contracts=policy.contracting(new), complete=False,
    )  # fmt: skip
    told = [item for item in judged.findings if not wanted or item.place.file in wanted]
    errors = sum(item.refuses for item in told)
    if output == "json":
        rows = [{"rule": item.rule, "hazard": item.hazard.value, "severity": item.severity.value, "file": item.place.file,
                 "line": item.place.line, "message": item.message, "help": item.help} for item in told]  # fmt: skip
        console.file.write(json.dumps(rows, indent=1) + "\n")
    else:
        sources = {script.file.path: script.file.text for item in new for script in (item.up, item.down) if script}
        warnings = sum(item.severity is Severity.WARNING and item.stands for item in told)
        with commands.quiet(sys.stdout) if output == "github" else nullcontext():
            for item in told:
                console.print(summary.finding(item, sources))
            console.print(f"checked {len(new)} new of {len(subject.change.head.migrations)} migrations on paper: "
                          f"{errors} errors, {warnings} warnings", markup=False, highlight=False)  # fmt: skip
    if output == "github":
        sys.stdout.writelines(f"{line}\n" for line in commands.annotate(told))
    if advised.unchecked:
        raise advice.not_checked(advised)
    return int(ExitCode.REFUSED if errors else ExitCode.PASSED)
