"""One statement of a change: parsed, with its place, its transaction and its search path."""

from __future__ import annotations

from dataclasses import dataclass

from kfm_ci.analysis.object_names import Name
from kfm_ci.migrations.model import Migration
from kfm_ci.model import Place
from kfm_ci.sql.parse_tree import Node
from kfm_ci.sql.script import Script, Statement


@dataclass(frozen=True, slots=True, kw_only=True)
class ChangeStatement:
    """One statement of a new migration."""

    migration: Migration
    script: Script
    source: Statement
    """The whole statement of the file; for what stands in a block, the block."""
    tree: Node
    text: str
    line: int
    end_line: int
    column: int
    ordinal: int
    """Place in the order in which the change runs."""
    path: Name
    """Schemas in which unqualified names are looked up."""
    transaction: int | None
    """Equal for statements of one transaction; None for one that runs alone."""
    up: bool
    nested: bool = False
    """Whether it stands inside a block."""

    @property
    def place(self) -> Place:
        """Return where it stands."""
        return Place(file=self.script.file.path, line=self.line, column=self.column, end_line=self.end_line)


@dataclass(frozen=True, slots=True, kw_only=True)
class Alteration:
    """One command of an ``alter table``."""

    statement: ChangeStatement
    relation: Node
    command: Node


@dataclass(frozen=True, slots=True, kw_only=True)
class UnreadStatement:
    """A statement, or part of a block, that was not judged."""

    migration: Migration
    place: Place
    reason: str
    names: tuple[str, ...] = ()
    """The placeholders in it."""
    kind: str
    """``syntax``, ``placeholder``, ``meta-command`` or ``dynamic``."""
