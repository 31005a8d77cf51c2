"""The order in which tables are seeded: referenced tables first, tables with cyclic foreign keys together."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from graphlib import CycleError, TopologicalSorter

from kfm_ci.evidence.seed.model import SeedTable


def group_tables(tables: Iterable[SeedTable]) -> Iterator[tuple[SeedTable, ...]]:
    """Yield the tables in groups, each after all that it references; several in a group have cyclic foreign keys."""
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
        except CycleError as cycle:
            merged = frozenset().union(*cycle.args[1])
            group.update(dict.fromkeys(merged, merged))
            continue
        break
    for members in ordered:
        yield tuple(sorted((by_oid[oid] for oid in members), key=lambda table: table.name))
