"""New and changed files: their bytes differ from those of the merge base and of the base."""

from __future__ import annotations

from typing import NamedTuple

from kfm_ci.analysis.change import Change
from kfm_ci.migrations.model import Command, History, Migration, files_of
from kfm_ci.sql.script import SourceFile


class ChangedFile(NamedTuple):
    """A new or changed file, and the migration it belongs to."""

    file: SourceFile
    migration: Migration | None


def files(history: History | None) -> dict[str, tuple[SourceFile, Migration | None]]:
    """Return every file of a history by path, with the first migration that it belongs to."""
    found: dict[str, tuple[SourceFile, Migration | None]] = {}
    if history is None:
        return found
    for migration in history.migrations:
        for file in files_of(migration):
            found.setdefault(file.path, (file, migration))
    for file in (*history.other_files, *history.binary_files):
        found.setdefault(file.path, (file, None))
    return found


def touched(change: Change) -> tuple[ChangedFile, ...]:
    """Return the head's files that are new or changed; without content that the base already has."""
    base = files(change.base)
    found = []
    for path, (file, migration) in files(change.head).items():
        before = change.previous.get(path)
        tip = base.get(path)
        if before is not None and before.sha256 == file.sha256:
            continue
        if tip is not None and tip[0].sha256 == file.sha256:
            continue
        found.append(ChangedFile(file, migration))
    return tuple(found)


def runs_a_tool(migration: Migration) -> bool:
    """Whether an external migration tool runs it, so that its file may be a program."""
    return isinstance(migration.up, Command)
