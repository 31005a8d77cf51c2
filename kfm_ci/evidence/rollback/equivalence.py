"""What came back in another shape and means the same: columns in another order, routines with other blanks, empty defaults."""

from __future__ import annotations

import re
from collections.abc import Collection, Iterator

from kfm_ci.postgres.catalog import Catalog, Difference
from kfm_ci.sql.tokens import Kind, tokens

_VIEWS = ("view ", "materialized view ")
_ROUTINES = ("function ", "procedure ")
_LANGUAGE = re.compile(r"^ LANGUAGE (?:plpgsql|sql)\b", re.MULTILINE)
_BODY = re.compile(r"^AS (\$\w*\$)(.*)\1\s*$", re.MULTILINE | re.DOTALL)
_NO_DEFAULT = re.compile(
    r" default NULL::[a-z0-9]+(?: varying| precision)?(?:\(\d+(?:,\d+)?\))?(?: with(?:out)? time zone)?(?:\[\])*(?= |$)"
)
"""For a domain, which has a schema before its name, it stands in the way of the domain's default."""
_BLANK = frozenset({Kind.SPACE, Kind.LINE_COMMENT, Kind.BLOCK_COMMENT})


def moved(before: Catalog, now: Catalog) -> tuple[str, ...]:
    """Return the tables whose columns stand in another order than before, though they are the same."""
    return tuple(
        name
        for name, relation in before.relations.items()
        if name in now.relations
        and list(relation.columns) != list(now.relations[name].columns)
        and relation.columns.keys() == now.relations[name].columns.keys()
    )


def reordered(difference: Difference, tables: Collection[str]) -> tuple[str, ...]:
    """Return the views that differ in the order of their columns alone, where some tables' columns moved."""
    return tuple(
        name
        for name, before, after in difference.changed
        if tables and name.startswith(_VIEWS) and _parts(before) == _parts(after)
    )


def _parts(definition: str) -> list[str]:
    # The list of columns stands on one line, the query has one on each, the first behind its SELECT.
    return sorted(
        part.strip().removeprefix("SELECT ")
        for line in definition.split("\n")
        for part in line.rstrip(",;").split(", ")
    )


def respaced(difference: Difference) -> tuple[str, ...]:
    """Return the routines that differ in the blanks and comments between the words of their bodies alone."""
    return tuple(
        name
        for name, before, after in difference.changed
        if name.startswith(_ROUTINES) and _LANGUAGE.search(before) and list(_words(before)) == list(_words(after))
    )


def undefaulted(difference: Difference) -> tuple[str, ...]:
    """Return the columns that differ in a default of NULL alone, which is what a column without any has."""
    return tuple(
        name
        for name, before, after in difference.changed
        if name.startswith("column ")
        and "." not in before.partition(" ")[0]
        and _NO_DEFAULT.sub("", before) == _NO_DEFAULT.sub("", after)
    )


def _words(definition: str) -> Iterator[str]:
    """Yield the definition around the body as it is, and the words of the body; literals are one word each."""
    found = _BODY.search(definition)
    if found is None:
        yield definition
        return
    yield definition[: found.start()] + definition[found.end() :]
    yield from (found[2][token.start : token.end] for token in tokens(found[2]) if token.kind not in _BLANK)
