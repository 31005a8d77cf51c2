"""What seeding knows of a base's schema: tables, columns, types, and the constraints that rows must obey."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

Value = str | None
"""A value as the server reads it from text; None is NULL."""

Tuple = Mapping[str, Value]
"""Values by column: a row, or the part of one that is drawn together."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Type:
    """A type as far as values for it can be thought up; domains are followed to what they stand on."""

    name: str
    """Unqualified name of the type below all domains, such as ``varchar`` or ``_text``."""
    declared: str
    """As a cast spells it, without domains, such as ``character varying(20)``."""
    kind: str
    """``pg_type.typtype``: b(ase), c(omposite), e(num), r(ange), m(ultirange)."""
    sizes: tuple[int, ...] = ()
    """Type modifier as written: length, or precision and scale."""
    labels: tuple[str, ...] = ()
    element: Type | None = None
    """Of an array; subtype of a range."""
    fields: int = 0
    """Columns of a composite type."""
    conditions: tuple[str, ...] = ()
    """Checks of the domains, over ``VALUE``."""


@dataclass(frozen=True, slots=True, kw_only=True)
class SeedColumn:
    """A column that can be written."""

    name: str
    type: Type
    nullable: bool
    default: str | None = None
    """Expression of its default."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Check:
    """A condition on rows, as an expression over column names."""

    columns: frozenset[str]
    expression: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Unique:
    """Columns whose values may occur together once."""

    columns: tuple[str, ...]
    nulls_distinct: bool = True
    plain: bool = True
    """Whether equality of values decides; not so for expressions, operators and partial indexes."""


@dataclass(frozen=True, slots=True, kw_only=True)
class SeedForeignKey:
    """A reference to another table's key."""

    columns: tuple[str, ...]
    target: int
    """OID of the referenced table."""
    keys: tuple[str, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class Guard:
    """Something on a table that must rest while rows are written, and how it is woken again."""

    disable: str
    restore: str


@dataclass(frozen=True, slots=True, kw_only=True)
class SeedTable:
    """A table that rows can be written to."""

    oid: int
    schema: str
    relation: str
    name: str
    """Schema-qualified, quoted where needed."""
    columns: tuple[SeedColumn, ...] = ()
    checks: tuple[Check, ...] = ()
    uniques: tuple[Unique, ...] = ()
    foreign_keys: tuple[SeedForeignKey, ...] = ()
    guards: tuple[Guard, ...] = ()
    existing: int = 0
    """Rows that the migrations of the base wrote."""
    obstacle: str | None = None
    """Why nothing can be written to it."""
