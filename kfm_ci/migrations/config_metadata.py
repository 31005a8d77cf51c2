"""Metadata of files that cannot carry a header: ``[[migration]]`` tables of the settings."""

from __future__ import annotations

import difflib
from collections.abc import Sequence
from dataclasses import replace

from kfm_ci.config import DeclaredTable
from kfm_ci.errors import UsageError
from kfm_ci.migrations.model import Header, History, Migration


def add(history: History, tables: Sequence[DeclaredTable]) -> History:
    """Return the history with what the tables say; a file's own header wins, key by key."""
    by_id = {table.id: table for table in tables}
    if not by_id:
        return history
    return replace(history, migrations=tuple(_with(item, by_id.get(item.id)) for item in history.migrations))


def known(history: History, tables: Sequence[DeclaredTable]) -> None:
    """Raise UsageError for a table that is about no migration."""
    ids = [item.id for item in history.migrations]
    for table in tables:
        if table.id not in ids:
            near = difflib.get_close_matches(table.id, ids, n=1)
            raise UsageError(code="KFM-U37", message="[[migration]] is about no migration that is there", where="kfm-ci.toml", got=table.id,
                             expected="the id of a migration", help=f"did you mean {near[0]!r}?" if near else "remove the table")  # fmt: skip


def _with(migration: Migration, table: DeclaredTable | None) -> Migration:
    if table is None:
        return migration
    said = {
        "dialect": "postgresql",
        **{key: str(value) for key, value in table.model_dump(by_alias=True, exclude_none=True).items()},
    }
    own = migration.header
    values = {**said, **(own.values if own else {})}
    lines = {**dict.fromkeys(said, 1), **(own.lines if own else {})}
    start, end, problems = (own.start, own.end, own.problems) if own else (1, 1, ())
    return replace(migration, header=Header(values=values, lines=lines, start=start, end=end, problems=problems))
