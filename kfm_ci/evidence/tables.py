"""Tables for the reports: columns and foreign keys."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, slots=True, kw_only=True)
class Column:
    """A column, for the entity diagram."""

    name: str
    type: str
    key: str | None = None
    """``PK``, ``FK`` or None."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Table:
    """A table with its columns and outgoing references, for the entity diagram."""

    name: str
    columns: tuple[Column, ...] = ()
    references: tuple[str, ...] = ()
    """Schema-qualified names of tables that its foreign keys point to."""


@dataclass(frozen=True, slots=True, kw_only=True)
class ForeignKey:
    """A foreign key; names of tables are schema-qualified."""

    table: str
    name: str
    columns: tuple[str, ...]
    referenced: str
