"""What a migration did to the rows of existing tables."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, slots=True, kw_only=True)
class ColumnDifference:
    """Rows in which one column's value differs."""

    name: str
    """As it was before."""
    type_name: str
    rows: int


@dataclass(frozen=True, slots=True, kw_only=True)
class RowDifference:
    """How the rows that a table had before the pull request differ after one migration."""

    table: str
    """Schema-qualified name before the migration, quoted where needed."""
    names: frozenset[str] = frozenset()
    """Every name of the table and its partitions before and after the migration."""
    rows: int = 0
    """Rows of before the pull request that the table still had before the migration."""
    gone: int = 0
    columns: tuple[str, ...] = ()
    """Columns of the missing rows."""
    overwritten: tuple[ColumnDifference, ...] = ()
    filled: tuple[ColumnDifference, ...] = ()
    """Columns in which NULLs got a value."""
    has_update_trigger: bool = False
    """Whether the table had a trigger before the pull request that may set columns of an updated row."""

    @property
    def is_empty(self) -> bool:
        """Whether all rows are unchanged."""
        return not (self.gone or self.overwritten or self.filled)


@dataclass(frozen=True, slots=True, kw_only=True)
class RowEvidence:
    """What one migration did to the rows of existing tables."""

    differences: tuple[RowDifference, ...] = ()
    """Of the tables whose rows differ."""
    unproven: tuple[tuple[str, str], ...] = ()
    """Existing tables, by each name that they had, whose rows were not compared, and why."""
