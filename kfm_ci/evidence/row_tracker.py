"""Rows of the tables that existed before the pull request, compared around each new migration."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Mapping
from contextlib import AbstractContextManager, ExitStack
from dataclasses import replace
from typing import Any

from psycopg import Connection

from kfm_ci.evidence.rollback.model import State
from kfm_ci.evidence.row_difference import NewRows, compare
from kfm_ci.evidence.row_evidence import RowDifference, RowEvidence
from kfm_ci.evidence.row_images import TableImage, TableName, find_empty, read_images, read_tables

_UPDATE_TRIGGER = re.compile(r"\bBEFORE\b[^(]*\bUPDATE\b")

_NOTHING = "seeding found none"

Connect = Callable[[str], AbstractContextManager[Connection[Any]]]
"""Opens an administrator's session in a database."""


class RowTracker:
    """Compares the rows of one database with those of the database that it was cloned from, migration by migration.

    A relation that a migration has not written to is not read. Rows and columns that the pull request added do not
    count.
    """

    def __init__(self, connect: Connect, *, origin: str, database: str, unseeded: dict[str, str]) -> None:
        """Read the tables of the origin; ``unseeded``: why a table has no synthetic rows, by name."""
        self._sessions = ExitStack()
        self._origin = self._sessions.enter_context(connect(origin))
        self._database = self._sessions.enter_context(connect(database))
        self._tables = {table.oid: table for table in read_tables(self._origin)}
        self._unread = {
            oid: f"it has no rows ({_clause(unseeded.get(self._tables[oid].name) or unseeded.get('') or _NOTHING)})"
            for oid in find_empty(self._origin, self._tables.values())
        }
        self._base: dict[int, TableImage] = {}
        self._images: dict[int, TableImage] = {}
        self._new: dict[int, NewRows] = {}
        self._stamped: frozenset[int] | None = None

    def close(self) -> None:
        """Close the sessions."""
        self._sessions.close()

    def compare(self, before: State, after: State) -> RowEvidence:
        """Return what the migration between two states did to rows."""
        if self._stamped is None:
            self._stamped = frozenset(
                table.oid for table in self._tables.values() if _has_update_trigger(before, table.name)
            )
        parts = {table.oid: table.parts for table in read_tables(self._database)}
        written = [
            table
            for table in self._tables.values()
            if after.touched is None or after.touched & {table.oid, *table.parts, *parts.get(table.oid, ())}
        ]
        known = _names_by_oid(before, after)
        later = read_images(self._database, [table.oid for table in written])
        self._read_origin(later)
        differences = [
            self._compare(table, later[table.oid], _names(table, parts.get(table.oid, frozenset()), known), before)
            for table in written
            if table.oid in later
        ]
        return RowEvidence(
            differences=tuple(item for item in differences if item is not None and not item.is_empty),
            unproven=tuple(
                sorted(
                    (name, reason)
                    for oid, reason in self._unread.items()
                    for name in _names(self._tables[oid], parts.get(oid, frozenset()), known)
                )
            ),
        )

    def _read_origin(self, oids: Iterable[int]) -> None:
        """Read the images of before the pull request of tables that were not written to until now."""
        found = read_images(self._origin, [oid for oid in oids if oid not in self._base])
        self._base.update(found)
        self._images.update(found)

    def _compare(
        self, table: TableName, after: TableImage, names: frozenset[str], state: State
    ) -> RowDifference | None:
        before, self._images[table.oid] = self._images[table.oid], after
        unread = before.unread or after.unread
        if unread is not None:
            self._unread.setdefault(table.oid, f"its rows were not read: {unread}")
            return None
        name = next((name for name, item in state.catalog.relations.items() if item.oid == table.oid), table.name)
        new = self._new.setdefault(table.oid, NewRows())
        difference = compare(name, before, after, base=self._base[table.oid], new=new)
        return replace(difference, names=names, has_update_trigger=table.oid in (self._stamped or ()))


def _names_by_oid(*states: State) -> dict[int, set[str]]:
    names: dict[int, set[str]] = {}
    for state in states:
        for name, relation in state.catalog.relations.items():
            names.setdefault(relation.oid, set()).add(name)
    return names


def _names(table: TableName, parts: frozenset[int], known: Mapping[int, set[str]]) -> frozenset[str]:
    """Return every name of a table, of its partitions and of the tables that inherit from it."""
    return frozenset({table.name, *(name for oid in (table.oid, *table.parts, *parts) for name in known.get(oid, ()))})


def _has_update_trigger(state: State, table: str) -> bool:
    """Whether a trigger may set columns of a row that is updated, such as the time of its last change."""
    return any(
        name.startswith(f"trigger {table}.") and _UPDATE_TRIGGER.search(definition)
        for name, definition in state.catalog.entries
    )


def _clause(reason: str) -> str:
    return reason[:1].lower() + reason[1:].removesuffix(".")
