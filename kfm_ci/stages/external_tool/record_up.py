"""The tool's up migrations, recorded: all in one run as in production, and one by one where they are few."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass, replace

from kfm_ci.evidence.tool_log.transcript import RecordedStatements, SplitRecording
from kfm_ci.migrations.model import Command, Migration
from kfm_ci.model import Finding, Mode, Place
from kfm_ci.rules.server.external_tool import BATCH_RUN_DIFFERS
from kfm_ci.stages.external_tool.replay_check import DatabaseState
from kfm_ci.stages.external_tool.tool_run import ToolRunner, suppressed_error
from kfm_ci.stages.external_tool.workspace import ToolWorkspace
from kfm_ci.stages.results import BaseDatabase, ToolMigration
from kfm_ci.stages.setup import history_table
from kfm_ci.stages.setup.single_transaction import locks_held_finding
from kfm_ci.stages.stage import Failed, StageOutcome

_WORD = re.compile(r"\w{3,}")
FEW = 5
"""Maximum number of new migrations that are also run one by one; of more, only the run as in production."""


@dataclass(frozen=True, slots=True, kw_only=True)
class UpRecording:
    """The recorded SQL of the new migrations, and the database on which they ran."""

    ups: dict[str, RecordedStatements]
    runner: ToolRunner
    """On the database where all of them have run."""
    state: DatabaseState
    ran: tuple[ToolMigration, ...]
    """The migrations that the tool recorded in its history table: it may leave some out."""
    findings: tuple[Finding, ...]


class RecordingFailed(Exception):
    """A migration does not run."""

    def __init__(
        self,
        finding: Finding,
        ups: dict[str, RecordedStatements],
        runner: ToolRunner,
        findings: tuple[Finding, ...] = (),
    ) -> None:
        """``ups``: the SQL of the migrations before it; ``findings``: on the migrations before it."""
        self.finding, self.ups, self.runner, self.findings = finding, ups, runner, findings


def record_up(base: BaseDatabase, files: ToolWorkspace, new: tuple[ToolMigration, ...]) -> UpRecording:
    """Run the new migrations; raises RecordingFailed when one does not run, Failed when only the run of all fails."""
    runner = ToolRunner.on(base, files, "tool")
    done = runner.up(new)
    is_known = isinstance(done, SplitRecording) and _complete(done, new)
    if isinstance(done, SplitRecording) and (is_known or len(new) == 1):
        return _one_run(base, files, new, runner, done)
    if isinstance(done, Finding) and not 1 < len(new) <= FEW:
        raise RecordingFailed(done, {}, runner)
    ups, stepwise = _steps(base, files, new)
    if isinstance(done, Finding):
        outcome = StageOutcome(findings=(_only_together(done),))
        raise Failed("All new migrations in one run of the tool fail.", outcome)
    found = _compare(base, DatabaseState(base, runner.database, files.tool.tables), stepwise)
    return UpRecording(ups=ups, runner=runner, state=stepwise, ran=new, findings=found)


def _one_run(
    base: BaseDatabase, files: ToolWorkspace, new: tuple[ToolMigration, ...], runner: ToolRunner, done: SplitRecording
) -> UpRecording:
    """Return the recording of one run for all, compared with single steps where there are few."""
    ups, ran = _ups(done, new), tuple(item for item in new if not done.steps or item.id in done.steps)
    older = history_table.left_by_base(base, runner.database) if any(one.errors for one in ups.values()) else ()
    suppressed = _suppressed_errors(new, done, ups, older)
    found = (*suppressed, *_single_transaction(base, done.whole, ups))
    state = DatabaseState(base, runner.database, files.tool.tables)
    # single steps would stop at a migration that the tool skips each time
    if 1 < len(ran) <= FEW and {item.migration for item in suppressed} <= {item.id for item in ran}:
        try:
            _, stepwise = _steps(base, files, ran)
        except RecordingFailed as failure:
            raise RecordingFailed(failure.finding, failure.ups, failure.runner, found) from failure
        found = (*found, *_compare(base, state, stepwise))
    return UpRecording(ups=ups, runner=runner, state=state, ran=ran, findings=found)


def _steps(
    base: BaseDatabase, files: ToolWorkspace, new: tuple[ToolMigration, ...]
) -> tuple[dict[str, RecordedStatements], DatabaseState]:
    """Run the new migrations one by one."""
    runner = ToolRunner.on(base, files, "steps")
    hides = not files.tool.commands.up_one
    if hides:
        files.hide_files(new)
    ups: dict[str, RecordedStatements] = {}
    try:
        for item in new:
            if hides:
                files.restore_files((item,))
            done = runner.one(item)
            if isinstance(done, Finding):
                raise RecordingFailed(done, ups, runner)
            ups[item.id] = done
    finally:
        if hides:
            files.restore_files(new)
    state = DatabaseState(base, runner.database, files.tool.tables)
    files.server.drop_database(runner.database)
    return ups, state


def _complete(cut: SplitRecording, new: tuple[ToolMigration, ...]) -> bool:
    """Whether the SQL of each migration is known: each has a history row, or all rows are known and it was left out."""
    return len(cut.steps) == len(new) or (bool(cut.steps) and not cut.unexpected)


def _ups(cut: SplitRecording, new: tuple[ToolMigration, ...]) -> dict[str, RecordedStatements]:
    if not cut.steps:
        return {new[0].id: cut.whole}
    nothing = RecordedStatements(text="", mode=Mode.TRANSACTION, error=None, transactions=0)
    return {item.id: cut.steps.get(item.id, nothing) for item in new}


def _suppressed_errors(
    new: tuple[ToolMigration, ...],
    cut: SplitRecording,
    ups: dict[str, RecordedStatements],
    older: tuple[Migration, ...],
) -> tuple[Finding, ...]:
    """Return findings on errors of the server that the tool suppressed, each at the migration with most of its words.

    A migration that the tool left out has no statements of its own: its error is in those of the next one that ran.
    ``older``: the base's migrations without history row, whose errors are not reported.
    """
    found: dict[str, Finding] = {}
    left: list[ToolMigration] = []
    for item in new:
        if cut.steps and item.id not in cut.steps:
            left.append(item)
            continue
        for failed in ups[item.id].errors:
            words = failed.text
            owner = max((*left, item), key=lambda one: (_shared(one, words), one is not item))
            best = (_shared(owner, words), owner is not item)
            if all((_shared(one, words), True) <= best for one in older):
                found[owner.id] = suppressed_error(owner, failed.error or "")
        left = []
    return tuple(found.values())


def _shared(migration: Migration, statement: str) -> int:
    """Return the number of words that a statement and a migration share."""
    words = frozenset(_WORD.findall(statement.lower()))
    part = migration.up.part if isinstance(migration.up, Command) else None
    return len(words & frozenset(_WORD.findall((part or migration.up.file.text).lower())))


def _single_transaction(
    base: BaseDatabase, whole: RecordedStatements, ups: Mapping[str, RecordedStatements]
) -> tuple[Finding, ...]:
    if sum(bool(one.text) for one in ups.values()) < 2 or whole.transactions != 1 or whole.mode is not Mode.TRANSACTION:
        return ()
    return (locks_held_finding(base.pending, "The tool"),)


def _only_together(found: Finding) -> Finding:
    message = found.message.removesuffix(".")
    return replace(
        found,
        message=f"Each migration applies alone, but all in one run of the tool fail: {message}.",
        help="Deploy a migration first whose effects need a transaction of their own, such as a new enum value.",
    )


def _compare(base: BaseDatabase, together: DatabaseState, stepwise: DatabaseState) -> tuple[Finding, ...]:
    difference = stepwise.differs(together)
    if not difference:
        return ()
    latest = base.pending[-1]
    finding = BATCH_RUN_DIFFERS.finding(
        f"Applying all migrations in one run gives a different schema than applying them one by one: {difference}.",
        help="Make each migration independent of the number of migrations in one run.",
        place=Place(file=latest.up_path, line=1),
        migration=latest.id,
    )
    return (finding,)
