"""The tool's own way up, recorded: all that is new in one run, as production will, and step by step where they are few."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass

from kfm_ci.evidence.tool_log.transcript import Cut, Recorded
from kfm_ci.migrations.model import Command, Migration
from kfm_ci.model import Finding, Hazard, Mode, Place, Severity
from kfm_ci.stages.external_tool.replay_check import End
from kfm_ci.stages.external_tool.tool_run import Attempts, hidden
from kfm_ci.stages.external_tool.workspace import Workshop
from kfm_ci.stages.run import Run
from kfm_ci.stages.setup import history_table, single_transaction
from kfm_ci.stages.stage import Failed

_WORD = re.compile(r"\w{3,}")
FEW = 5
"""So many new migrations are run one by one too; of more the run that production will make has to do."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Ascent:
    """What the new migrations sent, and the database that they left."""

    ups: dict[str, Recorded]
    attempts: Attempts
    """On the database where all of them have run."""
    end: End
    ran: tuple[Migration, ...]
    """Those that the tool noted: it may leave some out."""


class Refused(Exception):
    """A migration does not run."""

    def __init__(self, finding: Finding, ups: dict[str, Recorded], attempts: Attempts) -> None:
        """``ups``: what those before it sent."""
        self.finding, self.ups, self.attempts = finding, ups, attempts


def climb(run: Run, shop: Workshop) -> Ascent:
    """Run the new migrations; raises Refused when one does not run, Failed when only all of them together do not."""
    new = run.new
    attempts = Attempts.on(run, shop, "tool")
    done = attempts.up(new)
    told = isinstance(done, Cut) and _complete(done, new)
    if isinstance(done, Cut) and (told or len(new) == 1):
        ups, ran = _ups(done, new), tuple(item for item in new if not done.steps or item.id in done.steps)
        older = history_table.left_by_base(run, attempts.database) if any(one.refused for one in ups.values()) else ()
        kept = _hidden(new, done, ups, older)
        run.findings += kept
        _tell_of_one_transaction(run, done.whole, ups)
        end = End(run, attempts.database, shop.tool)
        # one that the tool passes over each time stands in the way of single steps
        if 1 < len(ran) <= FEW and {item.migration for item in kept} <= {item.id for item in ran}:
            _, stepwise = _steps(run, shop, ran)
            _compare(run, end, stepwise)
        return Ascent(ups=ups, attempts=attempts, end=end, ran=ran)
    if isinstance(done, Finding) and not 1 < len(new) <= FEW:
        raise Refused(done, {}, attempts)
    ups, stepwise = _steps(run, shop, new)
    if isinstance(done, Finding):
        run.findings.append(_only_alone(done))
        raise Failed("all new migrations in one run of the tool fail")
    _compare(run, End(run, attempts.database, shop.tool), stepwise)
    return Ascent(ups=ups, attempts=attempts, end=stepwise, ran=new)


def _steps(run: Run, shop: Workshop, new: tuple[Migration, ...]) -> tuple[dict[str, Recorded], End]:
    """Run the new migrations one by one."""
    attempts = Attempts.on(run, shop, "steps")
    away = not shop.tool.up_one
    if away:
        shop.keep_away(new)
    ups: dict[str, Recorded] = {}
    try:
        for item in new:
            if away:
                shop.bring((item,))
            done = attempts.one(item)
            if isinstance(done, Finding):
                raise Refused(done, ups, attempts)
            ups[item.id] = done
    finally:
        if away:
            shop.bring(new)
    end = End(run, attempts.database, shop.tool)
    shop.server.drop_database(attempts.database)
    return ups, end


def _complete(cut: Cut, new: tuple[Migration, ...]) -> bool:
    """Whether it is known of every migration what it sent: each was noted, or all notes are known and it was left out."""
    return len(cut.steps) == len(new) or (bool(cut.steps) and not cut.strangers)


def _ups(cut: Cut, new: tuple[Migration, ...]) -> dict[str, Recorded]:
    if not cut.steps:
        return {new[0].id: cut.whole}
    nothing = Recorded(text="", mode=Mode.TRANSACTION, error=None, transactions=0)
    return {item.id: cut.steps.get(item.id, nothing) for item in new}


def _hidden(
    new: tuple[Migration, ...], cut: Cut, ups: dict[str, Recorded], older: tuple[Migration, ...]
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


def _tell_of_one_transaction(run: Run, whole: Recorded, ups: Mapping[str, Recorded]) -> None:
    if sum(bool(one.text) for one in ups.values()) < 2 or whole.transactions != 1 or whole.mode is not Mode.TRANSACTION:
        return
    single_transaction.tell(run, "the tool")


def _only_alone(found: Finding) -> Finding:
    return Finding(
        rule=found.rule, hazard=found.hazard, severity=found.severity, place=found.place, migration=found.migration,
        message=f"each migration applies alone, all in one run of the tool do not: {found.message}",
        help="look for what needs a transaction of its own, such as a new enum value that a later migration uses",
    )  # fmt: skip


def _compare(run: Run, together: End, stepwise: End) -> None:
    difference = stepwise.differs(together)
    if difference:
        latest = run.new[-1]
        run.findings.append(Finding(
            rule="not-the-same-at-once", hazard=Hazard.NOT_REPEATABLE, severity=Severity.ERROR, migration=latest.id,
            message=f"one run of the tool leads to another state than single steps: {difference}",
            help="let migrations not depend on how many run at once", place=Place(file=latest.up_path, line=1),
        ))  # fmt: skip
