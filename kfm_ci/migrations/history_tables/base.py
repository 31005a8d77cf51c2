"""Definition of a tool's history table: its name, the query for its rows and the migration of each row."""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from enum import StrEnum

from kfm_ci.migrations.layouts import program_files
from kfm_ci.migrations.model import History, Migration, Tree


class RowState(StrEnum):
    """State of a migration in the history table."""

    APPLIED = "applied"
    FAILED = "failed"
    """Started and not completed: the tool stops until the row is repaired."""
    UNDONE = "undone"
    """Applied and rolled back."""
    PASSED = "passed"
    """Recorded without running, because its preconditions were not met: the tool will not run it again."""
    BASELINE = "baseline"
    """Covers this migration and all earlier ones."""


@dataclass(frozen=True, slots=True, kw_only=True)
class HistoryRow:
    """One row of a history table."""

    migration: str
    """The tool's own key: a version, a name, a hash."""
    checksum: str | None
    """As the tool writes it; None if it has no checksums."""
    state: RowState


def by_version(history: History) -> dict[str, str]:
    """Return each migration's version by its id."""
    return {item.id: item.version for item in history.migrations}


def by(key: Callable[[Migration], str]) -> Callable[[History], dict[str, str]]:
    """Return a function that maps each migration's id to its key."""
    return lambda history: {item.id: key(item) for item in history.migrations}


def no_checksums(_: History) -> Mapping[str, tuple[str, ...]]:
    """Return no checksums, for a tool without them."""
    return {}


def no_settings(_: Tree, __: str) -> tuple[str | None, str | None]:
    """Return no names, for a tool without settings of the table."""
    return None, None


def names_in_settings(
    files: tuple[str, ...], *, table: str | None = None, schema: str | None = None
) -> Callable[[Tree, str], tuple[str | None, str | None]]:
    """Return a function that reads schema and table from the tool's settings files.

    The files are next to the migrations or in a directory above; each pattern has one group.
    """

    def read(tree: Tree, directory: str) -> tuple[str | None, str | None]:
        texts = program_files.settings_texts(tree, directory, files)
        found = [
            next((hit[1] for text in texts if wanted and (hit := re.search(wanted, text, re.MULTILINE))), None)
            for wanted in (schema, table)
        ]
        return found[0], found[1]

    return read


@dataclass(frozen=True, slots=True, kw_only=True)
class HistoryTable:
    """The history table of one tool."""

    format: str
    """Name of the tool's format."""
    name: str
    """Default name of the table, with its schema unless that is the default schema."""
    columns: frozenset[str]
    """Columns that distinguish it from another tool's table of the same name."""
    definition: str = ""
    """Column definitions of the table, for ``CREATE TABLE``; empty if kfm-ci does not create it."""
    query: str
    """Query for key, checksum and state of every row, as text; ``{table}`` is filled in."""
    keys: Callable[[History], Mapping[str, str]] = by_version
    """Key of each migration, by its id."""
    normalise: Callable[[str], str] = str
    """Converts a key of the table to the form of ``keys``."""
    checksums: Callable[[History], Mapping[str, tuple[str, ...]]] = no_checksums
    """Checksums that the tool accepts for each migration, by its id."""
    covers_earlier: bool = False
    """Whether a row covers all earlier migrations, because the tool runs only those after the last row."""
    rejects_changed_files: bool = True
    """Whether the tool fails if the checksums of table and files differ."""
    configured_name: Callable[[Tree, str], tuple[str | None, str | None]] = no_settings
    """Returns schema and table from the tool's settings, given the directory of the migrations."""
    after_failure: str = "runs no further migration"
    """What the tool does if a row has failed."""
    repair_help: str
    """How to repair a failed row: one imperative sentence; ``{key}`` and ``{previous}`` are filled in."""
    checksum_help: str = "Restore the file, and write the change in a new migration."
    """What to do if the checksums differ."""

    def named(self, tree: Tree, directory: str) -> str:
        """Return the configured name of the table, with its schema unless that is the default schema."""
        schema, _, table = self.name.rpartition(".")
        own_schema, own_table = self.configured_name(tree, directory)
        schema, table = own_schema or schema, own_table or table
        return table if "." in table or not schema else f"{schema}.{table}"
