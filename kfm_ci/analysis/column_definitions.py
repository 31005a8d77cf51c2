"""Tables and types of columns, as the migrations of a repository define them."""

from __future__ import annotations

import re
from collections.abc import Iterator

from kfm_ci.analysis.change import Change
from kfm_ci.migrations import placeholders
from kfm_ci.sql import statements
from kfm_ci.sql.parse_tree import Node
from kfm_ci.sql.script import Script

Types = dict[str, str]
"""The last known type of a column by the table's bare name; empty where the text does not say."""

_MAKES = re.compile(r"create|alter", re.IGNORECASE)


def defined(change: Change, columns: frozenset[str]) -> dict[str, Types]:
    """Return, for each of these columns, the tables to which some migration of the repository gives it."""
    found: dict[str, Types] = {column: {} for column in columns}
    for migration in change.head.migrations:
        if not isinstance(migration.up, Script) or not any(column in migration.up.text for column in columns):
            continue
        for statement in statements.of(migration.up):
            try:
                trees = statements.parse(placeholders.fill(statement.text)[0]) if _MAKES.match(statement.text) else ()
            except statements.SyntaxProblem:
                continue
            for tree in trees:
                relation = tree.one("relation")
                if relation is None:
                    continue
                for column, type in _given(tree):
                    if column in columns:
                        found[column][relation.text("relname")] = type
    return found


def type_of(definition: Node) -> str:
    """Return the last part of the type's name in a column's definition, in lower case; empty where it has none."""
    node = definition.one("type_name")
    names = node.strings("names") if node is not None else ()
    return names[-1].lower() + "[]" * len(node.many("array_bounds")) if node is not None and names else ""


def _given(tree: Node) -> Iterator[tuple[str, str]]:
    """Yield the columns that a statement gives to its table, with their types."""
    for command in tree.many("cmds"):
        definition = command.one("def")
        if command.choice("subtype") == "AT_AlterColumnType" and definition is not None:
            yield command.text("name"), type_of(definition)
    for definition in tree.find("ColumnDef"):
        if definition.text("colname"):
            yield definition.text("colname"), type_of(definition)
    if tree.text("newname"):
        yield tree.text("newname"), ""
