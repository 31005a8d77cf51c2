"""Values: what a migration's success depends on."""

from __future__ import annotations

from dataclasses import dataclass

from psycopg import Error

from kfm_ci.sql.parse_tree import Node
from kfm_ci.sql.script import Statement


@dataclass(frozen=True, slots=True, kw_only=True)
class Failure:
    """A statement that the server refused, and its tree."""

    error: Error
    statement: Statement
    tree: Node | None
    """None when it does not parse."""

    @property
    def sqlstate(self) -> str:
        """Five characters; empty when there are none."""
        return self.error.diag.sqlstate or ""


@dataclass(frozen=True, slots=True, kw_only=True)
class OffendingRows:
    """Which rows a statement trips over."""

    shape: str
    """Completes ``3 of 8 synthetic rows of public.widgets …``."""
    table: str | None = None
    """Schema-qualified, quoted where needed."""
    columns: tuple[str, ...] = ()
    """Plain names."""
    condition: str | None = None
    """What such rows satisfy."""
    query: str | None = None
    """Which rows of production do so, where a condition alone does not tell."""
    remedy: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class Dependence:
    """An offence as it was seen, ready to be told."""

    message: str
    help: str
    table: str | None = None
    columns: tuple[str, ...] = ()
