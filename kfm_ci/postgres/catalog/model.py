"""The schema of a database, and the difference of two schemas."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from kfm_ci.model import Digest


@dataclass(frozen=True, slots=True, kw_only=True)
class ColumnIdentity:
    """A column, as clients and rows depend on it."""

    number: int
    """``attnum``: PostgreSQL never assigns one twice."""
    type: str
    is_generated: bool = False
    identity: str = ""
    """``a``: GENERATED ALWAYS AS IDENTITY; ``d``: BY DEFAULT."""
    not_null: bool = False
    has_default: bool = False

    @property
    def fills_itself(self) -> bool:
        """Whether an INSERT that omits the column gives it a value."""
        return self.has_default or self.is_generated or bool(self.identity)


@dataclass(frozen=True, slots=True, kw_only=True)
class Identity:
    """Identity of an object in a database and its copies; a rename of it or of its columns does not change it."""

    oid: int
    columns: Mapping[str, int] = field(default_factory=dict)
    """``attnum`` of each column by its quoted name, in order; PostgreSQL never assigns a number twice."""
    facts: Mapping[str, ColumnIdentity] = field(default_factory=dict)
    """The same columns with their types and defaults."""
    parents: tuple[int, ...] = ()
    """OIDs of the tables that it inherits from or is a partition of."""
    interface: tuple[Any, ...] = ()
    """Properties that clients rely on: result, number of defaults, names and modes of the arguments of a routine;
    labels of an enum; base type of a domain; type, increment, minimum, maximum, cycle of a sequence; persistence of
    a table."""


@dataclass(frozen=True, slots=True, kw_only=True)
class CatalogPart:
    """A relation with its dependent objects, a function, or all other objects; the unit of an incremental read."""

    entries: tuple[tuple[str, str], ...] = ()
    parents: tuple[tuple[str, str], ...] = ()
    identities: tuple[tuple[str, Identity], ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class Catalog:
    """All objects of a schema; equal catalogs are equal schemas, whatever the order of columns."""

    entries: tuple[tuple[str, str], ...] = ()
    """``<kind> <identity>`` and definition of every object, sorted by code point."""
    parents: Mapping[str, str] = field(default_factory=dict, compare=False, hash=False)
    """Name of the object that an object is part of: a column's table, an index's constraint."""
    relations: Mapping[str, Identity] = field(default_factory=dict, compare=False, hash=False)
    """Identity of each table, foreign table and composite type with columns by its quoted name. A column that was
    dropped and added again is last, which is no difference of schemas."""
    identities: Mapping[str, Identity] = field(default_factory=dict, compare=False, hash=False, repr=False)
    """Identity by ``<kind> <identity>`` of relations except indexes, of routines, types and schemas."""
    parts: Mapping[int, CatalogPart] = field(default_factory=dict, compare=False, hash=False, repr=False)
    versions: Mapping[int, str] = field(default_factory=dict, compare=False, hash=False, repr=False)
    """Version of each part for the next incremental read; empty: the next read is complete."""
    readings: int = field(default=1, compare=False, hash=False, repr=False)
    """Number of consecutive reads up to this one."""

    def text(self) -> str:
        """Return the canonical text: one object per line, with indented continuation lines."""
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
    """Difference of two catalogs by object; names are ``<kind> <identity>``."""

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


def _escape(text: str) -> str:
    return text.replace("\\", "\\\\").replace("\n", "\\n\n  ")
