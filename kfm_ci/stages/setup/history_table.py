"""What the tool's own history table says has run: of a baseline that brought it along, and after the tool itself ran."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator
from dataclasses import replace

from kfm_ci.migrations import history_tables
from kfm_ci.migrations.history_tables import HistoryRow, HistoryTable, compare
from kfm_ci.migrations.history_tables.compare import HistoryComparison
from kfm_ci.migrations.model import Command, History, Migration
from kfm_ci.model import Finding, Hazard, Place, Severity
from kfm_ci.postgres import history_table
from kfm_ci.postgres.session import Session
from kfm_ci.sql.script import Script
from kfm_ci.stages.run import Run

_Read = tuple[HistoryTable, str, tuple[HistoryRow, ...]]


def make_named(run: Run, session: Session) -> None:
    """Make the tool's own table where a migration names it, as one that puts a trigger on it: the tool makes it before the first."""
    head = run.change.head
    table = history_tables.of(head.format)
    if head.tool is not None or table is None or not table.definition:
        return
    name = table.named(run.change.tree, head.directory)
    schema, _, plain = name.rpartition(".")
    named = re.compile(rf"(?:(?<![\w.\"])|\b{schema or 'public'}\"?\.)\"?{re.escape(plain)}\b", re.IGNORECASE)
    merged = run.change.base.migrations if run.change.base else ()
    scripts = (script for item in (*merged, *run.new) for script in (item.up, item.down) if isinstance(script, Script))
    if any(plain in script.text and named.search(script.text) for script in scripts):
        history_table.make(session, table, name)


def by_baseline(run: Run, database: str) -> HistoryComparison:
    """Return what the table that came with the baseline says of the files; nothing where there is none."""
    path, base, head = run.config.migrations.baseline, run.change.base, run.change.head
    found = _read(run, database) if path is not None else None
    if path is None or found is None:
        return HistoryComparison()
    table, name, rows = found
    ahead = compare.compare(table, rows, head, name=name, place=path)
    if base is None or not base.migrations:
        return ahead
    taken = [_taken(item, head, name) for item in run.new if item.id in ahead.applied]
    noted = compare.compare(table, rows, base, name=name, place=path)
    return HistoryComparison(
        applied=noted.applied, skipped=noted.skipped, failed=noted.failed, findings=(*noted.findings, *taken)
    )


def by_tool(run: Run, database: str) -> list[Finding]:
    """Return what is wrong with the table after the tool has run everything: rows that failed, or are not there at all."""
    found = _read(run, database)
    if found is None:
        return []
    table, name, rows = found
    head = run.change.head
    noted = compare.compare(table, rows, head, name=name, place=head.directory)
    told = {item.migration for item in run.findings if item.rule == "error-suppressed"}
    ran = noted.applied | noted.failed | told
    passed = [item for item in run.new if item.id not in ran]
    marked = [replace(item, condition="its preconditions") for item in run.new if item.id in noted.passed]
    left = [*(item for item in passed if item.condition is not None), *marked]
    return [
        *noted.findings,
        *_left_out(left, head),
        *(_passed_over(item, head, name) for item in passed if item.condition is None),
    ]


def left_by_base(run: Run, database: str) -> tuple[Migration, ...]:
    """Return the base's migrations of which the tool's table has no row: it comes to them again with each run."""
    found, base = _read(run, database), run.change.base
    if found is None or base is None:
        return ()
    table, name, rows = found
    noted = compare.compare(table, rows, base, name=name, place=base.directory)
    return tuple(item for item in base.migrations if item.id not in noted.applied | noted.failed)


def _read(run: Run, database: str) -> _Read | None:
    table = history_tables.of(run.change.head.format)
    if table is None:
        return None
    command = run.config.migrations.command
    name = (command.history_table if command else None) or table.named(run.change.tree, run.change.head.directory)
    with run.connect(database, admin=True) as session:
        keys = {
            key for history in (run.change.head, run.change.base) if history for key in table.keys(history).values()
        }
        rows = history_table.read(session, table, name, keys=keys)
    return (table, name, rows) if rows else None


def _taken(item: Migration, head: History, name: str) -> Finding:
    return Finding(
        rule="migration-ignored", hazard=Hazard.ORDER, severity=Severity.ERROR, migration=item.id, place=Place(file=item.up_path, line=1),
        message=f"{name}, as the baseline has it, says that {item.version or item.id} has run already: {head.format} would never run this file",
        help="give it a version after all others, or make the baseline anew from a database that the change has not reached",
    )  # fmt: skip


def _left_out(passed: Iterable[Migration], head: History) -> Iterator[Finding]:
    """Yield what was left out on purpose, once a file and condition."""
    groups: dict[tuple[str, str], list[Migration]] = {}
    for item in passed:
        groups.setdefault((item.up_path, item.condition or ""), []).append(item)
    for (_, condition), items in groups.items():
        what = "it" if len(items) == 1 else f"{len(items)} migrations of this file"
        yield Finding(
            rule="migration-ignored", hazard=Hazard.ORDER, severity=Severity.NOTE, migration=items[0].id, place=_place(items[0]),
            message=f"{head.format} left {what} out for {condition}: nothing of {'it' if len(items) == 1 else 'them'} was run or judged",
            help=f"ask for {'it' if len(items) == 1 else 'them'} as production does, in [migrations.command] env or up",
        )  # fmt: skip


def _passed_over(item: Migration, head: History, name: str) -> Finding:
    return Finding(
        rule="migration-ignored", hazard=Hazard.ORDER, severity=Severity.ERROR, migration=item.id, place=_place(item),
        message=f"{head.format} ended well, and {name} has no row of this migration: it was passed over in silence",
        help="give it a version after all others",
    )  # fmt: skip


def _place(item: Migration) -> Place:
    return Place(file=item.up_path, line=item.up.line if isinstance(item.up, Command) else 1)
