"""The existing objects that a migration dropped, renamed, replaced or gave another shape, followed by OID."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass


@dataclass(frozen=True, slots=True, kw_only=True)
class Renamed:
    """An existing object with another name or schema; names are ``<kind> <identity>``."""

    before: str
    after: str
    is_served: bool = False
    """Whether another object of the same kind has the old name now."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Replaced:
    """An existing table or column whose name belongs to another one now, without its rows or values."""

    name: str
    """``<kind> <identity>``, as clients know it."""
    remains_as: str | None = None
    """The existing object under its new name; None where it was dropped."""
    rows: int = 0
    """Number of rows it had here; 0: nothing shows whether its rows were copied."""


@dataclass(frozen=True, slots=True, kw_only=True)
class ShapeChange:
    """What clients of an existing object can no longer rely on."""

    name: str
    """``<kind> <identity>``."""
    problem: str
    """What was changed, as the end of a sentence with the object as its subject."""
    is_certain: bool = True
    """Whether ordinary clients fail; False where that depends on how they use the object."""


@dataclass(frozen=True, slots=True, kw_only=True)
class ObjectChanges:
    """What a migration did to the objects that existed before the pull request."""

    existing: frozenset[str]
    """``<kind> <identity>`` of the objects before the pull request, which clients may use."""
    dropped: tuple[str, ...] = ()
    """Tables and columns whose OID or number is missing, by their last name, and whose rows no other one has."""
    kept: frozenset[str] = frozenset()
    """Tables and columns that were dropped, and whose rows another one of the same name has."""
    renamed: tuple[Renamed, ...] = ()
    replaced: tuple[Replaced, ...] = ()
    detached: tuple[tuple[str, str], ...] = ()
    """Partitions or child tables whose rows the parent no longer has; each with its parent."""
    shapes: tuple[ShapeChange, ...] = ()
    unlogged: tuple[str, ...] = ()
    """Tables that lose their rows when the server crashes."""
    defaults: tuple[ShapeChange, ...] = ()
    """Columns that an INSERT may no longer omit, or no longer name."""
    sequences: tuple[ShapeChange, ...] = ()
    """Sequences with other properties."""
    set_back: tuple[str, ...] = ()
    """Sequences whose next values were assigned already."""
    dependents: tuple[ShapeChange, ...] = ()
    """Replaced objects, with the triggers, policies, privileges and keys that the new ones lack."""


def by_name(existing: Iterable[str], removed: Iterable[str]) -> ObjectChanges:
    """Return the changes as far as names alone show them."""
    known = frozenset(existing)
    dropped = tuple(name for name in removed if name in known and name.startswith(("table ", "column ")))
    return ObjectChanges(existing=known, dropped=dropped)
