"""Rows from column groups: duplicates and NULLs where the constraints allow them, several rows for one parent."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from random import Random

from kfm_ci.evidence.seed.column_groups import ColumnGroup
from kfm_ci.evidence.seed.model import SeedTable, Tuple, Unique, Value

Row = dict[str, Value]

_TRIES = 60


def compose_rows(table: SeedTable, groups: Sequence[ColumnGroup], rng: Random, *, rows: int) -> list[Row]:
    """Return up to ``rows`` rows that satisfy the unique constraints together.

    The first two differ only in their keys; the third has NULL in every nullable column; the others have each value
    once.
    """
    sequences = [_sequence(group, rng, rows) for group in groups]
    composed: list[Row] = []
    for number in range(rows):
        row: Row = {}
        for sequence in sequences:
            row.update(sequence[number])
        distinct = _distinct(row, composed, table.uniques, groups, rng)
        if distinct is not None:
            composed.append(distinct)
    return composed


def redraw_row(table: SeedTable, groups: Sequence[ColumnGroup], rng: Random, existing: Sequence[Row]) -> Row | None:
    """Return a random row that satisfies the unique constraints beside the existing ones; None if none was found."""
    row: Row = {}
    for group in groups:
        row.update(rng.choice(group))
    return _distinct(row, existing, table.uniques, groups, rng)


def _sequence(group: ColumnGroup, rng: Random, rows: int) -> list[Tuple]:
    def nulls(item: Tuple) -> int:
        return sum(value is None for value in item.values())

    fewest_nulls, most_nulls = min(group, key=nulls), max(group, key=nulls)
    # one row has NULL in all columns; in another one each column is NULL alone
    null_in = [next((item for item in group if item[name] is None), None) for name in group[0]]
    first = [item for number, item in enumerate(null_in) if item is not None and item not in null_in[:number]]
    others = [item for item in group if item is not fewest_nulls and item not in first]
    room = max(rows - 3, 1)
    rest = [*first, *others[: max(room - len(first), 0)]][:room] or [fewest_nulls]
    rng.shuffle(rest)
    varied = (rest[number % len(rest)] for number in range(max(rows - 3, 0)))
    return [fewest_nulls, fewest_nulls, most_nulls, *varied][:rows]


def _distinct(
    row: Row, existing: Sequence[Row], uniques: Iterable[Unique], groups: Sequence[ColumnGroup], rng: Random
) -> Row | None:
    """Return the row with other values where it violates a unique constraint; None if that does not help."""
    for attempt in range(_TRIES):
        violated = next((unique for unique in uniques if any(_collide(unique, row, other) for other in existing)), None)
        if violated is None:
            return row
        touching = [group for group in groups if not set(violated.columns).isdisjoint(group[0])]
        if not touching:
            return None
        # the group with most candidates is redrawn first: a primary key rather than a foreign key
        touching.sort(key=len, reverse=True)
        group = touching[0] if attempt < _TRIES // 2 else rng.choice(touching)
        index = (len(existing) + attempt) % len(group) if attempt < _TRIES // 2 else rng.randrange(len(group))
        row = {**row, **group[index]}
    return None


def _collide(unique: Unique, row: Row, other: Row) -> bool:
    own = [row.get(name) for name in unique.columns]
    if None in own and unique.nulls_distinct:
        return False
    return own == [other.get(name) for name in unique.columns]
