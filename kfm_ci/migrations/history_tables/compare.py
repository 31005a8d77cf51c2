"""Comparison of a history table with the migration files: applied, failed and changed migrations."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass

from kfm_ci import phrases
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
"""Maximum number of keys in a message."""


@dataclass(frozen=True, slots=True, kw_only=True)
class HistoryComparison:
    """State of the migrations of one directory in a history table."""

    applied: frozenset[str] = frozenset()
    """Ids of the migrations that the tool will not run again."""
    skipped: frozenset[str] = frozenset()
    """Applied migrations that never ran: the tool runs only those that sort after the last row."""
    passed: frozenset[str] = frozenset()
    """Recorded without running, because their preconditions were not met."""
    failed: frozenset[str] = frozenset()
    findings: tuple[Finding, ...] = ()

    def pending(self, history: History) -> tuple[Migration, ...]:
        """Return the migrations that the tool would run next, in order."""
        return tuple(item for item in history.migrations if item.id not in self.applied)


def compare(
    table: HistoryTable, rows: Sequence[HistoryRow], history: History, *, name: str, place: str
) -> HistoryComparison:
    """Return the state of each migration in a table; ``name`` is the table's name, ``place`` the file with its rows."""
    latest = {table.normalise(row.migration): row for row in rows}
    keys = table.keys(history)
    sums = table.checksums(history)
    last = max(
        (
            number
            for number, item in enumerate(history.migrations)
            if _reaches(table, latest.get(keys.get(item.id, "")))
        ),
        default=-1,
    )
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
    # a table with one row has no information on earlier migrations
    silent = table.covers_earlier and len(latest) > 1
    skipped = {
        item.id for item in history.migrations if silent and item.id in applied and keys.get(item.id) not in latest
    }
    findings += [_skipped(table, item, name) for item in history.migrations if item.id in skipped]
    passed = {
        item.id
        for item in history.migrations
        if (row := latest.get(keys.get(item.id, ""))) and row.state is RowState.PASSED
    }
    return HistoryComparison(
        applied=frozenset(applied),
        passed=frozenset(passed),
        skipped=frozenset(skipped),
        failed=frozenset(item.id for item, _ in failed),
        findings=tuple(findings),
    )


def _reaches(table: HistoryTable, row: HistoryRow | None) -> bool:
    return row is not None and (
        row.state is RowState.BASELINE or (table.covers_earlier and row.state is not RowState.UNDONE)
    )


def _line(migration: Migration) -> int:
    return migration.up.line if isinstance(migration.up, Command) else migration.up.first_line


def _before(history: History, migration: Migration) -> str:
    number = history.migrations.index(migration)
    return history.migrations[number - 1].version if number else "-1"


def _failed(table: HistoryTable, item: Migration, row: HistoryRow, before: str, name: str) -> Finding:
    repair = table.repair_help.replace("{key}", row.migration).replace("{previous}", before)
    return HISTORY_ROW_FAILED.finding(
        (
            f"`{name}` records that `{row.migration}` was started and not completed, so {table.format} "
            f"{table.after_failure}."
        ),
        help=repair,
        place=Place(file=item.up_path, line=_line(item)),
        migration=item.id,
        severity=Severity.ERROR,
    )


def _changed(table: HistoryTable, item: Migration, name: str) -> Finding:
    then = "fails" if table.rejects_changed_files else "does not run it again"
    return HISTORY_CHECKSUM_MISMATCH.finding(
        f"The file was changed after it ran: its checksum differs from the one in `{name}`, and {table.format} {then}.",
        help=table.checksum_help,
        place=Place(file=item.up_path, line=_line(item)),
        migration=item.id,
        severity=Severity.ERROR if table.rejects_changed_files else Severity.WARNING,
    )


def _skipped(table: HistoryTable, item: Migration, name: str) -> Finding:
    return MIGRATION_IGNORED.finding(
        f"`{name}` has rows of later migrations and none of this one, so {table.format} skips it silently.",
        help="Assign a version after all others.",
        place=Place(file=item.up_path, line=1),
        migration=item.id,
        severity=Severity.ERROR,
    )


def _fileless(
    table: HistoryTable, latest: dict[str, HistoryRow], known: set[str], history: History, name: str, place: str
) -> Iterable[Finding]:
    lost = [
        row.migration
        for key, row in latest.items()
        if key not in known and row.state in {RowState.APPLIED, RowState.FAILED}
    ]
    if lost and history.migrations:
        yield MIGRATION_FILE_MISSING.finding(
            f"`{name}` has rows of {phrases.quoted(lost, _NAMED)}, whose files are missing.",
            help="Restore the files, or delete their rows from the history table.",
            place=Place(file=place, line=1),
            severity=Severity.WARNING,
        )
