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
    """The statement of the file; for a statement in a ``DO`` block, the block."""
    tree: Node
    text: str
    line: int
    end_line: int
    column: int
    ordinal: int
    """Position in execution order."""
    path: Name
    """Schemas in which unqualified names are looked up."""
    transaction: int | None
    """Equal for statements of one transaction; None for one that runs alone."""
    up: bool
    nested: bool = False
    """Whether it is inside a ``DO`` block or a function."""
    conditions: tuple[str, ...] = ()
    """What decides whether a nested statement runs, outermost first; empty if it runs whenever its block does."""
    is_guarded: bool = False
    """Whether an exception handler of its block can undo it."""
    function: str | None = None
    """Name, without schema, of the function that contains it."""
    in_sql_function: bool = False
    """Whether that function is written in SQL, so that all its statements run."""
    is_called: bool = True
    """Whether the change runs it; False in a function that only a trigger or an operator of the change calls."""

    @property
    def block_line(self) -> int:
        """Return the first line of the block or function that contains it."""
        return self.source.line

    @property
    def place(self) -> Place:
        """Return its place in the file."""
        return Place(file=self.script.file.path, line=self.line, column=self.column, end_line=self.end_line)


@dataclass(frozen=True, slots=True, kw_only=True)
class ExecutedStatement:
    """A statement that the server ran inside another, built by code or contained in a function of the base."""

    around: ChangeStatement
    """The statement of the file that ran it."""
    line: int
    text: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Alteration:
    """One command of an ``alter table``."""

    statement: ChangeStatement
    relation: Node
    command: Node


@dataclass(frozen=True, slots=True, kw_only=True)
class UnreadStatement:
    """A statement, or part of a ``DO`` block, that was not checked."""

    migration: Migration
    place: Place
    reason: str
    names: tuple[str, ...] = ()
    """The placeholders in it."""
    expression: str | None = None
    """The expression that builds dynamic SQL."""
    conditions: tuple[str, ...] = ()
    function: str | None = None
    is_called: bool = True
    up: bool = True
    block_line: int = 0
    """As those of a ``ChangeStatement``."""
    kind: str
    """``syntax``, ``too-deep``, ``placeholder``, ``meta-command`` or ``dynamic``."""
