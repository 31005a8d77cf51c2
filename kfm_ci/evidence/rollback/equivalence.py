"""Differences in form only: views that follow the order of columns, reformatted routines, defaults of NULL."""

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
"""Not for a domain, whose name has a schema: there NULL overrides the domain's own default."""
_BLANK = frozenset({Kind.SPACE, Kind.LINE_COMMENT, Kind.BLOCK_COMMENT})


def reordered_tables(before: Catalog, now: Catalog) -> tuple[str, ...]:
    """Return the tables with the same columns in a different order."""
    return tuple(
        name
        for name, relation in before.relations.items()
        if name in now.relations
        and list(relation.columns) != list(now.relations[name].columns)
        and relation.columns.keys() == now.relations[name].columns.keys()
    )


def equivalent_objects(difference: Difference, *, before: Catalog, now: Catalog) -> frozenset[str]:
    """Return the names of the changed objects whose definitions differ in form only."""
    tables = reordered_tables(before, now)
    return frozenset((*_views(difference, tables), *_routines(difference), *_columns(difference)))


def _views(difference: Difference, tables: Collection[str]) -> Iterator[str]:
    """Yield the views that differ only in the order of their columns, when the columns of some table are reordered."""
    for name, before, after in difference.changed:
        if tables and name.startswith(_VIEWS) and _sorted_parts(before) == _sorted_parts(after):
            yield name


def _sorted_parts(definition: str) -> list[str]:
    # pg_get_viewdef prints one expression of the query on each line, the first behind its SELECT
    return sorted(
        part.strip().removeprefix("SELECT ")
        for line in definition.split("\n")
        for part in line.rstrip(",;").split(", ")
    )


def _routines(difference: Difference) -> Iterator[str]:
    """Yield the routines that differ only in white space and comments of their bodies."""
    for name, before, after in difference.changed:
        if name.startswith(_ROUTINES) and _LANGUAGE.search(before) and list(_words(before)) == list(_words(after)):
            yield name


def _columns(difference: Difference) -> Iterator[str]:
    """Yield the columns that differ only in DEFAULT NULL, which equals no default."""
    for name, before, after in difference.changed:
        is_domain = "." in before.partition(" ")[0]
        if name.startswith("column ") and not is_domain and _NO_DEFAULT.sub("", before) == _NO_DEFAULT.sub("", after):
            yield name


def _words(definition: str) -> Iterator[str]:
    """Yield the definition around the body unchanged, then the words of the body; a literal is one word."""
    found = _BODY.search(definition)
    if found is None:
        yield definition
        return
    yield definition[: found.start()] + definition[found.end() :]
    yield from (found[2][token.start : token.end] for token in tokens(found[2]) if token.kind not in _BLANK)
