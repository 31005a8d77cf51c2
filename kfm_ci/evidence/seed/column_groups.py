"""Columns whose values depend on each other: of one foreign key, of overlapping keys, of a check on several columns."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from random import Random

from kfm_ci.evidence.seed import check_literals
from kfm_ci.evidence.seed.candidates import find_candidates, types_of
from kfm_ci.evidence.seed.model import Check, SeedForeignKey, SeedTable, Tuple, Value
from kfm_ci.evidence.seed.server_checks import ServerChecks

ColumnGroup = list[Tuple]
"""Alternative values for the same set of columns, most useful first; never empty."""

ReferencedKeys = Mapping[int, Sequence[Mapping[str, str]]]
"""Keys of the rows that a foreign key may reference, by the table's OID."""

_SAMPLES = 300
"""Combinations of values that are tried against a check on several columns."""
_COMBINED = 60


class Unseedable(Exception):
    """A table can have no synthetic rows; the text is the reason."""


def find_groups(
    table: SeedTable,
    referenced: ReferencedKeys,
    server: ServerChecks,
    rng: Random,
    *,
    rows: int,
    cyclic: frozenset[int],
    restricted: frozenset[str],
) -> list[ColumnGroup]:
    """Return the candidates of a table's columns, one group for each set of columns that depend on each other.

    Foreign keys to ``cyclic`` tables are NULL, or any value where they are NOT NULL: they are set later. ``restricted``
    columns get no unusual values. Raises Unseedable when a column can have no value.
    """
    shared = [check for check in table.checks if len(check.columns) > 1]
    names = {column.name for column in table.columns}
    literals: dict[str, list[str]] = {}
    for check in shared:
        for name in check.columns:
            literals.setdefault(name, []).extend(check_literals.find_candidates(check.expression))
    candidates: dict[str, ColumnGroup] = {
        column.name: find_candidates(
            table,
            column,
            server,
            rows=rows,
            restricted=column.name in restricted,
            extra=literals.get(column.name, ()),
        )
        for column in table.columns
    }
    groups: list[ColumnGroup] = []
    for key in table.foreign_keys:
        if not names.issuperset(key.columns):
            continue
        nullable = [item.name for item in table.columns if item.name in key.columns and item.nullable]
        if key.target in cyclic:
            if nullable:
                groups = _combined(groups, [dict.fromkeys(nullable)])
        else:
            groups = _combined(groups, _references(key, referenced, nullable, candidates))
    covered = {name for group in groups for name in group[0]}
    for name, values in candidates.items():
        if name not in covered:
            if not values:
                raise Unseedable(f"No value was found for column `{name}`.")
            groups.append(values)
    return _checked(table, groups, [check for check in shared if check.columns <= names], server, rng)


def _references(
    key: SeedForeignKey, referenced: ReferencedKeys, nullable: list[str], candidates: Mapping[str, ColumnGroup]
) -> ColumnGroup:
    rows = referenced.get(key.target, ())
    tuples: list[Tuple] = [{own: row[other] for own, other in zip(key.columns, key.keys, strict=True)} for row in rows]
    if nullable:
        rest: dict[str, Value] = (
            dict(tuples[0]) if tuples else {name: candidates[name][0][name] for name in key.columns if candidates[name]}
        )
        tuples.append({**rest, **dict.fromkeys(nullable)})
    if not tuples:
        raise Unseedable("Its foreign key references a table without rows.")
    return tuples


def _combined(groups: list[ColumnGroup], new: ColumnGroup) -> list[ColumnGroup]:
    """Join a group with those that share columns with it, so that one value satisfies all of them."""
    names = set(new[0])
    disjoint = [group for group in groups if names.isdisjoint(group[0])]
    for group in groups:
        if names.isdisjoint(group[0]):
            continue
        common = set(group[0]) & set(new[0])
        joined: ColumnGroup = [
            {**one, **other} for one in group for other in new if all(one[name] == other[name] for name in common)
        ]
        if not joined:
            raise Unseedable("No row satisfies all its foreign keys together.")
        new = joined[:_COMBINED]
    return [*disjoint, new]


def _checked(
    table: SeedTable, groups: list[ColumnGroup], checks: Iterable[Check], server: ServerChecks, rng: Random
) -> list[ColumnGroup]:
    """Join the groups of each check, and keep the combinations that the server accepts."""
    connected: list[tuple[frozenset[str], list[str]]] = []
    for check in checks:
        columns, conditions = check.columns, [check.expression]
        for other in [item for item in connected if item[0] & columns or _share_group(groups, item[0], columns)]:
            connected.remove(other)
            columns, conditions = columns | other[0], [*other[1], *conditions]
        connected.append((columns, conditions))
    for columns, conditions in connected:
        touched = [group for group in groups if not columns.isdisjoint(group[0])]
        literals = frozenset(text for item in conditions for text in check_literals.find_literals(item))
        samples = _sample_rows(touched, literals, rng)
        accepted = server.accept(samples, types_of(table, set(samples[0])), conditions)
        if accepted:
            groups = [*(group for group in groups if group not in touched), accepted]
    return groups


def _share_group(groups: list[ColumnGroup], one: frozenset[str], other: frozenset[str]) -> bool:
    return any(one & set(group[0]) and other & set(group[0]) for group in groups)


def _sample_rows(touched: list[ColumnGroup], literals: frozenset[str], rng: Random) -> ColumnGroup:
    samples: list[Tuple] = []
    likely = [[item for item in group if not literals.isdisjoint(item.values())] or group for group in touched]
    for number in range(max(map(len, touched))):
        samples.append(_merged(group[number % len(group)] for group in touched))
    while len(samples) < _SAMPLES:
        samples.append(_merged(rng.choice(group) for group in (likely if len(samples) % 2 else touched)))
    unique = {tuple(sorted(item.items(), key=lambda pair: pair[0])): item for item in samples}
    return list(unique.values())


def _merged(parts: Iterable[Tuple]) -> Tuple:
    row: dict[str, Value] = {}
    for part in parts:
        row.update(part)
    return row
