"""The order of tables: parents first; tables that refer to each other in a circle go together."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from graphlib import CycleError, TopologicalSorter

from kfm_ci.evidence.seed.model import SeedTable


def groups(tables: Iterable[SeedTable]) -> Iterator[tuple[SeedTable, ...]]:
    """Yield the tables in groups, each after all that it refers to; a group of several is a circle."""
    by_oid = {table.oid: table for table in tables}
    group = {oid: frozenset({oid}) for oid in by_oid}
    while True:
        edges: dict[frozenset[int], set[frozenset[int]]] = {members: set() for members in group.values()}
        for oid, table in by_oid.items():
            for key in table.foreign_keys:
                if key.target in by_oid and group[key.target] != group[oid]:
                    edges[group[oid]].add(group[key.target])
        try:
            ordered = list(TopologicalSorter(edges).static_order())
        except CycleError as circle:
            merged = frozenset().union(*circle.args[1])
            group.update(dict.fromkeys(merged, merged))
            continue
        break
    for members in ordered:
        yield tuple(sorted((by_oid[oid] for oid in members), key=lambda table: table.name))
