"""New columns and tables that replace a removed one of the same change, with the reason."""

from __future__ import annotations

import re
from collections import Counter, defaultdict
from collections.abc import Iterator
from dataclasses import dataclass
from difflib import SequenceMatcher
from functools import lru_cache

from kfm_ci.analysis import added_columns
from kfm_ci.analysis.added_columns import AddedColumn
from kfm_ci.analysis.change import Change
from kfm_ci.analysis.changed_statement import ChangeStatement
from kfm_ci.analysis.column_definitions import defined, type_of
from kfm_ci.analysis.object_names import written
from kfm_ci.analysis.removed_objects import Removal

_ALIKE = 0.8
"""Similarity from which two names count as variants of one."""
_FEW = 40
"""Number of new columns of a table up to which names are compared by similarity."""
_LINKS = frozenset({"id", "ids", "at", "on", "by", "is", "has", "no", "old", "new"})
"""Words in names that are ignored."""
_PLAIN = frozenset({"name", "type", "status", "count", "date", "time", "key", "value", "flag"})
"""Words that count only if a name has no others."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Replacement:
    """The replacement of a removed object."""

    statement: ChangeStatement
    shown: str
    ground: str
    """The reason, as the end of a sentence."""


class Replacements:
    """The new columns of a change, and the new tables that it fills from existing ones."""

    def __init__(self, change: Change, removals: tuple[Removal, ...]) -> None:
        """Collect the new columns and copied tables; ``removals`` are all removed objects."""
        self._added: dict[str, dict[str, AddedColumn]] = defaultdict(dict)
        for column in added_columns.added(change):
            self._added[column.alteration.relation.text("relname")][column.definition.text("colname")] = column
        dropped = [item for item in removals if item.column is not None and item.table in self._added]
        counted = Counter(item.table for item in dropped)
        self._lone = {table for table, number in counted.items() if number == len(self._added[table]) == 1}
        self._types = defined(change, frozenset(item.column for item in dropped if item.column is not None))
        self._flows = dict(_flows(change))
        self._replaced = dict(_replaced(change))

    def of(self, removal: Removal) -> Replacement | None:
        """Return the replacement of a removed column or table; None without evidence for one."""
        if removal.column is None:
            return self._replaced.get(removal.table)
        added = self._added.get(removal.table, {})
        for name, column in added.items():
            flow = self._flows.get((removal.table, removal.column, name))
            if flow is not None:
                return _successor(column, f"line {flow.line} copies one into the other")
        if removal.becomes is not None:
            return None
        for name, column in added.items():
            if _related(removal.column, name) or (len(added) <= _FEW and _spelled_alike(removal.column, name)):
                return _successor(column, "their names are related")
        before = self._types.get(removal.column, {}).get(removal.table)
        for column in added.values() if before and removal.table in self._lone else ():
            if type_of(column.definition) == before:
                return _successor(column, f"both are {before}, and no other column of the table is added or dropped")
        return None


def _successor(column: AddedColumn, ground: str) -> Replacement:
    return Replacement(statement=column.alteration.statement, shown=f"{column.table}.{column.name}", ground=ground)


def _related(one: str, other: str) -> bool:
    """Whether two names share half of their words."""
    first, second = _words(one), _words(other)
    if first - _PLAIN and second - _PLAIN:
        first, second = first - _PLAIN, second - _PLAIN
    return bool(first & second) and 2 * len(first & second) >= len(first | second)


@lru_cache(maxsize=4096)
def _words(name: str) -> frozenset[str]:
    parts = re.findall(r"[A-Z]+(?![a-z])|[A-Z]?[^A-Z_\W]+", name) or [name]
    return frozenset(part.lower() for part in parts) - _LINKS


def _spelled_alike(one: str, other: str) -> bool:
    return SequenceMatcher(None, one.lower(), other.lower(), autojunk=False).ratio() >= _ALIKE


def _flows(change: Change) -> Iterator[tuple[tuple[str, str, str], ChangeStatement]]:
    """Yield table, source and target of updates that compute a column from another column of the table."""
    for statement in change.statements.of("UpdateStmt"):
        relation = statement.tree.one("relation")
        if relation is None:
            continue
        for target in statement.tree.many("target_list"):
            for source in target.find("ColumnRef"):
                for name in source.strings("fields")[-1:]:
                    yield (relation.text("relname"), name, target.text("name")), statement


def _replaced(change: Change) -> Iterator[tuple[str, Replacement]]:
    """Yield the existing tables whose rows are copied into a new table, with that table."""
    for statement in change.statements.of("InsertStmt", "CreateTableAsStmt"):
        into = statement.tree.one("into")
        target = statement.tree.one("relation") or (into.one("rel") if into is not None else None)
        query = statement.tree.one("select_stmt") or statement.tree.one("query")
        if target is None or query is None or target.text("relpersistence") == "t":
            continue
        if statement.tree.tag == "InsertStmt" and change.statements.is_existing(statement, target):
            continue
        for source in query.many("from_clause"):
            for relation in source.find("RangeVar"):
                if change.statements.is_existing(statement, relation):
                    ground = f"line {statement.line} copies one into the other"
                    yield (
                        relation.text("relname"),
                        Replacement(statement=statement, shown=written(target), ground=ground),
                    )
