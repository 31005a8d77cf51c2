"""Relaxed constraints: rows that a schema allows and the earlier one did not, as changes of one row."""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

from psycopg import Connection

from kfm_ci.postgres import catalog
from kfm_ci.postgres.catalog import Catalog

MAX_ROWS = 12
"""Rows that are tried for one migration."""

_KEY = re.compile(r"(?:UNIQUE(?: NULLS NOT DISTINCT)?|PRIMARY KEY) \(([^()]+)\)")
_INDEX = re.compile(r"CREATE UNIQUE INDEX .+? ON (?:ONLY )?(.+?) USING \w+ \(([^()]+)\)")
_REFERENCE = re.compile(r"FOREIGN KEY \(([^(),]+)\) REFERENCES ")
_CHECK = re.compile(r"CHECK (\(.+\))(?: NO INHERIT)?(?: NOT VALID)?(?: \(not validated\))?(?:,? \w+.*)?", re.DOTALL)
_ENUM = re.compile(r"\benum \((.*)\)", re.DOTALL)
_LITERAL = re.compile(r"'((?:[^']|'')*)'|(?<![\w.])(-?\d+(?:\.\d+)?)")
_LENGTH = re.compile(r"character varying\((\d+)\)")

_PLAIN_VALUES = ("-1", "0", "", "x")
_UNREFERENCED = ("2147483646", "00000000-0000-4000-8000-00000000dead", "nobody")
_LARGE_VALUES = {
    "bigint": "9223372036854775807",
    "integer": "2147483647",
    "numeric": "99999999999999999999.5",
    "double precision": "1e300",
    "text": "x" * 300,
    "character varying": "x" * 300,
}


@dataclass(frozen=True, slots=True, kw_only=True)
class NewRow:
    """A row that only the new schema allows."""

    description: str
    """Such as ``a null in public.widgets.name``."""
    change: str
    """SQL that changes an existing row into it."""
    proof: str | None = None
    """SQL that returns a row if the change had its effect; None: it always has."""

    def write(self, connection: Connection[Any]) -> bool:
        """Change an existing row; return False when there is none. Raises the error of the new schema."""
        if connection.execute(self.change.encode()).rowcount != 1:
            return False
        return self.proof is None or connection.execute(self.proof.encode()).fetchone() is not None


def new_rows(before: Catalog, after: Catalog) -> tuple[NewRow, ...]:
    """Return rows that a schema allows and the earlier one does not, without those of dropped tables and columns."""
    difference = catalog.diff(before, after)
    now = dict(after.entries)
    found: dict[str, NewRow] = {}
    for name in (*difference.removed, *(name for name, _, _ in difference.changed)):
        was, parent = before.get(name) or "", before.parents.get(name, "")
        for row in _rows(name, was, now.get(name), parent, before, after):
            found.setdefault(row.change, row)
    return tuple(found.values())[:MAX_ROWS]


def _rows(name: str, was: str, now: str | None, parent: str, before: Catalog, after: Catalog) -> Iterator[NewRow]:
    kind, _, identity = name.partition(" ")
    if kind == "type" and now is not None:
        yield from _new_labels(identity, was, now, after)
        return
    if kind == "index" and (index := _INDEX.match(was)):
        parent, was = f"table {index[1]}", f"UNIQUE ({index[2]})"
    table = _current_name(parent.partition(" ")[2], before, after)
    if table is None or (now is not None and now == was):
        return
    if kind == "column" and now is not None:
        column = identity.removeprefix(f"{parent.partition(' ')[2]}.")
        if _is_required(was) and not _is_required(now):
            yield _row(table, column, "null", f"a null in {table}.{column}")
        if _type(was) != _type(now):
            for value in _large_values(_type(now)):
                yield _row(table, column, _quoted(value), f"a long or large value in {table}.{column}")
    elif key := _KEY.match(was):
        yield _duplicate(table, key[1])
    elif reference := _REFERENCE.match(was):
        for value in _UNREFERENCED:
            description = f"a value of {table}.{reference[1]} without a referenced row"
            yield _row(table, reference[1], _quoted(value), description)
    elif check := _CHECK.fullmatch(was):
        yield from _check_violations(table, check[1], now or "", after)


def _new_labels(identity: str, was: str, now: str, after: Catalog) -> Iterator[NewRow]:
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
                yield _row(table[2], column, _quoted(label), f"{label!r} in {table[2]}.{column}")


def _check_violations(table: str, expression: str, now: str, after: Catalog) -> Iterator[NewRow]:
    words = set(re.findall(r"[\w$]+", expression))
    new_values = [value for value in _literals(now) if value not in _literals(expression)]
    for column in after.relations[table].columns:
        if column.strip('"') in words:
            for value in dict.fromkeys((*new_values, *_PLAIN_VALUES)):
                yield NewRow(
                    description=f"{value!r} in {table}.{column}",
                    change=_set(table, column, _quoted(value)),
                    proof=f"select from {table} where not {expression} limit 1",
                )


def _current_name(table: str, before: Catalog, after: Catalog) -> str | None:
    was = before.relations.get(table)
    return next((name for name, now in after.relations.items() if was is not None and now.oid == was.oid), None)


def _is_required(definition: str) -> bool:
    return " not null" in definition.partition(" default ")[0]


def _type(definition: str) -> str:
    for mark in (" collate ", " not null", " generated ", " default ", " stored ", " storage ", " parents "):
        definition = definition.partition(mark)[0]
    return definition


def _large_values(kind: str) -> tuple[str, ...]:
    if length := _LENGTH.fullmatch(kind):
        return ("x" * int(length[1]),)
    value = _LARGE_VALUES.get(kind.partition("(")[0])
    return (*((value,) if value else ()), "x")


def _literals(text: str) -> list[str]:
    return [number or string.replace("''", "'") for string, number in _LITERAL.findall(text)]


def _duplicate(table: str, columns: str) -> NewRow:
    first = f"(select ctid from {table} order by ctid limit 1)"
    last = f"(select ctid from {table} order by ctid desc limit 1)"
    return NewRow(
        description=f"two rows of {table} with equal {columns}",
        change=f"update {table} set ({columns}) = (select {columns} from {table} where ctid = {first}) "
        f"where ctid = {last} and ctid <> {first}",
    )


def _row(table: str, column: str, value: str, description: str) -> NewRow:
    return NewRow(description=description, change=_set(table, column, value))


def _set(table: str, column: str, value: str) -> str:
    return f"update {table} set {column} = {value} where ctid = (select ctid from {table} order by ctid limit 1)"


def _quoted(value: str) -> str:
    return "'" + value.replace("'", "''") + "'"
