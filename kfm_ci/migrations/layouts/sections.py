"""Files with up and down migration: split at the tool's markers into scripts that keep their line numbers."""

from __future__ import annotations

import re
from collections.abc import Callable
from dataclasses import dataclass, replace

from kfm_ci.migrations.layouts.up_down_pairs import relative
from kfm_ci.migrations.model import History, Tree, Unreadable
from kfm_ci.migrations.problems.file_order import FILE_NAME
from kfm_ci.migrations.problems.transaction_modes import MIGRATION_NOT_SQL
from kfm_ci.model import Finding, Hazard, Mode, Place, Severity
from kfm_ci.rule_info import RuleInfo
from kfm_ci.sql import transactions
from kfm_ci.sql.script import Script, SourceFile


@dataclass(frozen=True, slots=True, kw_only=True)
class Section:
    """Consecutive lines of a file."""

    text: str
    first_line: int
    """1-based."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Sections:
    """The sections of one file."""

    up: Section
    down: Section | None = None
    mode: Mode | None = Mode.TRANSACTION
    """Mode of both sections, unless ``down_mode`` is set."""
    down_mode: Mode | None = None
    whole: bool = False
    findings: tuple[Finding, ...] = ()


def sectioned(history: History, cut: Callable[[SourceFile], Sections]) -> History:
    """Return the history with each file split into its up and down migration."""
    findings = list(history.findings)
    migrations = []
    for migration in history.migrations:
        parts = cut(migration.up.file)
        findings += parts.findings
        up = Script(
            file=migration.up.file,
            text=parts.up.text,
            first_line=parts.up.first_line,
            mode=parts.mode,
            implicit_transaction=parts.whole,
        )
        down = None
        if parts.down is not None and parts.down.text.strip():
            down = Script(
                file=migration.up.file,
                text=parts.down.text,
                first_line=parts.down.first_line,
                mode=parts.down_mode or parts.mode,
                implicit_transaction=parts.whole,
            )
        up, down = _plain(up), _plain(down) if down else None
        migrations.append(replace(migration, up=up, down=down))
    return replace(history, migrations=tuple(migrations), findings=tuple(findings))


def _plain(script: Script) -> Script:
    return (
        transactions.unwrapped(script)
        if script.implicit_transaction and script.mode is not Mode.TRANSACTION
        else script
    )


def between(text: str, marks: list[tuple[str, int, int]], name: str) -> Section | None:
    """Return the lines after the first marker of a name up to the next; markers are name, start and end offset."""
    for number, (kind, _, end) in enumerate(marks):
        if kind == name:
            stop = marks[number + 1][1] if number + 1 < len(marks) else len(text)
            begin = end + 1 if text[end : end + 1] == "\n" else end
            return Section(text=text[begin:stop], first_line=text.count("\n", 0, begin) + 1)
    return None


def everything(file: SourceFile) -> Section:
    """Return the file as one section."""
    return Section(text=file.text, first_line=1)


def holds(tree: Tree, directory: str, names: tuple[str, ...], mark: re.Pattern[str], *, looks: int = 3) -> bool:
    """Whether one of the first SQL files directly in a directory has a marker."""
    for name in [item for item in names if item.endswith(".sql") and "/" not in item][:looks]:
        try:
            data = tree.read(name if directory in {"", "."} else f"{directory}/{name}")
        except Unreadable:
            continue
        if mark.search(data.decode("utf-8", "replace")):
            return True
    return False


def programs(history: History, name: re.Pattern[str], language: str) -> tuple[Finding, ...]:
    """Yield findings on the migrations that are not SQL but that the tool runs among the others."""
    return tuple(
        problem(
            file,
            MIGRATION_NOT_SQL,
            f"{history.format} runs this migration, written in {language}, among the others; "
            "kfm-ci neither ran nor checked it.",
            'Configure the tool\'s own command in `[migrations.command]` of `kfm-ci.toml`, such as `up-one = "…"`.',
            severity=Severity.ERROR,
        )
        for file in history.other_files
        if name.match(file.path.rpartition("/")[2])
    )


def name_findings(history: History, name: re.Pattern[str], expected: str) -> tuple[Finding, ...]:
    """Return findings on file names for which the tool rejects the whole directory."""
    return tuple(
        problem(
            file,
            FILE_NAME,
            f"{history.format} rejects the whole directory because of this file's name: expected {expected}.",
            "Rename the file, or move it out of the directory.",
        )
        for file in history.other_files
        if name.match(relative(file.path, history.directory))
    )


def problem(
    file: SourceFile,
    rule: RuleInfo,
    message: str,
    help: str,
    *,
    line: int = 1,
    hazard: Hazard | None = None,
    severity: Severity | None = None,
) -> Finding:
    """Return a finding on reading a file, with the rule's hazard and severity unless others are given."""
    place = Place(file=file.path, line=line, column=1, end_line=line)
    return rule.finding(message, help=help, place=place, hazard=hazard, severity=severity)
