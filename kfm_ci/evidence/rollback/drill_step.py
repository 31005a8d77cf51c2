"""One walk of the drill: a way back run, judged against the state before its up, and the up run again."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from fnmatch import fnmatchcase
from typing import Any

from psycopg import Connection

from kfm_ci.evidence.rollback import location, prerequisites
from kfm_ci.evidence.rollback.allowed_leftovers import kept
from kfm_ci.evidence.rollback.data_loss import UNMOVED, Shifts, foresee, judge, listed, unrecoverable
from kfm_ci.evidence.rollback.equivalence import moved, reordered, respaced, undefaulted
from kfm_ci.evidence.rollback.model import DrillSubject, ScriptResult, State, Walker
from kfm_ci.evidence.rollback.repair_sql import amends
from kfm_ci.evidence.rollback.result import DrillCase, accuse, describe, summarise
from kfm_ci.migrations.model import Migration
from kfm_ci.model import Mode, Place, Severity, Strategy
from kfm_ci.postgres import catalog, data_checksums
from kfm_ci.postgres.catalog import Catalog, Difference
from kfm_ci.postgres.data_checksums import Content
from kfm_ci.rules.server.rollback import (
    REAPPLY_DIFFERS,
    ROLLBACK_COLUMN_ORDER,
    ROLLBACK_DATA_NOT_COMPARED,
    ROLLBACK_FAILED,
    ROLLBACK_SCHEMA_DIFFERS,
)
from kfm_ci.sql import plpgsql
from kfm_ci.sql.script import Script


@dataclass(slots=True, kw_only=True)
class DrillRun:
    """One drill under way: what was already reported is not held against an earlier migration."""

    connection: Connection[Any]
    runner: Walker
    before: Mapping[str, State]
    after: Mapping[str, State]
    residue: dict[str, str | None] = field(default_factory=dict)
    """Objects that a later migration did not restore, with their definition as it is (None: gone)."""
    orders: dict[str, list[str]] = field(default_factory=dict)
    """Order of columns, by table, as it was told of a later migration."""
    known: Shifts = field(default_factory=dict)
    """Rows that a later migration did not restore."""
    autocommit: set[str] = field(default_factory=set)
    seen: Content | None = None
    """Rows as they were after the way back before; None: they must all be read."""
    schema: Catalog | None = None
    """Schema as it was last read; None: all of it must be."""
    end: str | None = None
    """The migration that is taken back last, after which the schema is read as a whole."""

    @property
    def littered(self) -> bool:
        """Whether a way back so far did not restore everything, whether or not that was held against it."""
        return bool(self.residue or self.orders or any(shift != UNMOVED for shift in self.known.values()))

    def take_back(self, trial: DrillCase) -> None:
        """Run a migration's way back and judge where it leads."""
        if not prerequisites.check(trial):
            if trial.subject.strategy is Strategy.MANUAL:
                self._declare_lost(trial)
            return
        trial.tried = True
        walked = self._walk(trial.subject)
        for file, ran in walked:
            trial.statements = (*trial.statements, *ran.statements)
            trial.mode = ran.mode
            if ran.mode is Mode.AUTOCOMMIT:
                self.autocommit.add(trial.subject.id)
            if ran.error is not None:
                self._fail(trial, file, ran)
                return
            trial.ran = True
        if trial.ran:
            self._judge(trial, _union(ran.touched for _, ran in walked))
            trial.walked = True
        else:
            self._declare_lost(trial)

    def stay(self, trial: DrillCase) -> None:
        """Say whether a migration that could not be taken back is still there in full."""
        if trial.tried:
            trial.applied = self._look() == self.after[trial.subject.id].catalog

    def _look(self, *, whole: bool = False) -> Catalog:
        self.schema = catalog.follow(self.connection, None if whole else self.schema)
        return self.schema

    def reapply(self, trials: Sequence[DrillCase]) -> None:
        """Apply again what was taken back, in order; the schema must come out as the first time."""
        again: list[DrillCase] = []
        for trial in trials:
            if trial.excepted:
                break  # what its compensation may leave behind can be in its own way
            subject = trial.subject
            ran = self.runner.up(subject.migration)
            if ran.error is not None:
                if not trial.adds(ROLLBACK_SCHEMA_DIFFERS, f"It does not apply again: {ran.error}."):
                    trial.report(
                        REAPPLY_DIFFERS,
                        f"After its rollback `{subject.id}` does not apply again: {ran.error}.",
                        help="Remove everything that the up migration created in the down migration.",
                        place=_up(subject.migration, line=ran.line),
                    )
                return
            trial.applied = True
            again.append(trial)
        if again:
            self._compare(again)

    def _compare(self, again: Sequence[DrillCase]) -> None:
        """Hold the schema against that of the first time; each object counts for the last migration that changed it."""
        now = self._look(whole=True)
        difference = self._difference(self.after[again[-1].subject.id].catalog, now)
        if difference.empty:
            return
        guilty: dict[str, DrillCase] = {}
        for trial in again:
            before, after = self.before[trial.subject.id].catalog, self.after[trial.subject.id].catalog
            guilty.update(dict.fromkeys(catalog.diff(before, after).names, trial))
        for trial in again:
            own = _keep(difference, lambda name, trial=trial: guilty.get(name, again[-1]) is trial)  # type: ignore[misc]
            told = describe(own, added="comes on top", removed="is missing")
            if not own.empty and not trial.adds(ROLLBACK_SCHEMA_DIFFERS, f"Applied again it differs: {told}."):
                trial.report(
                    REAPPLY_DIFFERS,
                    f"Applied again after its rollback `{trial.subject.id}` gives a different schema: {told}.",
                    help="Make the up migration independent of leftover objects; `IF NOT EXISTS` may have skipped a "
                    "changed definition.",
                    place=_up(trial.subject.migration, own.names),
                )
        self._remember(difference, now)

    def _walk(self, subject: DrillSubject) -> list[tuple[str, ScriptResult]]:
        migration, runbook = subject.migration, subject.runbook
        if subject.strategy is Strategy.COMPENSATING and subject.compensation is not None:
            return [(subject.compensation.up_path, self.runner.compensate(subject.compensation))]
        if subject.strategy is Strategy.MANUAL and runbook is not None and runbook.drills:
            walked: list[tuple[str, ScriptResult]] = []
            for block in runbook.drills:
                walked.append((runbook.path, self.runner.run(runbook.path, block.line, block.text)))
                if walked[-1][1].error is not None:
                    break
            return walked
        if (down := subject.down) is not None:
            return [(down.file.path, self.runner.down(migration))]
        return []

    def _judge(self, trial: DrillCase, touched: frozenset[int] | None) -> None:
        subject = trial.subject
        expected = self.before[subject.id]
        rows = data_checksums.snapshot(self.connection, like=expected.content, since=self.seen, touched=touched)
        now = State(catalog=self._look(whole=subject.id == self.end), content=rows)
        self.seen = rows
        difference = self._difference(expected.catalog, now.catalog)
        self._remember(difference, now.catalog)
        left = kept(subject.migration, difference)
        difference = _keep(difference, lambda name: name not in left)
        if subject.strategy is Strategy.COMPENSATING:
            asked = _except(difference, subject.exceptions)
            trial.excepted, difference = asked != difference, asked
        shown = catalog.fold(difference, before=expected.catalog, after=now.catalog)
        losses = judge(expected.content, now.content, known=self.known, parents=expected.catalog.parents)
        changed = _union((self.after[subject.id].touched, touched))
        losses = replace(losses, unread=tuple(name for name in losses.unread if _may_differ(name, expected, changed)))
        trial.difference = shown
        trial.schema_restored = difference.empty
        trial.data_restored = False if losses.errors else None if losses.unread else True
        trial.price.extend(foresee(expected.catalog, self.after[subject.id].catalog, now=now.catalog))
        trial.price.extend(losses.notes)
        trial.price.extend(
            f"rolling back leaves {name}, which may have been there before"
            for name in left
            if not name.startswith("comment ")
        )
        if subject.strategy is Strategy.MANUAL:
            trial.price.extend(loss.sentence for loss in losses.errors)
            if not difference.empty:
                trial.price.append(f"the schema is not restored: {describe(shown)}")
            if losses.errors or not difference.empty:
                trial.messages.append("Declared manual: its rollback runs, but does not restore everything.")
        else:
            sql = amends(shown, before=expected.catalog, now=now.catalog)
            accuse(trial, shown, losses, gone=difference.removed, sql=sql)
        self._tell_order(trial, expected.catalog, now.catalog)
        if losses.unread:
            trial.report(
                ROLLBACK_DATA_NOT_COMPARED,
                f"Rows could not be read, so these are not compared: {listed(losses.unread)}.",
                help="Grant the migrations' role SELECT on them; row security and privileges apply to it too.",
                names=[f"table {name}" for name in losses.unread],
                severity=Severity.WARNING,
            )

    def _tell_order(self, trial: DrillCase, before: Catalog, now: Catalog) -> None:
        """Note tables whose columns came back in another place; each is told once."""
        tables = [name for name in moved(before, now) if self.orders.get(name) != list(now.relations[name].columns)]
        self.orders.update({name: list(now.relations[name].columns) for name in tables})
        if tables:
            shown = (f"{name} ({', '.join(self.orders[name])})" for name in tables)
            trial.report(
                ROLLBACK_COLUMN_ORDER,
                f"The rollback restores the columns in a different order: {listed(tuple(shown))}.",
                help="Nothing to do, unless a statement inserts without column names or reads columns by position.",
                names=[f"table {name}" for name in tables],
                severity=Severity.NOTE,
            )

    def _fail(self, trial: DrillCase, file: str, ran: ScriptResult) -> None:
        subject = trial.subject
        now = self._look()
        halfway = catalog.fold(
            catalog.diff(self.after[subject.id].catalog, now), before=self.after[subject.id].catalog, after=now
        )
        halfway = self._without_residue(halfway, now)
        trial.ran, trial.schema_restored = False, False
        down = subject.down
        if down is not None and halfway.empty and not trial.native_format and plpgsql.is_irreversible(down):
            trial.missing(
                f"The down migration of `{subject.id}` raises an error by design: {ran.error}.",
                help="Write the down migration, or declare `rollback: manual` with a runbook.",
            )
            return
        state = (
            "the schema is unchanged"
            if halfway.empty
            else f"it is applied in part (compared with the schema after the up: {summarise(halfway)})"
        )
        trial.report(
            ROLLBACK_FAILED,
            f"The rollback of `{subject.id}` fails: {ran.error}; {state}.",
            help=ran.setting or "Correct the down migration, or declare `rollback: manual` with a runbook."
            if halfway.empty
            else "Correct the down migration, and make it safe to re-run (`if exists`).",
            place=Place(file=file, line=ran.line),
        )

    def _declare_lost(self, trial: DrillCase) -> None:
        """Show the price of a migration that has nothing to run."""
        identity = trial.subject.id
        trial.price.extend(unrecoverable(self.before[identity].catalog, self.after[identity].catalog))
        trial.messages.append("Declared manual: the runbook has nothing to run.")

    def _difference(self, expected: Catalog, now: Catalog) -> Difference:
        """Return what differs and was not told yet, but for what only has another shape.

        That is a view that follows the order of a table's columns, a routine with other blanks and comments, and a
        column whose default is no value.
        """
        difference = self._without_residue(catalog.without_timestamps(catalog.diff(expected, now)), now)
        moves = moved(expected, now)
        alike = frozenset((*reordered(difference, moves), *respaced(difference), *undefaulted(difference)))
        return _keep(difference, lambda name: name not in alike)

    def _without_residue(self, difference: Difference, now: Catalog) -> Difference:
        actual = dict(now.entries)
        old = {name for name, definition in self.residue.items() if actual.get(name) == definition}
        return _keep(difference, lambda name: name not in old)

    def _remember(self, difference: Difference, now: Catalog) -> None:
        actual = dict(now.entries)
        self.residue.update((name, actual.get(name)) for name in difference.names)


def _up(migration: Migration, names: Sequence[str] = (), *, line: int | None = None) -> Place:
    if line is None and isinstance(migration.up, Script):
        return location.place(migration.up, names)
    return Place(file=migration.up_path, line=line or 1, column=1)


def _may_differ(table: str, state: State, changed: frozenset[int] | None) -> bool:
    """Whether the rows of a table can be others than in a state; ``changed``: relations in which some may be, None: in any."""
    relation = state.catalog.relations.get(table)
    return changed is None or relation is None or relation.oid in changed


def _union(touched: Iterable[frozenset[int] | None]) -> frozenset[int] | None:
    known: frozenset[int] = frozenset()
    for one in touched:
        if one is None:
            return None
        known |= one
    return known


def _keep(difference: Difference, wanted: Callable[[str], bool]) -> Difference:
    return Difference(
        added=tuple(name for name in difference.added if wanted(name)),
        changed=tuple(change for change in difference.changed if wanted(change[0])),
        removed=tuple(name for name in difference.removed if wanted(name)),
    )


def _except(difference: Difference, patterns: tuple[str, ...]) -> Difference:
    return _keep(difference, lambda name: not any(fnmatchcase(name, pattern) for pattern in patterns))
