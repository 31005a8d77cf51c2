"""Seeding: read the tables, order them, find candidate values, insert rows, collect keys, report what has no rows."""

from __future__ import annotations

import time
from collections.abc import Collection, Mapping, Sequence
from dataclasses import replace
from random import Random
from typing import Any

from psycopg import Connection, Error, sql

from kfm_ci.evidence.model import Seeding
from kfm_ci.evidence.seed.column_groups import ColumnGroup, Unseedable, find_groups
from kfm_ci.evidence.seed.cyclic_references import set_cyclic_keys
from kfm_ci.evidence.seed.dependency_order import group_tables
from kfm_ci.evidence.seed.insertion import disable_hooks, insert_one_by_one, insert_together
from kfm_ci.evidence.seed.model import SeedTable, Unique
from kfm_ci.evidence.seed.rows import Row, compose_rows, redraw_row
from kfm_ci.evidence.seed.schema_reader import count_rows, read_tables
from kfm_ci.evidence.seed.server_checks import ServerChecks
from kfm_ci.postgres import sequences
from kfm_ci.postgres.catalog import SETTINGS

BUDGET_S = 20.0
"""Seconds after which the remaining tables are reported as not seeded."""
_STATEMENT_TIMEOUT_MS = 2_000
_REFERENCED_ROWS = 12
"""Maximum number of rows of a table that foreign keys may reference."""


def seed_tables(
    connection: Connection[Any],
    *,
    seed: int,
    rows: int,
    restricted: Mapping[str, frozenset[str]] | None = None,
    without: Collection[str] = (),
    budget_s: float = BUDGET_S,
) -> Seeding:
    """Insert a few synthetic rows that satisfy the constraints into every empty table of the connected database.

    The same seed and schema give the same rows. A table with rows of a migration gets no others. ``restricted`` holds,
    by table, the columns that get no unusual values; tables ``without`` rows stay empty. Triggers and rules of a table
    are disabled while its rows are inserted, with the privileges of its owner, and restored afterwards.
    """
    return _Seeder(
        connection,
        seed=seed,
        rows=rows,
        restricted=restricted or {},
        without=frozenset(without),
        deadline=time.monotonic() + budget_s,
    ).run()


class _Seeder:
    """Seeds the tables of one database, and counts the rows."""

    def __init__(
        self,
        connection: Connection[Any],
        *,
        seed: int,
        rows: int,
        restricted: Mapping[str, frozenset[str]],
        without: frozenset[str],
        deadline: float,
    ) -> None:
        self._connection = connection
        self._seed = seed
        self._rows = rows
        self._restricted = restricted
        self._without = without
        self._deadline = deadline
        self._key_columns: dict[int, tuple[str, ...]] = {}
        self._keys: dict[int, list[dict[str, str]]] = {}
        self._seeded: dict[str, int] = {}
        self._unseeded: dict[str, str] = {}
        self._base_rows: dict[str, int] = {}

    def run(self) -> Seeding:
        with self._connection.transaction(force_rollback=True):
            self._connection.execute(SETTINGS)
            tables = [
                _with_distinct_columns(table, self._restricted.get(table.name, frozenset()))
                for table in read_tables(self._connection)
            ]
        self._key_columns = _referenced_columns(tables)
        for group in group_tables(tables):
            empty = [table for table in group if self._is_to_be_seeded(table)]
            try:
                if empty:
                    self._seed_group(empty)
            except (Error, Unseedable) as error:
                self._unseeded.update({table.name: _reason(error) for table in empty})
            for table in group:
                if table not in empty:
                    self._collect_keys(table)
        if self._seeded:
            sequences.advance_unused(self._connection, self._seeded)
        if self._connection.info.server_version >= 150_000:
            # a session reports its counters with a delay: the next observed session must not count these scans
            self._connection.execute("select pg_stat_force_next_flush()")
        return Seeding(
            seed=self._seed,
            tables=tuple(sorted(self._seeded.items())),
            unseeded=tuple(sorted(self._unseeded.items())),
            base_rows=tuple(sorted(self._base_rows.items())),
        )

    def _is_to_be_seeded(self, table: SeedTable) -> bool:
        if table.existing:
            self._base_rows[table.name] = table.existing
        elif table.unseedable_reason:
            self._unseeded[table.name] = table.unseedable_reason
        elif time.monotonic() > self._deadline:
            self._unseeded[table.name] = "The time limit of seeding was reached."
        else:
            return table.name not in self._without
        return False

    def _seed_group(self, tables: Sequence[SeedTable]) -> None:
        cyclic = frozenset(table.oid for table in tables)
        with self._connection.transaction():
            self._connection.execute(f"set local statement_timeout = {_STATEMENT_TIMEOUT_MS}")
            self._connection.execute("set constraints all deferred")
            server = ServerChecks(self._connection)
            groups: dict[int, list[ColumnGroup]] = {}
            planned: dict[int, list[Row]] = {}
            for table in tables:
                groups[table.oid] = find_groups(
                    table,
                    self._keys,
                    server,
                    self._random(table),
                    rows=self._rows,
                    cyclic=cyclic,
                    restricted=self._restricted.get(table.name, frozenset()),
                )
                planned[table.oid] = compose_rows(table, groups[table.oid], self._random(table), rows=self._rows)
            with disable_hooks(self._connection, tables):
                message = self._insert(tables, planned, groups)
                # counted here, because forced row security hides the rows from the owner once it is restored
                for table in tables:
                    number = count_rows(self._connection, table.schema, table.relation)
                    if number:
                        self._seeded[table.name] = number
                    else:
                        self._unseeded[table.name] = message or "No row was found that satisfies its constraints."
                    self._collect_keys(table)

    def _insert(
        self, tables: Sequence[SeedTable], planned: Mapping[int, list[Row]], groups: Mapping[int, list[ColumnGroup]]
    ) -> str | None:
        """Insert the planned rows, or as many of them as the server accepts; return the server's last error."""
        with_orphans, without_orphans = (
            set_cyclic_keys(tables, planned),
            set_cyclic_keys(tables, planned, orphans=False),
        )
        one_row_each = {oid: rows[:1] for oid, rows in with_orphans.items()}
        # a check constraint may reject the NULL that a nullable foreign key allows
        attempts = (with_orphans, without_orphans, planned, one_row_each)
        message = None
        for attempt in attempts if len(tables) > 1 or with_orphans != planned else attempts[:1]:
            try:
                insert_together(self._connection, tables, attempt)
            except Error as error:
                message = _reason(error)
            else:
                return None
        for table in tables:
            rng = self._random(table)

            def redraw(inserted: Sequence[Row], table: SeedTable = table, rng: Random = rng) -> Row | None:
                return redraw_row(table, groups[table.oid], rng, inserted)

            rows = with_orphans[table.oid] if len(tables) == 1 else planned[table.oid]
            message = insert_one_by_one(self._connection, table, rows, redraw) or message
        return message

    def _collect_keys(self, table: SeedTable) -> None:
        """Read the keys of a table that foreign keys of other tables may reference."""
        names = self._key_columns.get(table.oid, ())
        if not names or table.unseedable_reason:
            return
        columns = sql.SQL(", ").join(sql.SQL("{}::text").format(sql.Identifier(name)) for name in names)
        query = sql.SQL("select {} from {} order by 1 limit {}").format(
            columns, sql.Identifier(table.schema, table.relation), sql.Literal(_REFERENCED_ROWS)
        )
        found = self._connection.execute(query).fetchall()
        self._keys[table.oid] = [dict(zip(names, row, strict=True)) for row in found if None not in row]

    def _random(self, table: SeedTable) -> Random:
        return Random(f"{self._seed} {table.name}")  # noqa: S311 - reproducible, not secret


def _referenced_columns(tables: Sequence[SeedTable]) -> dict[int, tuple[str, ...]]:
    found: dict[int, dict[str, None]] = {}
    for table in tables:
        for key in table.foreign_keys:
            found.setdefault(key.target, {}).update(dict.fromkeys(key.keys))
    return {oid: tuple(names) for oid, names in found.items()}


def _with_distinct_columns(table: SeedTable, names: frozenset[str]) -> SeedTable:
    """Return the table as if each of these columns were NOT NULL and UNIQUE."""
    columns = (replace(column, nullable=column.nullable and column.name not in names) for column in table.columns)
    uniques = (Unique(columns=(name,)) for name in sorted(names))
    return replace(table, columns=tuple(columns), uniques=(*table.uniques, *uniques))


def _reason(error: Exception) -> str:
    if isinstance(error, Error):
        return (error.diag.message_primary or type(error).__name__)[:300]
    return str(error)
