"""The tables of a database, with the constraints that rows must satisfy."""

from __future__ import annotations

import re
from collections import defaultdict
from collections.abc import Iterable, Mapping
from typing import Any

from psycopg import Connection, sql

from kfm_ci.evidence.seed import catalog_queries
from kfm_ci.evidence.seed.model import Check, InsertHook, SeedColumn, SeedForeignKey, SeedTable, Type, Unique
from kfm_ci.postgres.catalog import OWN_SCHEMAS

_NULLS_DISTINCT = 150_000
"""First server version with ``UNIQUE NULLS NOT DISTINCT``."""
_FOREIGN_TABLE = "A foreign table stores its rows on another server."
_FOREIGN_PARTITION = "One of its partitions is a foreign table, which stores its rows on another server."
_OTHER_OWNER = "Another role owns it."


def read_tables(connection: Connection[Any]) -> tuple[SeedTable, ...]:
    """Return every table except partitions, extensions' tables and history tables of migration tools, by name."""
    history_tables = [*catalog_queries.HISTORY_TABLES, *(name.lower() for name in catalog_queries.HISTORY_TABLES)]
    found = connection.execute(catalog_queries.TABLES, (list(OWN_SCHEMAS), history_tables)).fetchall()
    oids = [oid for oid, *_ in found]
    types = _Types(connection)
    columns = _columns(connection, oids, types)
    checks = _checks(connection, oids)
    uniques = _uniques(connection, oids)
    foreign_keys = _foreign_keys(connection, oids)
    hooks: dict[int, list[InsertHook]] = defaultdict(list)
    for oid, disable, restore in connection.execute(catalog_queries.INSERT_HOOKS, (oids,)).fetchall():
        hooks[oid].append(InsertHook(disable=disable, restore=restore))
    tables = []
    for oid, schema, relation, name, kind, is_owned, has_foreign_partition in found:
        reason = _unseedable_reason(kind, is_owned=is_owned, has_foreign_partition=has_foreign_partition)
        tables.append(
            SeedTable(
                oid=oid,
                schema=schema,
                relation=relation,
                name=name,
                columns=tuple(columns[oid]),
                checks=tuple(checks[oid]),
                uniques=tuple(uniques[oid]),
                foreign_keys=tuple(foreign_keys[oid]),
                hooks=tuple(hooks[oid]),
                unseedable_reason=reason,
                existing=0 if reason else count_rows(connection, schema, relation),
            )
        )
    return tuple(tables)


def _unseedable_reason(kind: str, *, is_owned: bool, has_foreign_partition: bool) -> str | None:
    if kind == "f":
        return _FOREIGN_TABLE
    if has_foreign_partition:
        return _FOREIGN_PARTITION
    return None if is_owned else _OTHER_OWNER


def count_rows(connection: Connection[Any], schema: str, relation: str) -> int:
    """Return the number of rows of a table."""
    row = connection.execute(sql.SQL("select count(*) from {}").format(sql.Identifier(schema, relation))).fetchone()
    return int(row[0]) if row else 0


class _Types:
    """The types of the database, read once."""

    def __init__(self, connection: Connection[Any]) -> None:
        self._connection = connection
        self._rows = {row[0]: row[1:] for row in connection.execute(catalog_queries.TYPES).fetchall()}
        self._names: dict[tuple[int, int], str] = {}

    def read_names(self, wanted: Iterable[tuple[int, int]]) -> None:
        """Read the SQL names of these types, given as OID and modifier, in one query."""
        pairs = sorted({self._base_of(oid, modifier)[:2] for oid, modifier in wanted})
        arguments = [oid for oid, _ in pairs], [modifier for _, modifier in pairs]
        for oid, modifier, text in self._connection.execute(catalog_queries.TYPE_NAMES, arguments).fetchall():
            self._names[oid, modifier] = text

    def resolve(self, oid: int, modifier: int) -> tuple[Type, bool]:
        """Return a type, and whether its domains allow NULL."""
        base, modifier, conditions, nullable = self._base_of(oid, modifier)
        if base not in self._rows:
            return Type(name="unknown", declared="text", kind="?"), nullable
        name, kind, is_array, element, _, _, _, plain, labels, fields, _ = self._rows[base]
        declared = self._names.get((base, modifier), plain)
        sizes = re.search(r"\((\d+)(?:,(-?\d+))?\)", declared)
        inner = (
            self.resolve(element, modifier if is_array else -1)[0] if element and (is_array or kind in "rm") else None
        )
        return (
            Type(
                name=name,
                declared=declared,
                kind=kind,
                labels=tuple(labels),
                element=inner,
                fields=fields,
                sizes=tuple(int(size) for size in sizes.groups() if size) if sizes else (),
                conditions=conditions,
            ),
            nullable,
        )

    def _base_of(self, oid: int, modifier: int) -> tuple[int, int, tuple[str, ...], bool]:
        conditions: tuple[str, ...] = ()
        nullable = True
        while oid in self._rows and self._rows[oid][1] == "d":
            _, _, _, _, base, base_modifier, not_null, _, _, _, checks = self._rows[oid]
            conditions += tuple(checks)
            nullable = nullable and not not_null
            oid, modifier = base, base_modifier
        return oid, modifier, conditions, nullable


def _columns(connection: Connection[Any], oids: list[int], types: _Types) -> Mapping[int, list[SeedColumn]]:
    found: dict[int, list[SeedColumn]] = defaultdict(list)
    rows = connection.execute(catalog_queries.COLUMNS, (oids,)).fetchall()
    types.read_names((row[2], row[3]) for row in rows)
    for oid, name, type_oid, modifier, not_null, default in rows:
        type_, nullable = types.resolve(type_oid, modifier)
        found[oid].append(SeedColumn(name=name, type=type_, nullable=nullable and not not_null, default=default))
    return found


def _checks(connection: Connection[Any], oids: list[int]) -> Mapping[int, list[Check]]:
    found: dict[int, list[Check]] = defaultdict(list)
    for oid, names, expression in connection.execute(catalog_queries.CHECKS, (oids,)).fetchall():
        found[oid].append(Check(columns=frozenset(names), expression=expression))
    leaves: dict[int, list[str | None]] = defaultdict(list)
    keys: dict[int, tuple[list[str], bool]] = {}
    for oid, condition, names, computed in connection.execute(catalog_queries.LEAF_PARTITIONS, (oids,)).fetchall():
        leaves[oid].append(condition)
        keys[oid] = (names, computed)
    for oid, conditions in leaves.items():
        names, computed = keys[oid]
        # an only partition that is the default one accepts every row; a key that is an expression is left to the server
        if names and not computed and all(conditions):
            any_partition = " or ".join(f"({condition})" for condition in conditions)
            found[oid].append(Check(columns=frozenset(names), expression=any_partition))
    return found


def _uniques(connection: Connection[Any], oids: list[int]) -> Mapping[int, list[Unique]]:
    found: dict[int, list[Unique]] = defaultdict(list)
    has_option = connection.info.server_version >= _NULLS_DISTINCT
    query = catalog_queries.UNIQUES.format(nulls_distinct="not i.indnullsnotdistinct" if has_option else "true")
    for oid, names, nulls_distinct in connection.execute(query.encode(), (oids,)).fetchall():
        if names:
            found[oid].append(Unique(columns=tuple(names), nulls_distinct=nulls_distinct))
    return found


def _foreign_keys(connection: Connection[Any], oids: list[int]) -> Mapping[int, list[SeedForeignKey]]:
    found: dict[int, list[SeedForeignKey]] = defaultdict(list)
    for oid, names, target, keys in connection.execute(catalog_queries.FOREIGN_KEYS, (oids,)).fetchall():
        found[oid].append(SeedForeignKey(columns=tuple(names), target=target, keys=tuple(keys)))
    return found
