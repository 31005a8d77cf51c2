"""The tool's history table: of a baseline that contains it, and after a run of the tool."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator
from dataclasses import replace

from kfm_ci.migrations import history_tables
from kfm_ci.migrations.history_tables import HistoryRow, HistoryTable, compare
from kfm_ci.migrations.history_tables.compare import HistoryComparison
from kfm_ci.migrations.model import History, Migration
from kfm_ci.migrations.problems.history_table import MIGRATION_IGNORED
from kfm_ci.model import Finding, Place, Severity
from kfm_ci.postgres import history_table
from kfm_ci.postgres.session import Session
from kfm_ci.sql.script import Script
from kfm_ci.stages.results import BaseDatabase, ToolMigration

_Read = tuple[HistoryTable, str, tuple[HistoryRow, ...]]


def make_named(base: BaseDatabase, session: Session) -> None:
    """Create the history table where a migration names it, for example to put a trigger on it.

    The tool itself creates it before the first migration.
    """
    head = base.change.head
    table = history_tables.of(head.format)
    if head.tool is not None or table is None or not table.definition:
        return
    name = table.named(base.change.tree, head.directory)
    schema, _, plain = name.rpartition(".")
    named = re.compile(rf"(?:(?<![\w.\"])|\b{schema or 'public'}\"?\.)\"?{re.escape(plain)}\b", re.IGNORECASE)
    merged = base.change.base.migrations if base.change.base else ()
    scripts = (
        script for item in (*merged, *base.pending) for script in (item.up, item.down) if isinstance(script, Script)
    )
    if any(plain in script.text and named.search(script.text) for script in scripts):
        history_table.create(session, table, name)


def by_baseline(base: BaseDatabase, database: str) -> HistoryComparison:
    """Return the files compared with the history table of the baseline; empty where the baseline has none."""
    path, merged, head = base.config.migrations.baseline, base.change.base, base.change.head
    found = _read(base, database) if path is not None else None
    if path is None or found is None:
        return HistoryComparison()
    table, name, rows = found
    ahead = compare.compare(table, rows, head, name=name, place=path)
    if merged is None or not merged.migrations:
        return ahead
    taken = [_taken(item, head, name) for item in base.pending if item.id in ahead.applied]
    noted = compare.compare(table, rows, merged, name=name, place=path)
    return HistoryComparison(
        applied=noted.applied, skipped=noted.skipped, failed=noted.failed, findings=(*noted.findings, *taken)
    )


def by_tool(
    base: BaseDatabase, new: tuple[ToolMigration, ...], database: str, suppressed: frozenset[str | None]
) -> list[Finding]:
    """Return findings on the history table after the tool has run everything: failed and missing rows.

    ``suppressed``: ids of migrations whose error the tool suppressed; these are reported already.
    """
    found = _read(base, database)
    if found is None:
        return []
    table, name, rows = found
    head = base.change.head
    noted = compare.compare(table, rows, head, name=name, place=head.directory)
    ran = noted.applied | noted.failed | suppressed
    passed = [item for item in new if item.id not in ran]
    marked = [replace(item, condition="its preconditions") for item in new if item.id in noted.passed]
    left = [*(item for item in passed if item.condition is not None), *marked]
    return [
        *noted.findings,
        *_left_out(left, head),
        *(_passed_over(item, head, name) for item in passed if item.condition is None),
    ]


def left_by_base(base: BaseDatabase, database: str) -> tuple[Migration, ...]:
    """Return the base's migrations without a row in the history table: the tool tries them again in each run."""
    found, merged = _read(base, database), base.change.base
    if found is None or merged is None:
        return ()
    table, name, rows = found
    noted = compare.compare(table, rows, merged, name=name, place=merged.directory)
    return tuple(item for item in merged.migrations if item.id not in noted.applied | noted.failed)


def _read(base: BaseDatabase, database: str) -> _Read | None:
    table = history_tables.of(base.change.head.format)
    if table is None:
        return None
    command = base.config.migrations.command
    name = (command.history_table if command else None) or table.named(base.change.tree, base.change.head.directory)
    # as the owner: its rows may have types with casts of the migrations
    with base.connect(database) as session:
        keys = {
            key for history in (base.change.head, base.change.base) if history for key in table.keys(history).values()
        }
        rows = history_table.read(session, table, name, keys=keys)
    return (table, name, rows) if rows else None


def _taken(item: Migration, head: History, name: str) -> Finding:
    return MIGRATION_IGNORED.finding(
        f"The baseline's `{name}` already contains {item.version or item.id}, so {head.format} never runs this file.",
        help="Give it a version after all others, or dump the baseline from a database without this change.",
        place=Place(file=item.up_path, line=1),
        migration=item.id,
        severity=Severity.ERROR,
    )


def _left_out(passed: Iterable[ToolMigration], head: History) -> Iterator[Finding]:
    """Yield a note on the migrations that a condition excluded, one for each file and condition."""
    groups: dict[tuple[str, str], list[ToolMigration]] = {}
    for item in passed:
        groups.setdefault((item.up_path, item.condition or ""), []).append(item)
    for (_, condition), items in groups.items():
        what, pronoun = (
            ("this migration", "it") if len(items) == 1 else (f"{len(items)} migrations of this file", "them")
        )
        yield MIGRATION_IGNORED.finding(
            f"{head.format} left out {what} because of {condition}; kfm-ci did not check {pronoun}.",
            help=f"Set `[migrations.command]` `env` or `up` so that {head.format} runs {pronoun} as in production.",
            place=_place(items[0]),
            migration=items[0].id,
            severity=Severity.NOTE,
        )


def _passed_over(item: ToolMigration, head: History, name: str) -> Finding:
    return MIGRATION_IGNORED.finding(
        f"{head.format} exited 0 but did not record this migration in `{name}`.",
        help="Give it a version after all others.",
        place=_place(item),
        migration=item.id,
        severity=Severity.ERROR,
    )


def _place(item: ToolMigration) -> Place:
    return Place(file=item.up_path, line=item.up.line)
