"""What must be drawn together: columns of one foreign key, of keys that overlap, of a condition on several."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from random import Random

from kfm_ci.evidence.seed import check_literals
from kfm_ci.evidence.seed.candidates import pool, types_of
from kfm_ci.evidence.seed.model import Check, SeedForeignKey, SeedTable, Tuple, Value
from kfm_ci.evidence.seed.server_checks import ServerChecks

Relation = list[Tuple]
"""Alternatives for the same set of columns, in order of weight; never empty."""

Parents = Mapping[int, Sequence[Mapping[str, str]]]
"""Rows of tables that others refer to, by OID."""

_SAMPLES = 300
"""Combinations of values that are tried against a condition on several columns."""
_JOINED = 60


class Obstacle(Exception):
    """Why a table can have no rows; the text is a reason for readers."""


def relations(
    table: SeedTable,
    parents: Parents,
    oracle: ServerChecks,
    rng: Random,
    *,
    rows: int,
    circle: frozenset[int],
    tame: frozenset[str],
) -> list[Relation]:
    """Return how to draw a table's rows: one relation for each set of columns that hang together.

    Keys to tables of ``circle`` are left NULL, or any value where they may not be: they are set later. ``tame`` names
    columns that hold nothing unusual. Raises Obstacle when a column can have no value.
    """
    shared = [check for check in table.checks if len(check.columns) > 1]
    names = {column.name for column in table.columns}
    spoken: dict[str, list[str]] = {}
    for check in shared:
        for name in check.columns:
            spoken.setdefault(name, []).extend(check_literals.candidates(check.expression))
    pools: dict[str, Relation] = {
        column.name: pool(table, column, oracle, rows=rows, tame=column.name in tame, extra=spoken.get(column.name, ()))
        for column in table.columns
    }
    found: list[Relation] = []
    for key in table.foreign_keys:
        if not names.issuperset(key.columns):
            continue
        nullable = [item.name for item in table.columns if item.name in key.columns and item.nullable]
        if key.target in circle:
            if nullable:
                found = _joined(found, [dict.fromkeys(nullable)])
        else:
            found = _joined(found, _references(key, parents, nullable, pools))
    covered = {name for relation in found for name in relation[0]}
    for name, values in pools.items():
        if name not in covered:
            if not values:
                raise Obstacle(f"no value was found for column {name}")
            found.append(values)
    return _conditioned(table, found, [check for check in shared if check.columns <= names], oracle, rng)


def _references(key: SeedForeignKey, parents: Parents, nullable: list[str], pools: Mapping[str, Relation]) -> Relation:
    known = parents.get(key.target, ())
    tuples: list[Tuple] = [{own: row[other] for own, other in zip(key.columns, key.keys, strict=True)} for row in known]
    if nullable:
        rest: dict[str, Value] = (
            dict(tuples[0]) if tuples else {name: pools[name][0][name] for name in key.columns if pools[name]}
        )
        tuples.append({**rest, **dict.fromkeys(nullable)})
    if not tuples:
        raise Obstacle("it refers to a table that has no rows")
    return tuples


def _joined(found: list[Relation], new: Relation) -> list[Relation]:
    """Join a relation with those it shares columns with, so that one value serves all of them."""
    names = set(new[0])
    apart = [relation for relation in found if names.isdisjoint(relation[0])]
    for relation in found:
        if names.isdisjoint(relation[0]):
            continue
        common = set(relation[0]) & set(new[0])
        joined: Relation = [
            {**one, **other} for one in relation for other in new if all(one[name] == other[name] for name in common)
        ]
        if not joined:
            raise Obstacle("its foreign keys ask for rows that do not exist together")
        new = joined[:_JOINED]
    return [*apart, new]


def _conditioned(
    table: SeedTable, found: list[Relation], checks: Iterable[Check], oracle: ServerChecks, rng: Random
) -> list[Relation]:
    groups: list[tuple[frozenset[str], list[str]]] = []
    for check in checks:
        columns, conditions = check.columns, [check.expression]
        for other in [group for group in groups if group[0] & columns or _together(found, group[0], columns)]:
            groups.remove(other)
            columns, conditions = columns | other[0], [*other[1], *conditions]
        groups.append((columns, conditions))
    for columns, conditions in groups:
        touched = [relation for relation in found if not columns.isdisjoint(relation[0])]
        samples = _samples(touched, frozenset(text for item in conditions for text in check_literals.spoken(item)), rng)
        kept = oracle.accepted(samples, types_of(table, set(samples[0])), conditions)
        if kept:
            found = [*(relation for relation in found if relation not in touched), kept]
    return found


def _together(found: list[Relation], one: frozenset[str], other: frozenset[str]) -> bool:
    return any(one & set(relation[0]) and other & set(relation[0]) for relation in found)


def _samples(touched: list[Relation], spoken: frozenset[str], rng: Random) -> Relation:
    samples: list[Tuple] = []
    likely = [[item for item in relation if not spoken.isdisjoint(item.values())] or relation for relation in touched]
    for number in range(max(map(len, touched))):
        samples.append(_merged(relation[number % len(relation)] for relation in touched))
    while len(samples) < _SAMPLES:
        samples.append(_merged(rng.choice(relation) for relation in (likely if len(samples) % 2 else touched)))
    unique = {tuple(sorted(item.items(), key=lambda pair: pair[0])): item for item in samples}
    return list(unique.values())


def _merged(parts: Iterable[Tuple]) -> Tuple:
    whole: dict[str, Value] = {}
    for part in parts:
        whole.update(part)
    return whole
