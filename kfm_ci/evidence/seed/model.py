"""The base's schema as seeding reads it: tables, columns, types, and the constraints that rows must satisfy."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

Value = str | None
"""A value in the type's text format; None is NULL."""

Tuple = Mapping[str, Value]
"""Values by column: a row, or a part of one."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Type:
    """A type of a column; a domain is resolved to its base type."""

    name: str
    """Unqualified name of the base type, such as ``varchar`` or ``_text``."""
    declared: str
    """The base type as a cast names it, such as ``character varying(20)``."""
    kind: str
    """``pg_type.typtype``: b(ase), c(omposite), e(num), r(ange), m(ultirange); ``?`` if unknown."""
    sizes: tuple[int, ...] = ()
    """Type modifier: length, or precision and scale."""
    labels: tuple[str, ...] = ()
    element: Type | None = None
    """Element type of an array; subtype of a range."""
    fields: int = 0
    """Number of columns of a composite type."""
    conditions: tuple[str, ...] = ()
    """Check expressions of the domains, on ``VALUE``."""


@dataclass(frozen=True, slots=True, kw_only=True)
class SeedColumn:
    """A column that INSERT may set: not generated."""

    name: str
    type: Type
    nullable: bool
    default: str | None = None
    """Expression of the column's default."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Check:
    """A check constraint, or the partition constraints of a partitioned table."""

    columns: frozenset[str]
    expression: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Unique:
    """The columns of a unique or an exclusion constraint or index."""

    columns: tuple[str, ...]
    nulls_distinct: bool = True


@dataclass(frozen=True, slots=True, kw_only=True)
class SeedForeignKey:
    """A foreign key of a table that is seeded."""

    columns: tuple[str, ...]
    target: int
    """OID of the referenced table."""
    keys: tuple[str, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class InsertHook:
    """A trigger, a rule or forced row security of a table, which is disabled while rows are inserted."""

    disable: str
    """SQL that disables it."""
    restore: str
    """SQL that restores it as it was."""


@dataclass(frozen=True, slots=True, kw_only=True)
class SeedTable:
    """A table or a partitioned table."""

    oid: int
    schema: str
    relation: str
    name: str
    """Schema-qualified, quoted where needed."""
    columns: tuple[SeedColumn, ...] = ()
    checks: tuple[Check, ...] = ()
    uniques: tuple[Unique, ...] = ()
    foreign_keys: tuple[SeedForeignKey, ...] = ()
    hooks: tuple[InsertHook, ...] = ()
    existing: int = 0
    """Rows that the base's migrations inserted."""
    unseedable_reason: str | None = None
    """Why no rows can be inserted; None where they can."""
