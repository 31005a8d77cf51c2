"""What to add to a way back so that the schema is as before, in SQL, where that is a matter of a few statements."""

from __future__ import annotations

import re
from collections.abc import Iterator

from kfm_ci.postgres.catalog import Catalog, Difference

MOST = 4
"""So many statements are told; more are a way back that has to be thought over."""
LONGEST = 300
"""Characters of them all."""
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
    r"(?P<type>[^'()]+?(?:\([\d, ]+\)(?: with(?:out)? time zone)?)?(?:\[\])*)(?P<set> not null)?(?: default (?P<default>.+))?",
    re.DOTALL,
)
_MORE = re.compile(r"\b(?:collate|generated|storage|compression|statistics|options|inherited|parents)\b")
_UNVALIDATED = " (not validated)"
_BESIDE = re.compile(r", (?:INVALID|not ready|replica identity|clustered|tablespace .*|part of .*)$")


def amends(difference: Difference, *, before: Catalog, now: Catalog) -> tuple[str, ...]:
    """Return the statements that make up for a difference, in order; none where not all of it is simple, or they are many."""
    found: list[str] = []
    for part in _each(difference, before, now):
        if not part:
            return ()
        found += part
    return tuple(found) if len(found) <= MOST and sum(map(len, found)) <= LONGEST else ()


def _each(difference: Difference, before: Catalog, now: Catalog) -> Iterator[list[str]]:
    """Yield for each object that differs what makes up for it: nothing where that is not known."""
    for name, was, is_now in difference.changed:
        yield _changed(name, was, is_now, before.parents.get(name, ""))
    for name in difference.removed:
        yield _made(name, before.get(name) or "", before.parents.get(name, ""))
    for name in difference.added:
        yield _dropped(name, now.parents.get(name, ""))


def _made(name: str, definition: str, parent: str) -> list[str]:
    """Return what makes an index or a constraint; a column or a table would come without its rows."""
    if name.startswith("index "):
        return [] if _BESIDE.search(definition) else [f"{definition};"]
    part = _part(name, parent)
    if part is None or part[0] != "constraint" or _MORE.search(definition):
        return []
    return [f"alter table {part[1]} add constraint {part[2]} {definition.removesuffix(_UNVALIDATED)};"]


def _dropped(name: str, parent: str) -> list[str]:
    for kind in _WHOLE:
        if name.startswith(f"{kind} "):
            return [f"drop {name};"]
    part = _part(name, parent)
    if part is None:
        return []
    kind, table, own = part
    return [f"alter table {table} drop {kind} {own};" if kind in _PARTS[:2] else f"drop {kind} {own} on {table};"]


def _changed(name: str, was: str, now: str, parent: str) -> list[str]:
    if name.startswith("index "):
        return [] if _BESIDE.search(was) else [f"drop {name};", f"{was};"]
    part = _part(name, parent)
    if part is None or part[0] != "column":
        return []
    return [f"alter table {part[1]} alter column {part[2]} {act};" for act in _column(was, now)]


def _column(was: str, now: str) -> list[str]:
    """Return what turns a column's definition into what it was; nothing where it has more than type, NOT NULL and default."""
    old, new = _COLUMN.fullmatch(was), _COLUMN.fullmatch(now)
    if old is None or new is None or _MORE.search(was) or _MORE.search(now):
        return []
    acts = [f"type {old['type']}"] if old["type"] != new["type"] else []
    if old["default"] != new["default"]:
        acts.append(f"set default {old['default']}" if old["default"] else "drop default")
    if old["set"] != new["set"]:
        acts.append("set not null" if old["set"] else "drop not null")
    return acts


def _part(name: str, parent: str) -> tuple[str, str, str] | None:
    """Return kind, table and own name of what is part of a table."""
    table = _OF_A_TABLE.fullmatch(parent)
    if table is None:
        return None
    for kind in _PARTS:
        start = f"{kind} {table['table']}."
        if name.startswith(start):
            return kind, table["table"], name.removeprefix(start)
    return None
