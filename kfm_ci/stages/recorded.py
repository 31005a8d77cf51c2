"""What the tool's own history table says has run: of a baseline that brought it along, and after the tool itself ran."""

from __future__ import annotations

from kfm_ci.migrations import history_tables
from kfm_ci.migrations.files import History, Migration
from kfm_ci.migrations.history_tables import HistoryRow, HistoryTable, comparison
from kfm_ci.migrations.history_tables.comparison import Noted
from kfm_ci.model import Finding, Hazard, Place, Severity
from kfm_ci.postgres import history_table
from kfm_ci.stages.base import Run

_Read = tuple[HistoryTable, str, tuple[HistoryRow, ...]]


def by_baseline(run: Run, database: str) -> Noted:
    """Return what the table that came with the baseline says of the files; nothing where there is none."""
    path, base, head = run.config.migrations.baseline, run.change.base, run.change.head
    found = _read(run, database) if path is not None else None
    if path is None or found is None:
        return Noted()
    table, name, rows = found
    ahead = comparison.compare(table, rows, head, name=name, place=path)
    if base is None or not base.migrations:
        return ahead
    taken = [_taken(item, head, name) for item in run.new if item.id in ahead.applied]
    noted = comparison.compare(table, rows, base, name=name, place=path)
    return Noted(applied=noted.applied, skipped=noted.skipped, failed=noted.failed, findings=(*noted.findings, *taken))


def by_tool(run: Run, database: str) -> list[Finding]:
    """Return what is wrong with the table after the tool has run everything: rows that failed, or are not there at all."""
    found = _read(run, database)
    if found is None:
        return []
    table, name, rows = found
    head = run.change.head
    noted = comparison.compare(table, rows, head, name=name, place=head.directory)
    passed = [item for item in run.new if item.id not in noted.applied | noted.failed]
    return [*noted.findings, *(_passed_over(item, head, name) for item in passed)]


def _read(run: Run, database: str) -> _Read | None:
    table = history_tables.of(run.change.head.format)
    if table is None:
        return None
    command = run.config.migrations.command
    name = (command.history_table if command else None) or table.named(run.change.tree, run.change.head.directory)
    with run.connect(database, admin=True) as session:
        rows = history_table.read(session, table, name)
    return (table, name, rows) if rows else None


def _taken(item: Migration, head: History, name: str) -> Finding:
    return Finding(
        rule="history-skips", hazard=Hazard.ORDER, severity=Severity.ERROR, migration=item.id, place=Place(file=item.up_path, line=1),
        message=f"{name}, as the baseline has it, says that {item.version or item.id} has run already: {head.format} would never run this file",
        help="give it a version after all others, or make the baseline anew from a database that the change has not reached",
    )  # fmt: skip


def _passed_over(item: Migration, head: History, name: str) -> Finding:
    if item.condition is not None:
        return Finding(
            rule="history-skips", hazard=Hazard.ORDER, severity=Severity.NOTE, migration=item.id, place=Place(file=item.up_path, line=1),
            message=f"{head.format} left it out for {item.condition}: nothing of it was run or judged",
            help="ask for it as production does, in [migrations.command] env or up",
        )  # fmt: skip
    return Finding(
        rule="history-skips", hazard=Hazard.ORDER, severity=Severity.ERROR, migration=item.id, place=Place(file=item.up_path, line=1),
        message=f"{head.format} ended well, and {name} has no row of this migration: it was passed over in silence",
        help="give it a version after all others",
    )  # fmt: skip
