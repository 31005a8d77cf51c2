"""The tool's rollback, recorded: all new migrations in one run where possible, else in batches."""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass, field

from kfm_ci.evidence.tool_log.transcript import RecordedStatements, SplitRecording
from kfm_ci.migrations.model import Migration
from kfm_ci.migrations.tools.process import ProcessResult
from kfm_ci.model import Finding, Mode, Place, Proof
from kfm_ci.rules.server.rollback import ROLLBACK_FAILED, ROLLBACK_NOT_RUN
from kfm_ci.stages.external_tool.tool_run import ToolRunner, decisive_line, traceback_line
from kfm_ci.stages.results import BaseDatabase, ToolMigration

_IRREVERSIBLE = re.compile(
    r"irreversible|NotImplementedError|no (?:down|inverse|rollback)|RollbackImpossible|cannot be reversed"
    r"|cannot reverse|cannot (?:be rolled back|roll ?back)",
    re.IGNORECASE,
)
_RAISES = re.compile(r"\s*(?:raise|throw)\b")
_ERROR = re.compile(r"^(?:\w*Error|\w*Exception)\b:?\s*", re.IGNORECASE)
_MIN_LENGTH = 8
"""Minimum length of an error text that is searched for in a program."""
MOST = 10
"""Maximum number of failed or irreversible rollbacks: each costs a run of the tool. Those below are not run."""


@dataclass(slots=True, kw_only=True)
class DownRecording:
    """Rolls new migrations back with the tool, the last first."""

    base: BaseDatabase
    runner: ToolRunner
    ran: tuple[ToolMigration, ...]
    """The new migrations that the tool recorded in its history table."""
    downs: dict[str, RecordedStatements] = field(default_factory=dict)
    findings: list[Finding] = field(default_factory=list)
    unrecorded: dict[str, Proof] = field(default_factory=dict)
    """By migration, the proof of a rollback of which no SQL was recorded."""
    _failures: int = 0
    """Number of rollbacks that failed or are irreversible."""

    def record(self) -> dict[str, RecordedStatements]:
        """Return the SQL of each rollback; below a failed one the next starts from the state after its own up.

        Only a rollback that fails right after its own up is reported: before it, others may have left something.
        """
        left = [item for item in self.ran if item.up.is_reversible and (item.up.down or item.up.down_to)]
        is_current = is_untouched = bool(left) and left[-1] is self.ran[-1]
        while left:
            if not is_current:
                if self._print(left) or not self._rebuild(left):
                    break
                is_untouched = True
            batch = self._batch(left)
            cut, ended = self.runner.down(_command_line(batch), batch)
            self.downs |= cut.steps
            rest = [item for item in left if item.id not in cut.steps]
            is_current, was_untouched, is_untouched = ended.code == 0 and len(rest) < len(left), is_untouched, False
            if is_current:
                is_current = self._are_adjacent(rest, left)
            elif was_untouched and len(rest) == len(left):
                self._report_failure(rest.pop(), cut.whole.error, ended)
            left = rest
        return self.downs

    def _batch(self, left: list[ToolMigration]) -> list[ToolMigration]:
        """Return the last migrations between which there is none that the tool cannot roll back."""
        first = len(left) - 1
        while first and self._are_adjacent(left[:first], left[: first + 1]):
            first -= 1
        return left[first:]

    def _are_adjacent(self, rest: list[ToolMigration], before: list[ToolMigration]) -> bool:
        """Whether the last of the remaining migrations is right before those that are rolled back."""
        return not rest or self.ran.index(before[len(rest)]) == self.ran.index(rest[-1]) + 1

    def _print(self, left: list[ToolMigration]) -> bool:
        """Record the SQL that the tool prints for all that are left, without a run for each; False when it cannot."""
        files = self.runner.files
        if not files.tool.commands.down_preview:
            return False
        copy = ToolRunner.on(self.base, files, "tool_printed", template=self.runner.database)
        cut = copy.printed(left, [item for item in self.ran if item not in left])
        files.server.drop_database(copy.database)
        if cut is None:
            return False
        self.downs |= cut.steps
        return True

    def _report_failure(self, migration: ToolMigration, error: str | None, ended: ProcessResult) -> None:
        reason = failure_reason(migration, error, ended)
        if reason is None:
            # the down migration only raises that it is irreversible
            self.downs[migration.id] = RecordedStatements(text="", mode=Mode.TRANSACTION, error=None, transactions=0)
        else:
            self.findings.append(rollback_failure(migration, reason, ended))
            self.unrecorded[migration.id] = Proof.FAILED
        self._failures += 1

    def _rebuild(self, left: list[ToolMigration]) -> bool:
        """Build the state right after the last of these migrations; False when that is not possible."""
        if not left:
            return False
        if self._failures >= MOST:
            self.findings.append(_not_run(left))
            self.unrecorded |= dict.fromkeys((item.id for item in left), Proof.NOT_RUN)
            return False
        files = self.runner.files
        self.runner = ToolRunner.on(self.base, files, "tool_back")
        count = self.ran.index(left[-1]) + 1
        return not isinstance(run_up_to(self.runner, self.ran[:count], self.ran[count:]), Finding)


def run_up_to(
    runner: ToolRunner, wanted: tuple[ToolMigration, ...], later: Sequence[ToolMigration]
) -> SplitRecording | Finding:
    """Run the wanted migrations and no later one; return the SQL of each, or the finding on the one that failed."""
    files = runner.files
    is_counted = any("{count}" in part for part in files.tool.commands.up_one)
    if not is_counted:
        files.hide_files(later)
    done = runner.up(wanted, files.tool.commands.up_one if is_counted else ())
    if not is_counted:
        files.restore_files(later)
    return done


def _command_line(remaining: list[ToolMigration]) -> tuple[str, ...]:
    """Return the command line that rolls most of them back."""
    first, latest = remaining[0].up, remaining[-1].up
    if len(remaining) == 1:
        return first.down or first.down_to
    return first.down_to or latest.down or ()


def failure_reason(migration: Migration, error: str | None, ended: ProcessResult) -> str | None:
    """Return PostgreSQL's or the tool's error of a rollback; None where it is irreversible or succeeded."""
    why = error or (decisive_line(ended.tail) if ended.code else None)
    return None if why is None or _is_irreversible(migration, ended) else why


def _is_irreversible(migration: Migration, ended: ProcessResult) -> bool:
    """Whether the migration declares itself irreversible: by the tool's word for it, or by raising its own error."""
    line = traceback_line(migration, ended.tail)
    text = migration.up.file.text
    lines = text.splitlines()
    raises = line is not None and line <= len(lines) and _RAISES.match(lines[line - 1])
    return (
        bool(raises) or _IRREVERSIBLE.search(ended.tail) is not None or _raises_itself(text, decisive_line(ended.tail))
    )


def _raises_itself(text: str, error_text: str) -> bool:
    """Whether the error text is in a raise or throw of the program, for tools that print no line."""
    text_only = _ERROR.sub("", error_text)
    return (
        len(text_only) >= _MIN_LENGTH
        and re.search(rf"\b(?:raise|throw)\b[^;{{}}]{{0,80}}{re.escape(text_only)}", text) is not None
    )


def rollback_failure(migration: ToolMigration, why: str, ended: ProcessResult) -> Finding:
    """Return the finding on a rollback that fails."""
    line = traceback_line(migration, ended.tail) or migration.up.line
    return ROLLBACK_FAILED.finding(
        f"The tool's rollback fails: {why}.",
        help="Correct the down migration.",
        place=Place(file=migration.up_path, line=line),
        migration=migration.id,
    )


def _not_run(below: list[ToolMigration]) -> Finding:
    newest = below[-1]
    count = f"{len(below)} migration{'s were' if len(below) > 1 else ' was'}"
    return ROLLBACK_NOT_RUN.finding(
        f"Stopped after {MOST} failed or irreversible rollbacks; {count} not rolled back.",
        help="Correct the failed rollbacks, then run the gate again.",
        place=Place(file=newest.up_path, line=newest.up.line),
        migration=newest.id,
    )
