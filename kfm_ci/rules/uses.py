"""Where the repository's code still names something: whole identifiers in text, with their places."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from pathlib import PurePosixPath

from kfm_ci.migrations.files import Unreadable
from kfm_ci.rules.base import Change

MAX_FILE = 1_000_000
"""Bytes; larger files are generated or data."""
MAX_TOTAL = 256 * 1_048_576
"""Bytes read in all, so that the search ends."""

_VENDORED = frozenset(
    {
        "migrations",
        "migration",
        "migrate",
        "node_modules",
        "vendor",
        "third_party",
        "third-party",
        "site-packages",
        "dist",
        "build",
        "target",
        ".git",
        ".venv",
    }
)
_PROSE = frozenset(
    {".md", ".rst", ".adoc", ".txt", ".svg", ".csv", ".tsv", ".lock", ".map", ".snap", ".po", ".pot", ".html"}
)
_CALL = re.compile(rb"(?:into|references|on|from|join|update|table)\s+[\w.\"`]*$", re.IGNORECASE)
_GENERATED = re.compile(r"(?:^|[.-])lock(?:\.|$)|\.min\.|^go\.sum$|^CHANGELOG", re.IGNORECASE)


@dataclass(frozen=True, slots=True, kw_only=True)
class Wanted:
    """An identifier to look for."""

    name: str
    table: str | None = None
    """For a column: the table that a file must name too."""


@dataclass(slots=True)
class Uses:
    """What the search found."""

    places: dict[Wanted, list[tuple[str, int]]]
    """Path and 1-based line of each line that names it."""
    whole: bool = True
    """Whether every file that counts was read."""


def search(change: Change, wanted: Iterable[Wanted]) -> Uses:
    """Return where the repository's code names these; migrations, prose, vendored and binary files do not count."""
    found = Uses({item: [] for item in wanted})
    patterns = {
        item: re.compile(rb"(?<![\w$])" + re.escape(item.name.encode()) + rb"(?![\w$])") for item in found.places
    }
    total = 0
    for path in _code(change):
        if total > MAX_TOTAL:
            found.whole = False
            break
        try:
            data = change.tree.read(path)
        except Unreadable:
            continue
        total += len(data)
        if len(data) > MAX_FILE or b"\0" in data[:8192]:
            continue
        for item, pattern in patterns.items():
            if item.name.encode() in data and _about(item, data):
                found.places[item] += ((path, line) for line in _lines(pattern, data))
    return found


def _code(change: Change) -> Iterator[str]:
    directory = f"{change.head.directory}/"
    for path in change.tracked:
        pure = PurePosixPath(path)
        if path.startswith(directory) or not _VENDORED.isdisjoint(pure.parts[:-1]):
            continue
        if pure.suffix.lower() not in _PROSE and not _GENERATED.search(pure.name):
            yield path


def _about(item: Wanted, data: bytes) -> bool:
    """Whether a file that names a column names its table too."""
    if item.table is None:
        return True
    text = data.lower()
    return any(form.encode() in text for form in _forms(item.table.lower()))


def _forms(table: str) -> set[str]:
    """Return a table's name as code writes it: plural and singular, with and without underscores."""
    singular = f"{table[:-3]}y" if table.endswith("ies") else table.removesuffix("s")
    return {table, singular, table.replace("_", ""), singular.replace("_", "")}


def _lines(pattern: re.Pattern[bytes], data: bytes) -> Iterator[int]:
    line, counted, last = 1, 0, 0
    for match in pattern.finditer(data):
        line += data.count(b"\n", counted, match.start())
        counted = match.start()
        # A function of that name is no table, unless SQL lists a table's columns behind it.
        if data[match.end() : match.end() + 1] == b"(" and not _CALL.search(data[max(0, counted - 40) : counted]):
            continue
        if line != last:
            last = line
            yield line
