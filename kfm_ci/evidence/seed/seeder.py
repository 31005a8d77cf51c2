"""The sentence: read the tables, order them, think up rows, write them, say what could not be."""

from __future__ import annotations

import time
from collections.abc import Collection, Mapping, Sequence
from dataclasses import replace
from random import Random
from typing import Any

from psycopg import Connection, Error, sql

from kfm_ci.evidence.model import Seeding
from kfm_ci.evidence.seed.column_groups import Obstacle, Relation, relations
from kfm_ci.evidence.seed.cyclic_references import tie
from kfm_ci.evidence.seed.dependency_order import groups
from kfm_ci.evidence.seed.insertion import at_rest, singly, together
from kfm_ci.evidence.seed.model import SeedTable, Unique
from kfm_ci.evidence.seed.rows import Row, compose, redraw
from kfm_ci.evidence.seed.schema_reader import count, read
from kfm_ci.evidence.seed.server_checks import ServerChecks
from kfm_ci.postgres.catalog import SETTINGS

BUDGET_S = 20.0
"""Seconds after which the tables that remain are listed as not seeded."""
_STATEMENT_MS = 2_000
_PARENTS = 12
"""Rows of a table that others may refer to."""


def sow(
    connection: Connection[Any],
    *,
    seed: int,
    rows: int,
    tame: Mapping[str, frozenset[str]] | None = None,
    without: Collection[str] = (),
    budget_s: float = BUDGET_S,
) -> Seeding:
    """Give every empty table of the connected database a few synthetic rows that obey its constraints.

    The same seed and schema give the same rows. Rows that migrations wrote stay alone in their table. ``tame`` names,
    by table, columns that hold nothing unusual; ``without`` names tables that are left empty. Nothing fires: triggers
    and rules of a table rest while it is written, with the privileges of its owner, and are then as they were.
    """
    field = _Field(connection, seed=seed, rows=rows, tame=tame or {}, without=frozenset(without), budget_s=budget_s)
    return field.sow()


class _Field:
    """One seeding under way."""

    def __init__(
        self,
        connection: Connection[Any],
        *,
        seed: int,
        rows: int,
        tame: Mapping[str, frozenset[str]],
        without: frozenset[str],
        budget_s: float,
    ) -> None:
        self._connection = connection
        self._seed = seed
        self._rows = rows
        self._tame = tame
        self._without = without
        self._until = time.monotonic() + budget_s
        self._keys: dict[int, tuple[str, ...]] = {}
        self._parents: dict[int, list[dict[str, str]]] = {}
        self._sown: dict[str, int] = {}
        self._left: dict[str, str] = {}
        self._kept: dict[str, int] = {}

    def sow(self) -> Seeding:
        with self._connection.transaction(force_rollback=True):
            self._connection.execute(SETTINGS)
            tables = [_tamed(table, self._tame.get(table.name, frozenset())) for table in read(self._connection)]
        self._keys = _referenced(tables)
        for group in groups(tables):
            empty = [table for table in group if self._wanted(table)]
            try:
                if empty:
                    self._plant(empty)
            except (Error, Obstacle) as error:
                self._left.update({table.name: _reason(error) for table in empty})
            for table in group:
                if table not in empty:
                    self._harvest(table)
        if self._connection.info.server_version >= 150_000:
            # What was done here must not be counted for whoever is observed next.
            self._connection.execute("select pg_stat_force_next_flush()")
        return Seeding(
            seed=self._seed,
            tables=tuple(sorted(self._sown.items())),
            unseeded=tuple(sorted(self._left.items())),
            kept=tuple(sorted(self._kept.items())),
        )

    def _wanted(self, table: SeedTable) -> bool:
        if table.existing:
            self._kept[table.name] = table.existing
        elif table.obstacle:
            self._left[table.name] = table.obstacle
        elif time.monotonic() > self._until:
            self._left[table.name] = "there was no time left"
        else:
            return table.name not in self._without
        return False

    def _plant(self, tables: Sequence[SeedTable]) -> None:
        circle = frozenset(table.oid for table in tables)
        with self._connection.transaction():
            self._connection.execute(f"set local statement_timeout = {_STATEMENT_MS}")
            self._connection.execute("set constraints all deferred")
            oracle = ServerChecks(self._connection)
            drawn: dict[int, list[Relation]] = {}
            planned: dict[int, list[Row]] = {}
            for table in tables:
                drawn[table.oid] = relations(
                    table,
                    self._parents,
                    oracle,
                    self._dice(table),
                    rows=self._rows,
                    circle=circle,
                    tame=self._tame.get(table.name, frozenset()),
                )
                planned[table.oid] = compose(table, drawn[table.oid], self._dice(table), rows=self._rows)
            with at_rest(self._connection, tables):
                refusal = self._write(tables, planned, drawn)
                # Before row security hides them again.
                for table in tables:
                    number = count(self._connection, table.schema, table.relation)
                    if number:
                        self._sown[table.name] = number
                    else:
                        self._left[table.name] = refusal or "no row was found that obeys its constraints"
                    self._harvest(table)

    def _write(
        self, tables: Sequence[SeedTable], planned: Mapping[int, list[Row]], drawn: Mapping[int, list[Relation]]
    ) -> str | None:
        # A check may forbid what a column allows.
        tied, bound = tie(tables, planned), tie(tables, planned, orphans=False)
        lone = {oid: rows[:1] for oid, rows in tied.items()}
        refusal = None
        for attempt in (tied, bound, planned, lone) if len(tables) > 1 or tied != planned else (tied,):
            try:
                together(self._connection, tables, attempt)
            except Error as error:
                refusal = _reason(error)
            else:
                return None
        for table in tables:
            dice = self._dice(table)

            def another(written: Sequence[Row], table: SeedTable = table, dice: Random = dice) -> Row | None:
                return redraw(table, drawn[table.oid], dice, written)

            rows = tied[table.oid] if len(tables) == 1 else planned[table.oid]
            refusal = singly(self._connection, table, rows, another) or refusal
        return refusal

    def _harvest(self, table: SeedTable) -> None:
        """Remember keys that are really there, for those who refer to them."""
        names = self._keys.get(table.oid, ())
        if not names or table.obstacle:
            return
        columns = sql.SQL(", ").join(sql.SQL("{}::text").format(sql.Identifier(name)) for name in names)
        query = sql.SQL("select {} from {} order by 1 limit {}").format(
            columns, sql.Identifier(table.schema, table.relation), sql.Literal(_PARENTS)
        )
        found = self._connection.execute(query).fetchall()
        self._parents[table.oid] = [dict(zip(names, row, strict=True)) for row in found if None not in row]

    def _dice(self, table: SeedTable) -> Random:
        return Random(f"{self._seed} {table.name}")  # noqa: S311 - reproducible, not secret


def _referenced(tables: Sequence[SeedTable]) -> dict[int, tuple[str, ...]]:
    found: dict[int, dict[str, None]] = {}
    for table in tables:
        for key in table.foreign_keys:
            found.setdefault(key.target, {}).update(dict.fromkeys(key.keys))
    return {oid: tuple(names) for oid, names in found.items()}


def _tamed(table: SeedTable, names: frozenset[str]) -> SeedTable:
    """Return the table as if these columns were keys of their own."""
    columns = (replace(column, nullable=column.nullable and column.name not in names) for column in table.columns)
    alone = (Unique(columns=(name,)) for name in sorted(names))
    return replace(table, columns=tuple(columns), uniques=(*table.uniques, *alone))


def _reason(error: Exception) -> str:
    if isinstance(error, Error):
        return (error.diag.message_primary or type(error).__name__)[:300]
    return str(error)
