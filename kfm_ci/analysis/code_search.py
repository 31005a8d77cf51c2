"""Searches the repository's code for identifiers."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from pathlib import PurePosixPath
from typing import NamedTuple

from kfm_ci.analysis.change import Change
from kfm_ci.analysis.code_references import Wanted, mentions
from kfm_ci.migrations.model import Unreadable

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
    {".md", ".mdx", ".rst", ".adoc", ".txt", ".svg", ".csv", ".tsv", ".lock", ".map", ".snap", ".po", ".pot", ".html"}
)
_DATA = frozenset({".json", ".yaml", ".yml", ".toml", ".xml", ".ini", ".cfg", ".css", ".scss", ".graphql"})
_SCREENS = frozenset({".tsx", ".jsx", ".vue", ".svelte", ".astro"})
_NO_CODE = re.compile(
    r"(?:^|[.-])lock(?:\.|$)|\.min\.|^go\.sum$|^CHANGELOG|^LICEN[CS]E|^COPYING|^NOTICE|^AUTHORS|^CODEOWNERS$|^\.env",
    re.IGNORECASE,
)
_TESTS = re.compile(
    r"(?:^|[_.-])(?:tests?|specs?|e2e|testing|testdata|fixtures|mocks?|__tests__)(?:$|[_.-])", re.IGNORECASE
)
_DESCRIBES = re.compile(r"\.proto$|swagger|openapi|\.pb\.|(?:^|/)\.sqlx/", re.IGNORECASE)
_GENERATED = re.compile(r"code generated|@generated|do not edit|auto-?generated", re.IGNORECASE)


class CodeUse(NamedTuple):
    """A place that contains the identifier."""

    path: str
    line: int
    """1-based."""
    sure: bool
    """Whether the program itself uses it there; else the word may mean something else, or only a test uses it."""


@dataclass(slots=True, kw_only=True)
class CodeUses:
    """The result of the search."""

    places: dict[Wanted, list[CodeUse]]
    """The lines with each identifier."""
    whole: bool = True
    """Whether every relevant file was read."""


def search(change: Change, wanted: Iterable[Wanted]) -> CodeUses:
    """Return where the repository's code names these; migrations, prose, vendored and binary files do not count."""
    found = CodeUses(places={item: [] for item in wanted})
    names = {item: [form.encode() for form in item.spellings] for item in found.places}
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
        held = [item for item, forms in names.items() if any(form in data for form in forms)]
        if held:
            text = data.decode("utf-8", "replace")
            weak, code = _weak(path, text), PurePosixPath(path).suffix.lower() not in _DATA | _SCREENS
            for item in held:
                found.places[item] += (
                    CodeUse(path, line, sure and not weak) for line, sure in mentions(text, item, code=code)
                )
    return found


def _code(change: Change) -> Iterator[str]:
    directory = f"{change.head.directory}/"
    for path in change.tracked:
        pure = PurePosixPath(path)
        if path.startswith(directory) or not _VENDORED.isdisjoint(pure.parts[:-1]):
            continue
        if pure.suffix.lower() not in _PROSE and not _NO_CODE.search(pure.name):
            yield path


def _weak(path: str, text: str) -> bool:
    """Whether a file is no part of the program that runs: a test, a description, what a generator made."""
    if _DESCRIBES.search(path) or any(_TESTS.search(part) for part in path.split("/")):
        return True
    return _GENERATED.search(text[:1000]) is not None
