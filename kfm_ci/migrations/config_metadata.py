"""Metadata of files without a header: the ``[[migration]]`` tables of the configuration."""

from __future__ import annotations

import difflib
from collections.abc import Sequence
from dataclasses import replace

from kfm_ci.config import DeclaredTable
from kfm_ci.errors import UsageError
from kfm_ci.migrations.model import Header, History, Migration


def add(history: History, tables: Sequence[DeclaredTable]) -> History:
    """Return the history with the tables' metadata; each key of a file's header takes precedence."""
    by_id = {table.id: table for table in tables}
    if not by_id:
        return history
    return replace(history, migrations=tuple(_with(item, by_id.get(item.id)) for item in history.migrations))


def check_ids(history: History, tables: Sequence[DeclaredTable]) -> None:
    """Raise UsageError for a table whose id is not that of a migration."""
    ids = [item.id for item in history.migrations]
    for table in tables:
        if table.id not in ids:
            near = difflib.get_close_matches(table.id, ids, n=1)
            raise UsageError(
                code="KFM-U37",
                message="The id in `[[migration]]` is not that of a migration.",
                where="kfm-ci.toml",
                got=table.id,
                expected="the id of a migration",
                help=f"Write `{near[0]}`." if near else "Remove the table.",
            )


def _with(migration: Migration, table: DeclaredTable | None) -> Migration:
    if table is None:
        return migration
    declared = {
        "dialect": "postgresql",
        **{key: str(value) for key, value in table.model_dump(by_alias=True, exclude_none=True).items()},
    }
    own = migration.header
    values = {**declared, **(own.values if own else {})}
    lines = {**dict.fromkeys(declared, 1), **(own.lines if own else {})}
    start, end, problems = (own.start, own.end, own.problems) if own else (1, 1, ())
    return replace(migration, header=Header(values=values, lines=lines, start=start, end=end, problems=problems))
