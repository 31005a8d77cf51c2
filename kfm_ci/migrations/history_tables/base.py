"""What a tool's history table is: where it stands, how its rows are read, and which file each is about."""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from enum import StrEnum

from kfm_ci.migrations.layouts import program_files
from kfm_ci.migrations.model import History, Migration, Tree


class RowState(StrEnum):
    """What a row says became of its migration."""

    APPLIED = "applied"
    FAILED = "failed"
    """Begun and not ended: the tool refuses to go on until somebody has cleared it."""
    UNDONE = "undone"
    """Applied once, and taken back."""
    PASSED = "passed"
    """Noted without having run, for what it demands of the database was not so: the tool will not run it any more."""
    BASELINE = "baseline"
    """Stands for itself and for everything before it."""


@dataclass(frozen=True, slots=True, kw_only=True)
class HistoryRow:
    """One row of a history table, in the order in which the tool wrote them."""

    migration: str
    """The tool's own key: a version, a name, a hash."""
    checksum: str | None
    """As the tool writes it; None where it keeps none."""
    state: RowState


def by_version(history: History) -> dict[str, str]:
    """Return each migration's version by its id."""
    return {item.id: item.version for item in history.migrations}


def by(key: Callable[[Migration], str]) -> Callable[[History], dict[str, str]]:
    """Return a function that gives each migration's key by its id."""
    return lambda history: {item.id: key(item) for item in history.migrations}


def without(_: History) -> Mapping[str, tuple[str, ...]]:
    """Return nothing: the tool keeps no checksum."""
    return {}


def unsaid(_: Tree, __: str) -> tuple[str | None, str | None]:
    """Return that no settings name the table."""
    return None, None


def said(
    files: tuple[str, ...], *, table: str | None = None, schema: str | None = None
) -> Callable[[Tree, str], tuple[str | None, str | None]]:
    """Return a function that looks for the names in settings files beside the migrations and above: one group each."""

    def told(tree: Tree, directory: str) -> tuple[str | None, str | None]:
        texts = program_files.settings_texts(tree, directory, files)
        found = [next((hit[1] for text in texts if wanted and (hit := re.search(wanted, text, re.MULTILINE))), None)
                 for wanted in (schema, table)]  # fmt: skip
        return found[0], found[1]

    return told


@dataclass(frozen=True, slots=True, kw_only=True)
class HistoryTable:
    """The table of one tool. Pure: whoever has a session reads the rows."""

    format: str
    """Name of the format whose tool writes it."""
    name: str
    """Its default name, with the schema where that is not the default one."""
    columns: frozenset[str]
    """Columns that tell it from another tool's table of that name."""
    definition: str = ""
    """What the tool makes it of, between the brackets of ``create table``; empty: it is nothing that SQL could name alone."""
    query: str
    """Key, checksum and state of every row, as texts; ``{table}`` is filled in."""
    keys: Callable[[History], Mapping[str, str]] = by_version
    """Key of each migration, by its id."""
    normal: Callable[[str], str] = str
    """Brings a key from the table into the form that ``keys`` gives."""
    checksums: Callable[[History], Mapping[str, tuple[str, ...]]] = without
    """Checksums that the tool would accept for each migration, by its id."""
    through: bool = False
    """Whether a row stands for everything that sorts before it: the tool looks only at what comes after the last one."""
    refuses: bool = True
    """Whether the tool refuses a database whose checksums are not those of the files."""
    told: Callable[[Tree, str], tuple[str | None, str | None]] = unsaid
    """Returns schema and table as the repository's settings name them, given the directory of the migrations."""
    after_failure: str = "refuses to go on"
    """What the tool does when it meets a row that failed."""
    repair: str
    """What to type for a row that failed, once the database is in order; ``{key}`` is filled in."""
    accept: str = "put the file back as it was, and make the change in a new migration"
    """What to do about a checksum that does not agree."""

    def named(self, tree: Tree, directory: str) -> str:
        """Return the table's name, with the schema where that is not the default one."""
        schema, _, table = self.name.rpartition(".")
        said_schema, said_table = self.told(tree, directory)
        schema, table = said_schema or schema, said_table or table
        return table if "." in table or not schema else f"{schema}.{table}"
