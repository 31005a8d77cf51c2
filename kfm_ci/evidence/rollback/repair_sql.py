"""SQL that completes a rollback, when a few statements restore the schema."""

from __future__ import annotations

import re
from collections.abc import Iterator

from kfm_ci.postgres.catalog import Catalog, Difference

MAX_STATEMENTS = 4
"""Statements that a help shows; a rollback that misses more needs a redesign."""
MAX_LENGTH = 300
"""Characters of all statements together."""
_WHOLE = (
    "table",
    "view",
    "materialized view",
    "index",
    "sequence",
    "type",
    "domain",
    "schema",
    "function",
    "procedure",
)
_PARTS = ("column", "constraint", "trigger", "policy")
_OF_A_TABLE = re.compile(r"(?:foreign )?table (?P<table>.+)", re.DOTALL)
_COLUMN = re.compile(
    r"(?P<type>[^'()]+?(?:\([\d, ]+\)(?: with(?:out)? time zone)?)?(?:\[\])*)(?P<set> not null)?"
    r"(?: default (?P<default>.+))?",
    re.DOTALL,
)
_MORE = re.compile(r"\b(?:collate|generated|storage|compression|statistics|options|inherited|parents)\b")
_UNVALIDATED = " (not validated)"
_NOT_IN_INDEXDEF = re.compile(r", (?:INVALID|not ready|replica identity|clustered|tablespace .*|part of .*)$")
"""State of an index that its CREATE INDEX does not restore."""


def repair_statements(difference: Difference, *, before: Catalog, now: Catalog) -> tuple[str, ...]:
    """Return the statements that restore the schema, in order; empty when not all are simple, or when they are many."""
    found: list[str] = []
    for statements in _statements_by_object(difference, before, now):
        if not statements:
            return ()
        found += statements
    return tuple(found) if len(found) <= MAX_STATEMENTS and sum(map(len, found)) <= MAX_LENGTH else ()


def _statements_by_object(difference: Difference, before: Catalog, now: Catalog) -> Iterator[list[str]]:
    """Yield for each object the statements that restore it; none when these are not known."""
    for name, was, is_now in difference.changed:
        yield _alter(name, was, is_now, before.parents.get(name, ""))
    for name in difference.removed:
        yield _create(name, before.get(name) or "", before.parents.get(name, ""))
    for name in difference.added:
        yield _drop(name, now.parents.get(name, ""))


def _create(name: str, definition: str, parent: str) -> list[str]:
    """Return the SQL that creates an index or a constraint; a column or a table would come without its rows."""
    if name.startswith("index "):
        return [] if _NOT_IN_INDEXDEF.search(definition) else [f"{definition};"]
    part = _part(name, parent)
    if part is None or part[0] != "constraint" or _MORE.search(definition):
        return []
    return [f"alter table {part[1]} add constraint {part[2]} {definition.removesuffix(_UNVALIDATED)};"]


def _drop(name: str, parent: str) -> list[str]:
    for kind in _WHOLE:
        if name.startswith(f"{kind} "):
            return [f"drop {name};"]
    part = _part(name, parent)
    if part is None:
        return []
    kind, table, own = part
    return [f"alter table {table} drop {kind} {own};" if kind in _PARTS[:2] else f"drop {kind} {own} on {table};"]


def _alter(name: str, was: str, now: str, parent: str) -> list[str]:
    if name.startswith("index "):
        return [] if _NOT_IN_INDEXDEF.search(was) else [f"drop {name};", f"{was};"]
    part = _part(name, parent)
    if part is None or part[0] != "column":
        return []
    return [f"alter table {part[1]} alter column {part[2]} {action};" for action in _column_actions(was, now)]


def _column_actions(was: str, now: str) -> list[str]:
    """Return the ``ALTER COLUMN`` actions that restore a column; none if it has more than type, not-null, default."""
    old, new = _COLUMN.fullmatch(was), _COLUMN.fullmatch(now)
    if old is None or new is None or _MORE.search(was) or _MORE.search(now):
        return []
    actions = [f"type {old['type']}"] if old["type"] != new["type"] else []
    if old["default"] != new["default"]:
        actions.append(f"set default {old['default']}" if old["default"] else "drop default")
    if old["set"] != new["set"]:
        actions.append("set not null" if old["set"] else "drop not null")
    return actions


def _part(name: str, parent: str) -> tuple[str, str, str] | None:
    """Return kind, table and own name of a part of a table; None for any other object."""
    table = _OF_A_TABLE.fullmatch(parent)
    if table is None:
        return None
    for kind in _PARTS:
        start = f"{kind} {table['table']}."
        if name.startswith(start):
            return kind, table["table"], name.removeprefix(start)
    return None
