"""What a schema lets in that it did not let in before, as changes of one row that try it."""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

from psycopg import Connection

from kfm_ci.postgres import catalog
from kfm_ci.postgres.catalog import Catalog

MOST = 12
"""At most so many rows are tried for one migration."""

_KEY = re.compile(r"(?:UNIQUE(?: NULLS NOT DISTINCT)?|PRIMARY KEY) \(([^()]+)\)")
_INDEX = re.compile(r"CREATE UNIQUE INDEX .+? ON (?:ONLY )?(.+?) USING \w+ \(([^()]+)\)")
_REFERENCE = re.compile(r"FOREIGN KEY \(([^(),]+)\) REFERENCES ")
_CHECK = re.compile(r"CHECK (\(.+\))(?: NO INHERIT)?(?: NOT VALID)?(?: \(not validated\))?(?:,? \w+.*)?", re.DOTALL)
_ENUM = re.compile(r"\benum \((.*)\)", re.DOTALL)
_LITERAL = re.compile(r"'((?:[^']|'')*)'|(?<![\w.])(-?\d+(?:\.\d+)?)")
_LENGTH = re.compile(r"character varying\((\d+)\)")

_ANYTHING = ("-1", "0", "", "x")
_NOBODY = ("2147483646", "00000000-0000-4000-8000-00000000dead", "nobody")
_WIDE = {
    "bigint": "9223372036854775807",
    "integer": "2147483647",
    "numeric": "99999999999999999999.5",
    "double precision": "1e300",
    "text": "x" * 300,
    "character varying": "x" * 300,
}


@dataclass(frozen=True, slots=True, kw_only=True)
class NewRow:
    """One row as only the new schema has it."""

    what: str
    """In a few words, such as ``a null in public.widgets.name``."""
    change: str
    """SQL that makes it of a row that is there."""
    sign: str | None = None
    """SQL that returns a row when the change made what it should; None where that goes without saying."""

    def arrives(self, connection: Connection[Any]) -> bool:
        """Change the row; return whether there was one. Raises what the new schema refuses."""
        if connection.execute(self.change.encode()).rowcount != 1:
            return False
        return self.sign is None or connection.execute(self.sign.encode()).fetchone() is not None


def newcomers(before: Catalog, after: Catalog) -> tuple[NewRow, ...]:
    """Return rows that one schema may hold and the earlier one may not; tables and columns that went are left out."""
    gone = catalog.diff(before, after)
    now = dict(after.entries)
    found: dict[str, NewRow] = {}
    for name in (*gone.removed, *(name for name, _, _ in gone.changed)):
        was, parent = before.get(name) or "", before.parents.get(name, "")
        for newcomer in _of(name, was, now.get(name), parent, before, after):
            found.setdefault(newcomer.change, newcomer)
    return tuple(found.values())[:MOST]


def _of(name: str, was: str, now: str | None, parent: str, before: Catalog, after: Catalog) -> Iterator[NewRow]:
    kind, _, identity = name.partition(" ")
    if kind == "type" and now is not None:
        yield from _labels(identity, was, now, after)
        return
    if kind == "index" and (index := _INDEX.match(was)):
        parent, was = f"table {index[1]}", f"UNIQUE ({index[2]})"
    table = _renamed(parent.partition(" ")[2], before, after)
    if table is None or (now is not None and now == was):
        return
    if kind == "column" and now is not None:
        column = identity.removeprefix(f"{parent.partition(' ')[2]}.")
        if _required(was) and not _required(now):
            yield _changed(table, column, "null", f"a null in {table}.{column}")
        if _type(was) != _type(now):
            for value in _wide(_type(now)):
                yield _changed(table, column, _quoted(value), f"a long or large value in {table}.{column}")
    elif key := _KEY.match(was):
        yield _double(table, key[1])
    elif reference := _REFERENCE.match(was):
        for value in _NOBODY:
            told = f"a value of {table}.{reference[1]} that nothing else has"
            yield _changed(table, reference[1], _quoted(value), told)
    elif check := _CHECK.fullmatch(was):
        yield from _unchecked(table, check[1], now or "", after)


def _labels(identity: str, was: str, now: str, after: Catalog) -> Iterator[NewRow]:
    old, new = _ENUM.search(was), _ENUM.search(now)
    if old is None or new is None:
        return
    known = _literals(old[1])
    for label in (value for value in _literals(new[1]) if value not in known):
        for name, definition in after.entries:
            table = after.parents.get(name, "").partition(" ")
            if (
                name.startswith("column ")
                and table[0] == "table"
                and _type(definition) == identity.removeprefix("public.")
            ):
                column = name.removeprefix(f"column {table[2]}.")
                yield _changed(table[2], column, _quoted(label), f"{label!r} in {table[2]}.{column}")


def _unchecked(table: str, expression: str, now: str, after: Catalog) -> Iterator[NewRow]:
    said = set(re.findall(r"[\w$]+", expression))
    fresh = [value for value in _literals(now) if value not in _literals(expression)]
    for column in after.relations[table].columns:
        if column.strip('"') in said:
            for value in dict.fromkeys((*fresh, *_ANYTHING)):
                yield NewRow(
                    what=f"{value!r} in {table}.{column}",
                    change=_set(table, column, _quoted(value)),
                    sign=f"select from {table} where not {expression} limit 1",
                )


def _renamed(table: str, before: Catalog, after: Catalog) -> str | None:
    was = before.relations.get(table)
    return next((name for name, now in after.relations.items() if was is not None and now.oid == was.oid), None)


def _required(definition: str) -> bool:
    return " not null" in definition.partition(" default ")[0]


def _type(definition: str) -> str:
    for mark in (" collate ", " not null", " generated ", " default ", " stored ", " storage ", " parents "):
        definition = definition.partition(mark)[0]
    return definition


def _wide(kind: str) -> tuple[str, ...]:
    if length := _LENGTH.fullmatch(kind):
        return ("x" * int(length[1]),)
    value = _WIDE.get(kind.partition("(")[0])
    return (*((value,) if value else ()), "x")


def _literals(text: str) -> list[str]:
    return [number or string.replace("''", "'") for string, number in _LITERAL.findall(text)]


def _double(table: str, columns: str) -> NewRow:
    first = f"(select ctid from {table} order by ctid limit 1)"
    last = f"(select ctid from {table} order by ctid desc limit 1)"
    return NewRow(
        what=f"two rows of {table} with equal {columns}",
        change=f"update {table} set ({columns}) = (select {columns} from {table} where ctid = {first}) "
        f"where ctid = {last} and ctid <> {first}",
    )


def _changed(table: str, column: str, value: str, what: str) -> NewRow:
    return NewRow(what=what, change=_set(table, column, value))


def _set(table: str, column: str, value: str) -> str:
    return f"update {table} set {column} = {value} where ctid = (select ctid from {table} order by ctid limit 1)"


def _quoted(value: str) -> str:
    return "'" + value.replace("'", "''") + "'"
