"""A database's schema as a value, and how two of them differ."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field

from kfm_ci.model import Digest


@dataclass(frozen=True, slots=True, kw_only=True)
class Identity:
    """What stays of a relation when it or its columns are renamed; in one database and its copies."""

    oid: int
    columns: Mapping[str, int] = field(default_factory=dict)
    """Number of each column by its quoted name, in the order in which they stand; no number is given twice."""


@dataclass(frozen=True, slots=True, kw_only=True)
class CatalogPart:
    """A relation with all that hangs on it, a function, or what belongs to neither: read anew as a whole."""

    entries: tuple[tuple[str, str], ...] = ()
    parents: tuple[tuple[str, str], ...] = ()
    relations: tuple[tuple[str, Identity], ...] = ()


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
    parts: Mapping[int, CatalogPart] = field(default_factory=dict, compare=False, hash=False, repr=False)
    versions: Mapping[int, str] = field(default_factory=dict, compare=False, hash=False, repr=False)
    """What tells whether a part is still the same; empty: the next reading has nothing to build on."""
    readings: int = field(default=1, compare=False, hash=False, repr=False)
    """How many readings followed each other up to this one."""

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


def _escape(text: str) -> str:
    return text.replace("\\", "\\\\").replace("\n", "\\n\n  ")
