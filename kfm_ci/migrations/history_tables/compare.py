"""A history table held against the files: what has run, what failed, what is not the file that ran."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass

from kfm_ci.migrations.history_tables.base import HistoryRow, HistoryTable, RowState
from kfm_ci.migrations.model import Command, History, Migration
from kfm_ci.migrations.problems.history_table import (
    HISTORY_CHECKSUM_MISMATCH,
    HISTORY_ROW_FAILED,
    MIGRATION_FILE_MISSING,
    MIGRATION_IGNORED,
)
from kfm_ci.model import Finding, Place, Severity

_NAMED = 3
"""So many keys are named in one message."""


@dataclass(frozen=True, slots=True, kw_only=True)
class HistoryComparison:
    """What a history table says of the migrations of one directory."""

    applied: frozenset[str] = frozenset()
    """Ids of the migrations that the tool will not run again."""
    skipped: frozenset[str] = frozenset()
    """Those of them that never ran: they sort before one that did, and the tool looks only at what comes after."""
    passed: frozenset[str] = frozenset()
    """Noted without having run."""
    failed: frozenset[str] = frozenset()
    findings: tuple[Finding, ...] = ()

    def pending(self, history: History) -> tuple[Migration, ...]:
        """Return the migrations that the tool would run next, in order."""
        return tuple(item for item in history.migrations if item.id not in self.applied)


def compare(
    table: HistoryTable, rows: Sequence[HistoryRow], history: History, *, name: str, place: str
) -> HistoryComparison:
    """Return what the rows of a table say of the files; ``name`` is the table's, ``place`` the file that it came from."""
    latest = {table.normal(row.migration): row for row in rows}
    keys = table.keys(history)
    sums = table.checksums(history)
    last = max((number for number, item in enumerate(history.migrations) if _reaches(table, latest.get(keys.get(item.id, "")))), default=-1)  # fmt: skip
    applied: set[str] = set()
    failed: list[tuple[Migration, HistoryRow]] = []
    changed: list[Migration] = []
    for number, item in enumerate(history.migrations):
        row = latest.get(keys.get(item.id, ""))
        if row is None or row.state is RowState.UNDONE:
            applied |= {item.id} if number < last and not item.is_repeatable else set()
        elif row.state is RowState.FAILED:
            failed.append((item, row))
        elif item.id not in sums or row.checksum is None or row.checksum in sums[item.id]:
            applied.add(item.id)
        elif not item.is_repeatable:
            applied.add(item.id)
            changed.append(item)
    findings = [
        *(_failed(table, item, row, _before(history, item), name) for item, row in failed),
        *(_changed(table, item, name) for item in changed),
        *_fileless(table, latest, set(keys.values()), history, name, place),
    ]
    # a table of one row says nothing of what ran before it
    silent = table.through and len(latest) > 1
    skipped = {
        item.id for item in history.migrations if silent and item.id in applied and keys.get(item.id) not in latest
    }
    findings += [_skipped(table, item, name) for item in history.migrations if item.id in skipped]
    passed = {
        item.id
        for item in history.migrations
        if (row := latest.get(keys.get(item.id, ""))) and row.state is RowState.PASSED
    }
    return HistoryComparison(applied=frozenset(applied), passed=frozenset(passed), skipped=frozenset(skipped), failed=frozenset(item.id for item, _ in failed),
                 findings=tuple(findings))  # fmt: skip


def _reaches(table: HistoryTable, row: HistoryRow | None) -> bool:
    return row is not None and (row.state is RowState.BASELINE or (table.through and row.state is not RowState.UNDONE))


def _line(migration: Migration) -> int:
    return migration.up.line if isinstance(migration.up, Command) else migration.up.first_line


def _before(history: History, migration: Migration) -> str:
    number = history.migrations.index(migration)
    return history.migrations[number - 1].version if number else "-1"


def _failed(table: HistoryTable, item: Migration, row: HistoryRow, before: str, name: str) -> Finding:
    todo = table.repair.replace("{key}", row.migration).replace("{previous}", before)
    return HISTORY_ROW_FAILED.finding(f"{name} says that {row.migration} was begun and did not end: {table.format} {table.after_failure}", help=f"see what it left behind; then: {todo}", place=Place(file=item.up_path, line=_line(item)), migration=item.id, severity=Severity.ERROR)  # fmt: skip


def _changed(table: HistoryTable, item: Migration, name: str) -> Finding:
    then = "refuses the database" if table.refuses else "does not run it again"
    return HISTORY_CHECKSUM_MISMATCH.finding(f"the file is not the one that ran: its checksum is not the one in {name}, and {table.format} {then}", help=table.accept, place=Place(file=item.up_path, line=_line(item)), migration=item.id, severity=Severity.ERROR if table.refuses else Severity.WARNING)  # fmt: skip


def _skipped(table: HistoryTable, item: Migration, name: str) -> Finding:
    return MIGRATION_IGNORED.finding(f"{name} has no row of this migration, and rows of later ones: {table.format} skips it silently", help="give it a version after all others", place=Place(file=item.up_path, line=1), migration=item.id, severity=Severity.ERROR)  # fmt: skip


def _fileless(
    table: HistoryTable, latest: dict[str, HistoryRow], known: set[str], history: History, name: str, place: str
) -> Iterable[Finding]:
    lost = [row.migration for key, row in latest.items()
            if key not in known and row.state in {RowState.APPLIED, RowState.FAILED}]  # fmt: skip
    if lost and history.migrations:
        more = f" and {len(lost) - _NAMED} more" if len(lost) > _NAMED else ""
        yield MIGRATION_FILE_MISSING.finding(f"{name} has rows of {', '.join(lost[:_NAMED])}{more}, and there is no such file", help="restore the files, or leave them out of the table as well", place=Place(file=place, line=1), severity=Severity.WARNING)  # fmt: skip
