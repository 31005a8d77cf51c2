"""Tables and columns that a change drops, renames or moves to another schema."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

from kfm_ci.analysis.change import Change
from kfm_ci.analysis.changed_statement import ChangeStatement
from kfm_ci.analysis.object_names import Name, parts_of, quote, spelled, written
from kfm_ci.sql.parse_tree import Node

_TABLES = frozenset({"OBJECT_TABLE", "OBJECT_FOREIGN_TABLE"})
_RENAMED = frozenset({*_TABLES, "OBJECT_VIEW", "OBJECT_MATVIEW"})


@dataclass(frozen=True, slots=True, kw_only=True)
class Removal:
    """A table or column that no longer exists under its name."""

    statement: ChangeStatement
    parts: Name
    """Name of the table, or of the view that is renamed, schema first where one is written."""
    column: str | None
    """None: the whole table."""
    shown: str
    """As its author wrote it, with the table in front of a column."""
    becomes: str | None = None
    """New name or place, as SQL; None where it is dropped."""
    cascade: bool = False

    @property
    def table(self) -> str:
        """Return the unqualified name of the table."""
        return self.parts[-1]

    @property
    def kind(self) -> str:
        """Return ``column`` or ``table``."""
        return "table" if self.column is None else "column"

    @property
    def name(self) -> str:
        """Return the unqualified old name."""
        return self.table if self.column is None else self.column


def removals(change: Change) -> Iterator[Removal]:
    """Yield the removals of the up migrations, in no particular order."""
    yield from dropped_tables(change)
    yield from dropped_columns(change)
    yield from renamed(change)


def dropped_tables(change: Change) -> Iterator[Removal]:
    """Yield the existing tables that are dropped."""
    for statement in change.statements.of("DropStmt"):
        if statement.tree.choice("remove_type") not in _TABLES:
            continue
        for item in statement.tree.many("objects"):
            parts = item.strings("items")
            if parts and not change.statements.is_new(statement, parts):
                yield Removal(
                    statement=statement,
                    parts=parts,
                    column=None,
                    shown=spelled(parts),
                    cascade=statement.tree.choice("behavior") == "DROP_CASCADE",
                )


def dropped_columns(change: Change) -> Iterator[Removal]:
    """Yield the dropped columns of existing tables."""
    for item in change.statements.alterations("AT_DropColumn"):
        name = item.command.text("name")
        if _old_column(change, item.statement, item.relation, name):
            yield Removal(
                statement=item.statement,
                parts=parts_of(item.relation),
                column=name,
                shown=f"{written(item.relation)}.{quote(name)}",
                cascade=item.command.choice("behavior") == "DROP_CASCADE",
            )


def renamed(change: Change) -> Iterator[Removal]:
    """Yield the existing tables and columns that get another name or schema."""
    for statement in change.statements.of("RenameStmt", "AlterObjectSchemaStmt"):
        relation, tree = statement.tree.one("relation"), statement.tree
        if relation is None or not change.statements.is_existing(statement, relation):
            continue
        parts, kind = parts_of(relation), tree.choice("rename_type") or tree.choice("object_type")
        if tree.tag == "RenameStmt" and kind == "OBJECT_COLUMN":
            name = tree.text("subname")
            if _old_column(change, statement, relation, name):
                shown = f"{written(relation)}.{quote(name)}"
                yield Removal(
                    statement=statement, parts=parts, column=name, shown=shown, becomes=quote(tree.text("newname"))
                )
        elif kind in _RENAMED:
            new = tree.text("newname")
            becomes = quote(new) if new else f"{quote(tree.text('newschema'))}.{quote(parts[-1])}"
            yield Removal(statement=statement, parts=parts, column=None, shown=written(relation), becomes=becomes)


def _old_column(change: Change, statement: ChangeStatement, relation: Node, column: str) -> bool:
    return change.statements.is_existing(statement, relation) and not change.statements.is_new(
        statement, parts_of(relation), column
    )
