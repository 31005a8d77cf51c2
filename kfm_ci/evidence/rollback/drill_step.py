"""The steps of the drill: roll a migration back and compare, then apply it again and compare."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from psycopg import Connection

from kfm_ci.evidence.rollback import location, prerequisites
from kfm_ci.evidence.rollback.assessment import assess
from kfm_ci.evidence.rollback.comparison import KnownDifferences, compare, compare_schemas, select, union
from kfm_ci.evidence.rollback.data_loss import unrecoverable_objects
from kfm_ci.evidence.rollback.difference_text import format_difference, format_progress
from kfm_ci.evidence.rollback.model import DrillStep, DrillSubject, ScriptResult, ScriptRunner, State
from kfm_ci.evidence.rollback.result import DrillCase
from kfm_ci.migrations.model import Migration
from kfm_ci.model import Mode, Place, Strategy
from kfm_ci.postgres import catalog, data_checksums
from kfm_ci.postgres.catalog import Catalog
from kfm_ci.postgres.data_checksums import Content
from kfm_ci.rules.server.rollback import REAPPLY_DIFFERS, ROLLBACK_FAILED, ROLLBACK_SCHEMA_DIFFERS
from kfm_ci.sql import plpgsql
from kfm_ci.sql.script import Script


@dataclass(slots=True, kw_only=True)
class DrillRun:
    """A drill in progress; a difference that is reported for one migration is not reported again for an earlier one."""

    connection: Connection[Any]
    runner: ScriptRunner
    before: Mapping[str, State]
    """By migration, the state before its up."""
    after: Mapping[str, State]
    """By migration, the state after its up."""
    known: KnownDifferences = field(default_factory=KnownDifferences)
    autocommit: set[str] = field(default_factory=set)
    """Migrations whose rollback ran outside a transaction."""
    content: Content | None = None
    """Rows after the last step; None: not read yet."""
    schema: Catalog | None = None
    """Schema when it was last read; None: not read yet."""
    first: str | None = None
    """The migration that is rolled back last; after it the schema is read as a whole, not from the last reading."""

    def roll_back(self, case: DrillCase) -> None:
        """Run the rollback of a migration, and compare with the state before its up."""
        if not prerequisites.check(case):
            case.step = DrillStep.BLOCKED
            if case.subject.strategy is Strategy.MANUAL:
                self._report_unrecoverable(case)
            return
        touched = []
        for file, result in self._run_rollback(case.subject):
            case.statements = (*case.statements, *result.statements)
            case.mode = result.mode
            touched.append(result.touched)
            if result.mode is Mode.AUTOCOMMIT:
                self.autocommit.add(case.subject.id)
            if result.error is not None:
                self._fail(case, file, result)
                return
        self._compare(case, union(touched))
        case.step = DrillStep.ROLLED_BACK

    def reapply(self, cases: Sequence[DrillCase]) -> None:
        """Apply migrations again in order, and compare with the schema after their first run."""
        reapplied: list[DrillCase] = []
        for case in cases:
            if case.exempt:
                break  # what its compensation may leave behind can make its up migration fail
            result = self.runner.up(case.subject.migration)
            if result.error is not None:
                _report_failed_reapply(case, result)
                return
            case.step = DrillStep.REAPPLIED
            reapplied.append(case)
        if reapplied:
            self._compare_reapplied(reapplied)

    def _run_rollback(self, subject: DrillSubject) -> Iterator[tuple[str, ScriptResult]]:
        """Run the scripts of a rollback one by one; yield for each its file and result."""
        migration, runbook = subject.migration, subject.runbook
        if subject.strategy is Strategy.COMPENSATING and subject.compensation is not None:
            yield subject.compensation.up_path, self.runner.compensate(subject.compensation)
        elif subject.strategy is Strategy.MANUAL and runbook is not None and runbook.drills:
            for block in runbook.drills:
                yield runbook.path, self.runner.run(runbook.path, block.line, block.text)
        elif (down := subject.down) is not None:
            yield down.file.path, self.runner.down(migration)

    def _compare(self, case: DrillCase, touched: frozenset[int] | None) -> None:
        identity = case.subject.id
        before = self.before[identity]
        self.content = data_checksums.snapshot(
            self.connection, like=before.content, since=self.content, touched=touched
        )
        now = State(catalog=self._read_schema(whole=identity == self.first), content=self.content)
        comparison = compare(before, now, self.known)
        self.known = comparison.known
        assess(case, comparison, before=before, after=self.after[identity], now=now, touched=touched)

    def _compare_reapplied(self, cases: Sequence[DrillCase]) -> None:
        """Report each object that differs for the last migration that changed it."""
        now = self._read_schema(whole=True)
        last = cases[-1]
        difference = compare_schemas(self.after[last.subject.id].catalog, now, self.known)
        if difference.empty:
            return
        changed_by: dict[str, str] = {}
        for case in cases:
            before, after = self.before[case.subject.id].catalog, self.after[case.subject.id].catalog
            changed_by.update(dict.fromkeys(catalog.diff(before, after).names, case.subject.id))
        for case in cases:
            names = {name for name in difference.names if changed_by.get(name, last.subject.id) == case.subject.id}
            own = select(difference, names.__contains__)
            text = format_difference(own, added="is added", removed="is missing")
            if not own.empty and not case.extend_finding(ROLLBACK_SCHEMA_DIFFERS, f"Applied again it differs: {text}."):
                case.report(
                    REAPPLY_DIFFERS,
                    f"Applied again after its rollback `{case.subject.id}` gives a different schema: {text}.",
                    help="Make the up migration independent of leftover objects; `IF NOT EXISTS` may have skipped a "
                    "changed definition.",
                    place=_up_place(case.subject.migration, own.names),
                )
        self.known = self.known.with_objects(difference, now)

    def _fail(self, case: DrillCase, file: str, result: ScriptResult) -> None:
        """Report a rollback that failed, and what it changed before."""
        subject = case.subject
        after, now = self.after[subject.id].catalog, self._read_schema()
        case.step, case.changed_by_failure = DrillStep.FAILED, catalog.diff(after, now)
        case.schema_restored = False
        progress = self.known.subtract(catalog.fold(case.changed_by_failure, before=after, after=now), now)
        down = subject.down
        if down is not None and progress.empty and not case.native_format and plpgsql.is_irreversible(down):
            case.report_missing(
                f"The down migration of `{subject.id}` raises an error by design: {result.error}.",
                help="Write the down migration, or declare `rollback: manual` with a runbook.",
            )
            return
        if progress.empty:
            state = "the schema is unchanged"
            help = result.setting or "Correct the down migration, or declare `rollback: manual` with a runbook."
        else:
            state = f"it is applied in part (compared with the schema after the up: {format_progress(progress)})"
            help = "Correct the down migration, and make it safe to re-run (`if exists`)."
        case.report(
            ROLLBACK_FAILED,
            f"The rollback of `{subject.id}` fails: {result.error}; {state}.",
            help=help,
            place=Place(file=file, line=result.line),
        )

    def _report_unrecoverable(self, case: DrillCase) -> None:
        """List the objects that a migration without a runnable rollback drops."""
        before, after = self.before[case.subject.id].catalog, self.after[case.subject.id].catalog
        case.price.extend(unrecoverable_objects(before, after))
        case.messages.append("The rollback is declared manual, and its runbook has nothing to run.")

    def _read_schema(self, *, whole: bool = False) -> Catalog:
        self.schema = catalog.follow(self.connection, None if whole else self.schema)
        return self.schema


def _report_failed_reapply(case: DrillCase, result: ScriptResult) -> None:
    if not case.extend_finding(ROLLBACK_SCHEMA_DIFFERS, f"It does not apply again: {result.error}."):
        case.report(
            REAPPLY_DIFFERS,
            f"After its rollback `{case.subject.id}` does not apply again: {result.error}.",
            help="Remove everything that the up migration created in the down migration.",
            place=_up_place(case.subject.migration, line=result.line),
        )


def _up_place(migration: Migration, names: Sequence[str] = (), *, line: int | None = None) -> Place:
    if line is None and isinstance(migration.up, Script):
        return location.locate(migration.up, names)
    return Place(file=migration.up_path, line=line or 1, column=1)
