"""The tool's own way back, recorded: all that is new in one run where the tool can, and around what it cannot take back."""

from __future__ import annotations

import re
from dataclasses import dataclass, field

from kfm_ci.evidence.tool_log.transcript import RecordedStatements
from kfm_ci.migrations.model import Command, Migration
from kfm_ci.migrations.tools.process import ProcessResult
from kfm_ci.model import Finding, Hazard, Mode, Place, Proof, Severity
from kfm_ci.stages.external_tool.tool_run import ToolRunner, last, told_line
from kfm_ci.stages.run import Run

_NO_WAY_BACK = re.compile(
    r"irreversible|NotImplementedError|no (?:down|inverse|rollback)|RollbackImpossible|cannot be reversed|cannot reverse|cannot (?:be rolled back|roll ?back)",
    re.IGNORECASE,
)
_RAISES = re.compile(r"\s*(?:raise|throw)\b")
_ERROR = re.compile(r"^(?:\w*Error|\w*Exception)\b:?\s*", re.IGNORECASE)
_TELLING = 8
"""Characters of a complaint that can be looked for in a program."""
MOST = 10
"""So many ways back may fail or be declined, for each costs a run of the tool up to there; what lies below them is told, and not run."""


@dataclass(slots=True, kw_only=True)
class DownRecording:
    """Takes new migrations back by the tool, the last first."""

    run: Run
    attempts: ToolRunner
    ran: tuple[Migration, ...]
    """Those of the new migrations that the tool noted."""
    downs: dict[str, RecordedStatements] = field(default_factory=dict)
    _halts: int = 0
    """How often a way back failed, was declined, or was known not to be there."""

    def go(self) -> dict[str, RecordedStatements]:
        """Return what each way back sent; one that fails is a finding, and those below it begin from where it stands.

        Blamed is only a way back that fails right after its own way up: before it, others may have left something.
        """
        left = [item for item in self.ran if _command(item).returns and (_command(item).down or _command(item).back)]
        standing = untouched = bool(left) and left[-1] is self.ran[-1]
        while left:
            if not standing:
                if self._print(left) or not self._stand_at(left):
                    break
                untouched = True
            leg = self._leg(left)
            cut, ended = self.attempts.down(_way(leg), leg)
            self.downs |= cut.steps
            rest = [item for item in left if item.id not in cut.steps]
            standing, untouched, stuck = ended.code == 0 and len(rest) < len(left), False, untouched
            if standing:
                standing = self._joins(rest, left)
            elif stuck and len(rest) == len(left):
                self._failed(rest.pop(), cut.whole.error, ended)
            left = rest
        return self.downs

    def _leg(self, left: list[Migration]) -> list[Migration]:
        """Return the last of those left between which none stands that the tool cannot take back."""
        place = len(left) - 1
        while place and self._joins(left[:place], left[: place + 1]):
            place -= 1
        return left[place:]

    def _joins(self, rest: list[Migration], before: list[Migration]) -> bool:
        """Whether the last of those that rest came right before those that are taken back by now."""
        return not rest or self.ran.index(before[len(rest)]) == self.ran.index(rest[-1]) + 1

    def _print(self, left: list[Migration]) -> bool:
        """Have the tool print all that is left, where it can: a start up to each of them takes long; False when it cannot."""
        shop = self.attempts.shop
        if not shop.tool.down_printed:
            return False
        copy = ToolRunner.on(self.run, shop, "tool_printed", template=self.attempts.database)
        cut = copy.printed(left, [item for item in self.ran if item not in left])
        shop.server.drop_database(copy.database)
        if cut is None:
            return False
        self.downs |= cut.steps
        return True

    def _failed(self, migration: Migration, error: str | None, ended: ProcessResult) -> None:
        why = failed(migration, error, ended)
        if why is None:
            # there is a down, and all it does is to say that there is no way back
            self.downs[migration.id] = RecordedStatements(text="", mode=Mode.TRANSACTION, error=None, transactions=0)
        else:
            self.run.findings.append(failure(migration, why, ended))
            self.run.unrecorded[migration.id] = Proof.FAILED
        self._halts += 1

    def _stand_at(self, left: list[Migration]) -> bool:
        """Make the state in which the last of these has just run; False when there is nothing to do there, or no way to it."""
        if not left:
            return False
        if self._halts >= MOST:
            self.run.findings.append(_unseen(left))
            self.run.unrecorded |= dict.fromkeys((item.id for item in left), Proof.NOT_RUN)
            return False
        shop = self.attempts.shop
        self.attempts = ToolRunner.on(self.run, shop, "tool_back")
        place = self.ran.index(left[-1]) + 1
        standing, above = self.ran[:place], self.ran[place:]
        counted = any("{count}" in part for part in shop.tool.up_one)
        if not counted:
            shop.keep_away(above)
        made = self.attempts.up(standing, shop.tool.up_one if counted else ())
        if not counted:
            shop.bring(above)
        return not isinstance(made, Finding)


def _way(remaining: list[Migration]) -> tuple[str, ...]:
    """Return the command line that takes most of them back."""
    first, latest = _command(remaining[0]), _command(remaining[-1])
    if len(remaining) == 1:
        return first.down or first.back
    return first.back or latest.down or ()


def failed(migration: Migration, error: str | None, ended: ProcessResult) -> str | None:
    """Return why a way back failed, in the server's words or the tool's; None where it is declined, or nothing went wrong."""
    why = error or (last(ended.tail) if ended.code else None)
    return None if why is None or _declined(migration, ended) else why


def _declined(migration: Migration, ended: ProcessResult) -> bool:
    """Whether the migration says itself that it cannot be taken back: by the tool's word for that, or by raising an error of its own."""
    line = told_line(migration, ended.tail)
    text = migration.up.file.text
    lines = text.splitlines()
    raises = line is not None and line <= len(lines) and _RAISES.match(lines[line - 1])
    return bool(raises) or _NO_WAY_BACK.search(ended.tail) is not None or _raises(text, last(ended.tail))


def _raises(text: str, complaint: str) -> bool:
    """Whether a complaint stands in a program where it raises an error: not every tool tells the line."""
    said = _ERROR.sub("", complaint)
    return (
        len(said) >= _TELLING and re.search(rf"\b(?:raise|throw)\b[^;{{}}]{{0,80}}{re.escape(said)}", text) is not None
    )


def failure(migration: Migration, why: str, ended: ProcessResult) -> Finding:
    """Return the finding on a way back that fails."""
    return Finding(
        rule="rollback-failed", hazard=Hazard.ROLLBACK_UNPROVEN, severity=Severity.ERROR, migration=migration.id,
        message=f"the tool's way back fails: {why}", help="mend the down of this migration",
        place=Place(file=migration.up_path, line=told_line(migration, ended.tail) or _command(migration).line),
    )  # fmt: skip


def _unseen(below: list[Migration]) -> Finding:
    newest = below[-1]
    return Finding(
        rule="rollback-not-run", hazard=Hazard.ROLLBACK_UNPROVEN, severity=Severity.WARNING, migration=newest.id,
        message=f"{MOST} ways back failed or are declined; those of this and the {len(below) - 1} migrations before it were not run",
        help="mend what failed, then run again", place=Place(file=newest.up_path, line=_command(newest).line),
    )  # fmt: skip


def _command(migration: Migration) -> Command:
    if not isinstance(migration.up, Command):
        raise RuntimeError("not run by a tool")
    return migration.up
