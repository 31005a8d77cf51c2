"""Columns that a change adds to existing tables."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

from kfm_ci.analysis.change import Change
from kfm_ci.analysis.changed_statement import Alteration
from kfm_ci.analysis.column_definitions import type_of
from kfm_ci.analysis.object_names import quote, written
from kfm_ci.sql.parse_tree import Node


@dataclass(frozen=True, slots=True, kw_only=True)
class AddedColumn:
    """A column definition behind ``add column``."""

    alteration: Alteration
    definition: Node

    @property
    def type(self) -> str:
        """Return the last part of its type's name, in lower case; empty where it has none."""
        return type_of(self.definition).rstrip("[]")

    @property
    def name(self) -> str:
        """Return its name as SQL."""
        return quote(self.definition.text("colname"))

    @property
    def table(self) -> str:
        """Return its table as written."""
        return written(self.alteration.relation)

    def constraint(self, *kinds: str) -> Node | None:
        """Return its first constraint of these kinds, by the parser's names."""
        return next((item for item in self.definition.many("constraints") if item.choice("contype") in kinds), None)


def added(change: Change) -> Iterator[AddedColumn]:
    """Yield the columns that are added to tables which existed before the change."""
    for item in change.statements.alterations("AT_AddColumn"):
        definition = item.command.one("def")
        if definition is not None and change.statements.is_existing(item.statement, item.relation):
            yield AddedColumn(alteration=item, definition=definition)
