"""Rows from relations: twins where nothing forbids them, NULLs where they may be, several rows for a parent."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from random import Random

from kfm_ci.evidence.seed.column_groups import Relation
from kfm_ci.evidence.seed.model import SeedTable, Tuple, Unique, Value

Row = dict[str, Value]

_TRIES = 60


def compose(table: SeedTable, relations: Sequence[Relation], rng: Random, *, rows: int) -> list[Row]:
    """Return up to that many rows which no unique constraint forbids to stand together.

    The first two are alike but for their keys; the third is as empty as it may be; the rest show each value once.
    """
    plans = [_sequence(relation, rng, rows) for relation in relations]
    made: list[Row] = []
    for number in range(rows):
        row: Row = {}
        for plan in plans:
            row.update(plan[number])
        mended = _apart(row, made, table.uniques, relations, rng)
        if mended is not None:
            made.append(mended)
    return made


def redraw(table: SeedTable, relations: Sequence[Relation], rng: Random, made: Sequence[Row]) -> Row | None:
    """Return another row at random that can stand beside those made; None when none was found."""
    row: Row = {}
    for relation in relations:
        row.update(rng.choice(relation))
    return _apart(row, made, table.uniques, relations, rng)


def _sequence(relation: Relation, rng: Random, rows: int) -> list[Tuple]:
    def empty(item: Tuple) -> int:
        return sum(value is None for value in item.values())

    fullest, emptiest = min(relation, key=empty), max(relation, key=empty)
    # Columns are empty together in one row, and each once more by itself.
    lacking = [next((item for item in relation if item[name] is None), None) for name in relation[0]]
    first = [item for number, item in enumerate(lacking) if item is not None and item not in lacking[:number]]
    others = [item for item in relation if item is not fullest and item not in first]
    room = max(rows - 3, 1)
    rest = [*first, *others[: max(room - len(first), 0)]][:room] or [fullest]
    rng.shuffle(rest)
    return [fullest, fullest, emptiest, *(rest[number % len(rest)] for number in range(max(rows - 3, 0)))][:rows]


def _apart(
    row: Row, made: Sequence[Row], uniques: Iterable[Unique], relations: Sequence[Relation], rng: Random
) -> Row | None:
    for attempt in range(_TRIES):
        clash = next((unique for unique in uniques if any(_clashes(unique, row, other) for other in made)), None)
        if clash is None:
            return row
        touching = [relation for relation in relations if not set(clash.columns).isdisjoint(relation[0])]
        if not touching:
            return None
        # What offers most is drawn anew first: keys rather than parents.
        touching.sort(key=len, reverse=True)
        relation = touching[0] if attempt < _TRIES // 2 else rng.choice(touching)
        step = (len(made) + attempt) % len(relation) if attempt < _TRIES // 2 else rng.randrange(len(relation))
        row = {**row, **relation[step]}
    return None


def _clashes(unique: Unique, row: Row, other: Row) -> bool:
    own = [row.get(name) for name in unique.columns]
    if None in own and unique.nulls_distinct:
        return False
    return own == [other.get(name) for name in unique.columns]
