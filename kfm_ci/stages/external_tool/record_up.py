"""The tool's own way up, recorded: all that is new in one run, as production will, and step by step where they are few."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass

from kfm_ci.evidence.tool_log.transcript import Cut, RecordedStatements
from kfm_ci.migrations.model import Command, Migration
from kfm_ci.model import Finding, Hazard, Mode, Place, Severity
from kfm_ci.stages.external_tool.replay_check import DatabaseState
from kfm_ci.stages.external_tool.tool_run import ToolRunner, hidden
from kfm_ci.stages.external_tool.workspace import ToolWorkspace
from kfm_ci.stages.run import Run
from kfm_ci.stages.setup import history_table, single_transaction
from kfm_ci.stages.stage import Failed

_WORD = re.compile(r"\w{3,}")
FEW = 5
"""So many new migrations are run one by one too; of more the run that production will make has to do."""


@dataclass(frozen=True, slots=True, kw_only=True)
class UpRecording:
    """What the new migrations sent, and the database that they left."""

    ups: dict[str, RecordedStatements]
    attempts: ToolRunner
    """On the database where all of them have run."""
    end: DatabaseState
    ran: tuple[Migration, ...]
    """Those that the tool noted: it may leave some out."""


class RecordingFailed(Exception):
    """A migration does not run."""

    def __init__(self, finding: Finding, ups: dict[str, RecordedStatements], attempts: ToolRunner) -> None:
        """``ups``: what those before it sent."""
        self.finding, self.ups, self.attempts = finding, ups, attempts


def climb(run: Run, shop: ToolWorkspace) -> UpRecording:
    """Run the new migrations; raises Refused when one does not run, Failed when only all of them together do not."""
    new = run.new
    attempts = ToolRunner.on(run, shop, "tool")
    done = attempts.up(new)
    told = isinstance(done, Cut) and _complete(done, new)
    if isinstance(done, Cut) and (told or len(new) == 1):
        ups, ran = _ups(done, new), tuple(item for item in new if not done.steps or item.id in done.steps)
        older = history_table.left_by_base(run, attempts.database) if any(one.refused for one in ups.values()) else ()
        kept = _hidden(new, done, ups, older)
        run.findings += kept
        _tell_of_one_transaction(run, done.whole, ups)
        end = DatabaseState(run, attempts.database, shop.tool)
        # one that the tool passes over each time stands in the way of single steps
        if 1 < len(ran) <= FEW and {item.migration for item in kept} <= {item.id for item in ran}:
            _, stepwise = _steps(run, shop, ran)
            _compare(run, end, stepwise)
        return UpRecording(ups=ups, attempts=attempts, end=end, ran=ran)
    if isinstance(done, Finding) and not 1 < len(new) <= FEW:
        raise RecordingFailed(done, {}, attempts)
    ups, stepwise = _steps(run, shop, new)
    if isinstance(done, Finding):
        run.findings.append(_only_alone(done))
        raise Failed("all new migrations in one run of the tool fail")
    _compare(run, DatabaseState(run, attempts.database, shop.tool), stepwise)
    return UpRecording(ups=ups, attempts=attempts, end=stepwise, ran=new)


def _steps(
    run: Run, shop: ToolWorkspace, new: tuple[Migration, ...]
) -> tuple[dict[str, RecordedStatements], DatabaseState]:
    """Run the new migrations one by one."""
    attempts = ToolRunner.on(run, shop, "steps")
    away = not shop.tool.up_one
    if away:
        shop.keep_away(new)
    ups: dict[str, RecordedStatements] = {}
    try:
        for item in new:
            if away:
                shop.bring((item,))
            done = attempts.one(item)
            if isinstance(done, Finding):
                raise RecordingFailed(done, ups, attempts)
            ups[item.id] = done
    finally:
        if away:
            shop.bring(new)
    end = DatabaseState(run, attempts.database, shop.tool)
    shop.server.drop_database(attempts.database)
    return ups, end


def _complete(cut: Cut, new: tuple[Migration, ...]) -> bool:
    """Whether it is known of every migration what it sent: each was noted, or all notes are known and it was left out."""
    return len(cut.steps) == len(new) or (bool(cut.steps) and not cut.strangers)


def _ups(cut: Cut, new: tuple[Migration, ...]) -> dict[str, RecordedStatements]:
    if not cut.steps:
        return {new[0].id: cut.whole}
    nothing = RecordedStatements(text="", mode=Mode.TRANSACTION, error=None, transactions=0)
    return {item.id: cut.steps.get(item.id, nothing) for item in new}


def _hidden(
    new: tuple[Migration, ...], cut: Cut, ups: dict[str, RecordedStatements], older: tuple[Migration, ...]
) -> list[Finding]:
    """Return what the server refused and the tool kept to itself, each of the migration that says most of what was refused.

    One that the tool left out when it was refused has no note of its own: it stands right before the next that has one. ``older``: those of the base that have none; theirs is told of no new one.
    """
    told: dict[str, Finding] = {}
    left: list[Migration] = []
    for item in new:
        if cut.steps and item.id not in cut.steps:
            left.append(item)
            continue
        for refusal in ups[item.id].refused:
            words = refusal.text
            owner = max((*left, item, *older), key=lambda one: (_shared(one, words), one is not item))
            if owner not in older:
                told[owner.id] = hidden(owner, refusal.error or "")
        left = []
    return list(told.values())


def _shared(migration: Migration, statement: str) -> int:
    """Return how many words of a statement a migration holds."""
    words = frozenset(_WORD.findall(statement.lower()))
    part = migration.up.part if isinstance(migration.up, Command) else None
    return len(words & frozenset(_WORD.findall((part or migration.up.file.text).lower())))


def _tell_of_one_transaction(run: Run, whole: RecordedStatements, ups: Mapping[str, RecordedStatements]) -> None:
    if sum(bool(one.text) for one in ups.values()) < 2 or whole.transactions != 1 or whole.mode is not Mode.TRANSACTION:
        return
    single_transaction.tell(run, "the tool")


def _only_alone(found: Finding) -> Finding:
    return Finding(
        rule=found.rule, hazard=found.hazard, severity=found.severity, place=found.place, migration=found.migration,
        message=f"each migration applies alone, all in one run of the tool do not: {found.message}",
        help="look for what needs a transaction of its own, such as a new enum value that a later migration uses",
    )  # fmt: skip


def _compare(run: Run, together: DatabaseState, stepwise: DatabaseState) -> None:
    difference = stepwise.differs(together)
    if difference:
        latest = run.new[-1]
        run.findings.append(Finding(
            rule="batch-run-differs", hazard=Hazard.NOT_REPEATABLE, severity=Severity.ERROR, migration=latest.id,
            message=f"one run of the tool leads to another state than single steps: {difference}",
            help="let migrations not depend on how many run at once", place=Place(file=latest.up_path, line=1),
        ))  # fmt: skip
