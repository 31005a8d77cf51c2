"""squawk's results as findings, with hazards and places in the file."""

from __future__ import annotations

from bisect import bisect_right
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from itertools import accumulate, islice

from kfm_ci import phrases
from kfm_ci.analysis.changed_statements import ChangeStatements
from kfm_ci.errors import CannotCheck
from kfm_ci.migrations.model import Migration
from kfm_ci.model import ROLLOUT_HAZARDS, Finding, Hazard, Mode, Place, Severity, default_severity
from kfm_ci.rules.rule import declared_rollout, spread
from kfm_ci.rules.squawk import process
from kfm_ci.rules.squawk.process import SquawkAnswer
from kfm_ci.rules.squawk.rule_map import ENABLED, EXCLUSION_REMEDY, GENERAL, PAGES, PREFIX, REMEDIES, Group
from kfm_ci.sql import statements, transactions
from kfm_ci.sql.script import Script, Statement
from kfm_ci.sql.tokens import solid

UNREAD = f"{PREFIX}unread"
_KINDS = (
    ROLLOUT_HAZARDS,
    frozenset({Hazard.DATA_LOSS, Hazard.BREAKS_CLIENTS, Hazard.DATA_DEPENDENT, Hazard.COEXISTENCE}),
    frozenset({Hazard.TRANSACTION, Hazard.INVALID_INDEX}),
    frozenset({Hazard.PRIVILEGE, Hazard.SESSION_STATE}),
)
"""Groups of hazards that describe one problem: locks, losses, transactions, privileges."""


@dataclass(frozen=True, slots=True, kw_only=True)
class LinterResult:
    """Result of running squawk."""

    findings: tuple[Finding, ...] = ()
    unchecked: tuple[tuple[str, str], ...] = ()
    """Files without complete output, with the reason."""
    asked: int = 0
    """Number of files that were passed to squawk."""
    unasked: int = 0
    """Number of results of rules that were not enabled."""


class _Script:
    """The script of one up migration."""

    __slots__ = ("_lines", "_starts", "_statements", "migration", "question", "script")

    def __init__(self, migration: Migration, script: Script) -> None:
        self.migration = migration
        self.script = script
        self._lines = statements.Lines(script.text, script.first_line)
        self._statements = statements.of(script)
        self._starts = [item.offset for item in self._statements]
        own = any(transactions.controls_transaction(item) for item in self._statements)
        assumed = not own and transactions.mode(script) is Mode.TRANSACTION
        self.question = process.Question(script.text, in_transaction=assumed)

    @property
    def path(self) -> str:
        """Path of the file."""
        return self.script.file.path

    def statement(self, answer: SquawkAnswer) -> Statement | None:
        """Return the statement of a result; None before the first."""
        index = bisect_right(self._starts, self._offset(answer.line, answer.column)) - 1
        return self._statements[index] if index >= 0 else None

    def place(self, answer: SquawkAnswer) -> Place:
        """Return the place of a result in the file, 1-based and in characters."""
        line, column = self._lines.place(self._offset(answer.line, answer.column))
        around = self.statement(answer)
        return Place(file=self.path, line=line, column=column, end_line=max(line, around.end_line) if around else line)

    def constraint(self, answer: SquawkAnswer) -> str:
        """Return the keyword of the constraint at a result's place, such as ``UNIQUE``."""
        text = self.script.text
        following = islice(solid(text, self._offset(answer.line, answer.column)), 4)
        _, *rest = (*(text[token.start : token.end].upper() for token in following), "")
        return rest[2] if rest[0] == "CONSTRAINT" and len(rest) > 2 else rest[0]

    def _offset(self, line: int, column: int) -> int:
        return min(self.question.places.characters(line, column), max(0, len(self.script.text) - 1))


def lint(
    migrations: Sequence[Migration],
    statements_of_change: ChangeStatements,
    *,
    ours: Sequence[Finding] = (),
    major: int | None = None,
) -> LinterResult:
    """Return squawk's findings on the up migrations of a change.

    Without those on objects that the same change creates, and without those that ``ours`` report for the same
    statement and group of hazards. ``statements_of_change`` are the migrations' statements, ``major`` is the PostgreSQL
    version that is meant. Never raises: a file without a clean answer is ``unchecked``.
    """
    scripts = [_Script(item, item.up) for item in migrations if isinstance(item.up, Script)]
    if not scripts:
        return LinterResult()
    try:
        answered = process.ask([item.question for item in scripts], major=major)
    except CannotCheck as error:
        return LinterResult(unchecked=tuple((item.path, str(error)) for item in scripts))
    reported = _Reported(ours)
    findings: list[Finding] = []
    unchecked: list[tuple[str, str]] = []
    unasked = 0
    for script, answers in zip(scripts, answered, strict=True):
        if isinstance(answers, process.UncleanInput):
            unchecked.append((script.path, str(answers)))
            continue
        unasked += sum(item.rule_name not in {*ENABLED, process.SYNTAX} for item in answers)
        findings += (
            item for item in _findings(script, answers, statements_of_change) if not reported.has_same_matter(item)
        )
    return LinterResult(findings=tuple(findings), unchecked=tuple(unchecked), asked=len(scripts), unasked=unasked)


def not_checked(advice: LinterResult) -> CannotCheck:
    """Return the error for incomplete results."""
    path, reason = advice.unchecked[0]
    more = phrases.and_more(len(advice.unchecked), 1)
    return CannotCheck(
        code="KFM-C15",
        message=f"squawk did not check the file{more}: {reason.removesuffix('.')}.",
        where=path,
        help="Run kfm-ci again, or set `squawk = false` in [policy].",
    )


def same_matter(one: Finding, other: Finding) -> bool:
    """Whether two findings in one file have overlapping lines and the same group of hazards."""
    if _kind(one.hazard) != _kind(other.hazard) or one.place.line is None or other.place.line is None:
        return False
    return one.place.line <= (other.place.end_line or other.place.line) and other.place.line <= (
        one.place.end_line or one.place.line
    )


def _kind(hazard: Hazard) -> Hazard:
    return next((min(kind) for kind in _KINDS if hazard in kind), hazard)


class _Reported:
    """Findings by file and group of hazards, for a lookup whose cost does not grow with their number."""

    __slots__ = ("_ends", "_starts")

    def __init__(self, findings: Sequence[Finding]) -> None:
        spans: dict[tuple[str | None, Hazard], list[tuple[int, int]]] = {}
        for item in findings:
            if item.place.line is not None:
                span = (item.place.line, item.place.end_line or item.place.line)
                spans.setdefault((item.place.file, _kind(item.hazard)), []).append(span)
        ordered = {key: sorted(found) for key, found in spans.items()}
        self._starts = {key: [start for start, _ in found] for key, found in ordered.items()}
        self._ends = {key: list(accumulate((end for _, end in found), max)) for key, found in ordered.items()}

    def has_same_matter(self, one: Finding) -> bool:
        """Whether one of the findings in the file is of the same matter."""
        key = (one.place.file, _kind(one.hazard))
        if one.place.line is None or key not in self._starts:
            return False
        before = bisect_right(self._starts[key], one.place.end_line or one.place.line)
        return before > 0 and self._ends[key][before - 1] >= one.place.line


def _findings(
    script: _Script, answers: Sequence[SquawkAnswer], statements_of_change: ChangeStatements
) -> Iterator[Finding]:
    style: dict[str, list[Finding]] = {}
    unparsed = next((item for item in answers if item.rule_name == process.SYNTAX), None)
    if unparsed is not None:
        yield _unread(script, unparsed)
        return
    known = {(item.line_end, item.column_end) for item in answers if _has_specific_rule(item)}
    for answer in answers:
        asked = ENABLED.get(answer.rule_name)
        if asked is None or (answer.rule_name == GENERAL and (answer.line_end, answer.column_end) in known):
            continue
        around = script.statement(answer)
        if (
            asked.group is not Group.STYLE
            and around is not None
            and statements_of_change.has_only_new_targets(script.path, around)
        ):
            continue
        remedy = answer.help or REMEDIES.get(answer.rule_name)
        if answer.rule_name == "constraint-missing-not-valid":
            kind = script.constraint(answer)
            if kind in {"UNIQUE", "PRIMARY"}:
                continue  # a specific squawk rule reports it with the right help
            remedy = EXCLUSION_REMEDY if kind == "EXCLUDE" else remedy
        severity = asked.severity or default_severity(asked.hazard, rollout=declared_rollout(script.migration))
        found = Finding(
            rule=f"{PREFIX}{answer.rule_name}",
            hazard=asked.hazard,
            severity=severity,
            verdict=asked.verdict,
            message=answer.message,
            help=remedy,
            place=script.place(answer),
            migration=script.migration.id,
            docs=f"{PAGES}/{answer.rule_name}",
        )
        if asked.group is Group.STYLE:
            style.setdefault(answer.rule_name, []).append(found)
        else:
            yield found
    yield from (_once(found) for found in style.values())


def _has_specific_rule(answer: SquawkAnswer) -> bool:
    asked = ENABLED.get(answer.rule_name)
    return asked is not None and asked.group is Group.SUSPECT and answer.rule_name != GENERAL


def _once(found: list[Finding]) -> Finding:
    """Return one note for all places of a style rule."""
    lines = [item.place.line or 1 for item in found]
    return replace(found[0], message=f"{found[0].message}{spread(lines)}")


def _unread(script: _Script, answer: SquawkAnswer) -> Finding:
    return Finding(
        rule=UNREAD,
        hazard=Hazard.UNANALYSABLE,
        severity=Severity.NOTE,
        place=script.place(answer),
        message=f"squawk cannot parse the file and checked none of its rules: {answer.message}",
        migration=script.migration.id,
    )
