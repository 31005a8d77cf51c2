"""Values: a failed statement, and the rows that cause the failure."""

from __future__ import annotations

from dataclasses import dataclass

from psycopg import Error

from kfm_ci.sql.parse_tree import Node
from kfm_ci.sql.script import Statement


@dataclass(frozen=True, slots=True, kw_only=True)
class Failure:
    """A statement that failed, and its parse tree."""

    error: Error
    statement: Statement
    tree: Node | None
    """None when the statement does not parse."""

    @property
    def sqlstate(self) -> str:
        """The SQLSTATE; empty when the error has none."""
        return self.error.diag.sqlstate or ""


@dataclass(frozen=True, slots=True, kw_only=True)
class OffendingRows:
    """The rows on which a statement fails."""

    shape: str
    """Completes ``3 of 8 synthetic rows of public.widgets …``."""
    table: str | None = None
    """Schema-qualified, quoted where needed."""
    columns: tuple[str, ...] = ()
    """Unquoted names."""
    condition: str | None = None
    """SQL condition of these rows; None when it is not known."""
    query: str | None = None
    """Query for production, when counting by ``condition`` alone is not enough."""
    remedy: str = ""
    """Imperative sentence without its full stop; empty: no advice."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Dependence:
    """Message and help on a statement that depends on rows, with table and columns for the next seeding."""

    message: str
    remedy: str
    """Sentence on the change of the migration; empty: no advice."""
    acknowledgement: str
    """Sentence on the condition under which the failure may be acknowledged."""
    table: str | None = None
    columns: tuple[str, ...] = ()

    @property
    def help(self) -> str:
        """Return the remedy and the acknowledgement."""
        return f"{self.remedy} {self.acknowledgement}".lstrip()
