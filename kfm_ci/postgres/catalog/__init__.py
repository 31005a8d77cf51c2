"""The schema of a database as our own sorted text, so that two states compare object by object."""

from __future__ import annotations

import json
import re
from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from typing import Any

from psycopg import Connection

from kfm_ci.model import Digest
from kfm_ci.postgres.catalog.queries import OWN_SCHEMAS, SETTINGS, compose

__all__ = ["OWN_SCHEMAS", "SETTINGS", "Catalog", "Difference", "Identity", "diff", "fold", "read", "timeless"]

_MOMENT = re.compile(r"'\d{4}-\d\d-\d\d \d\d:\d\d:\d\d\.\d{3,6}(?:[+-]\d\d(?::\d\d)?)?'")

KEPT = "select from pg_prepared_statements where name = 'kfm_catalog'"


@dataclass(frozen=True, slots=True, kw_only=True)
class Identity:
    """What stays of a relation when it or its columns are renamed; in one database and its copies."""

    oid: int
    columns: Mapping[str, int] = field(default_factory=dict)
    """Number of each column by its quoted name, in the order in which they stand; no number is given twice."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Catalog:
    """What a database's schema consists of; equal catalogs are equal schemas, whatever the order of columns."""

    entries: tuple[tuple[str, str], ...] = ()
    """``<kind> <identity>`` and definition of every object, sorted by code point."""
    parents: Mapping[str, str] = field(default_factory=dict, compare=False, hash=False)
    """Name of the object that an object is part of: a column's table, an index's constraint."""
    relations: Mapping[str, Identity] = field(default_factory=dict, compare=False, hash=False)
    """By quoted name, what a relation with columns is whatever it is called; a column that was dropped and restored
    stands last, and that is no difference of schemas."""

    def text(self) -> str:
        """Return the canonical text: one object after the other, continuation lines indented."""
        return "".join(f"{_escape(name)}: {_escape(definition)}\n" for name, definition in self.entries)

    @property
    def digest(self) -> Digest:
        """The fingerprint: sha256 of ``text()`` in UTF-8."""
        return Digest.of(self.text().encode("utf-8", "surrogatepass"))

    def get(self, name: str) -> str | None:
        """Return the definition of an object, or None when there is no such object."""
        return dict(self.entries).get(name)


@dataclass(frozen=True, slots=True, kw_only=True)
class Difference:
    """What differs between two catalogs, object by object; names are ``<kind> <identity>``."""

    added: tuple[str, ...] = ()
    changed: tuple[tuple[str, str, str], ...] = ()
    """Name, definition before, definition after."""
    removed: tuple[str, ...] = ()

    @property
    def empty(self) -> bool:
        """Whether nothing differs."""
        return not (self.added or self.changed or self.removed)

    @property
    def names(self) -> tuple[str, ...]:
        """Every object that differs."""
        return (*self.added, *self.removed, *(name for name, _, _ in self.changed))


def read(connection: Connection[Any], *, often: bool = False) -> Catalog:
    """Return the catalog of the connected database.

    Leaves settings and transaction as they were: reads below a savepoint that is rolled back. A session of our own
    that reads ``often`` keeps the query's plan; one that migrations run in is left without a trace.
    """
    with connection.transaction(force_rollback=True), connection.cursor() as cursor:
        cursor.execute(SETTINGS)
        cursor.execute(_planned(connection) if often else compose(connection.info.server_version).encode())
        rows = cursor.fetchall()
    entries: dict[str, str] = {}
    parents: dict[str, str] = {}
    relations: dict[str, Identity] = {}
    for kind, identity, parent, definition in sorted(rows, key=lambda row: tuple(value or "" for value in row)):
        if kind == "#identity":
            names, numbers = json.loads(definition)
            relations[identity] = Identity(oid=int(parent), columns=dict(zip(names, numbers, strict=True)))
            continue
        name = f"{kind} {identity}"
        # Two objects of one printed name (overloaded operators) must both count.
        entries[name] = f"{entries[name]}\n{definition or ''}" if name in entries else definition or ""
        if parent:
            parents[name] = parent
    return Catalog(entries=tuple(sorted(entries.items())), parents=parents, relations=relations)


def _planned(connection: Connection[Any]) -> bytes:
    # SQL's own PREPARE: the driver forgets what it prepared with every rollback.
    if connection.execute(KEPT).fetchone() is None:
        connection.execute(f"prepare kfm_catalog as {compose(connection.info.server_version)}".encode())
    return b"execute kfm_catalog"


def diff(before: Catalog, after: Catalog) -> Difference:
    """Return every object that was added, changed or removed, sorted by name."""
    old, new = dict(before.entries), dict(after.entries)
    return Difference(
        added=tuple(name for name in new if name not in old),
        changed=tuple((name, old[name], text) for name, text in new.items() if name in old and old[name] != text),
        removed=tuple(name for name in old if name not in new),
    )


def timeless(difference: Difference) -> Difference:
    """Return a difference without what differs only in the moment at which it was made.

    A ``'now'`` that is written into a view or a default becomes that moment, to the microsecond, and another each time.
    """
    changed = tuple(
        (name, was, now) for name, was, now in difference.changed if _MOMENT.sub("", was) != _MOMENT.sub("", now)
    )
    return replace(difference, changed=changed)


def fold(difference: Difference, *, before: Catalog, after: Catalog) -> Difference:
    """Return the difference for readers: what came or went with its table is not listed beside it."""
    return Difference(
        added=_fold(difference.added, after.parents),
        changed=difference.changed,
        removed=_fold(difference.removed, before.parents),
    )


def _fold(names: tuple[str, ...], parents: Mapping[str, str]) -> tuple[str, ...]:
    listed = frozenset(names)
    return tuple(name for name in names if parents.get(name) not in listed)


def _escape(text: str) -> str:
    return text.replace("\\", "\\\\").replace("\n", "\\n\n  ")
