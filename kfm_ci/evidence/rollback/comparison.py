"""The state after a rollback, compared with the state before the migration."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field, replace

from kfm_ci.evidence.rollback.data_loss import UNCHANGED, DataLosses, RowDeltas, compare_rows
from kfm_ci.evidence.rollback.equivalence import equivalent_objects, reordered_tables
from kfm_ci.evidence.rollback.model import State
from kfm_ci.postgres import catalog
from kfm_ci.postgres.catalog import Catalog, Difference


@dataclass(frozen=True, slots=True, kw_only=True)
class KnownDifferences:
    """Differences left by rollbacks so far; each was compared for a later migration and is not reported again."""

    objects: Mapping[str, str | None] = field(default_factory=dict)
    """Objects that were not restored, with their definition now (None: missing)."""
    column_orders: Mapping[str, tuple[str, ...]] = field(default_factory=dict)
    """By table, the order of its columns."""
    rows: RowDeltas = field(default_factory=dict)

    @property
    def is_empty(self) -> bool:
        """Whether all rollbacks so far restored everything."""
        return not (self.objects or self.column_orders or any(delta != UNCHANGED for delta in self.rows.values()))

    def subtract(self, difference: Difference, now: Catalog) -> Difference:
        """Return the difference without the objects that are still as they were left."""
        definitions = dict(now.entries)
        return select(difference, lambda name: name not in self.objects or definitions.get(name) != self.objects[name])

    def with_objects(self, difference: Difference, now: Catalog) -> KnownDifferences:
        """Return these differences and the objects of another one."""
        definitions = dict(now.entries)
        return replace(self, objects={**self.objects, **{name: definitions.get(name) for name in difference.names}})


@dataclass(frozen=True, slots=True, kw_only=True)
class Comparison:
    """How a state differs from the one before the migration, without the known differences."""

    difference: Difference
    losses: DataLosses
    column_orders: Mapping[str, tuple[str, ...]]
    """Tables whose columns are in a different order, with that order."""
    known: KnownDifferences
    """The known differences, and these."""


def compare(before: State, now: State, known: KnownDifferences) -> Comparison:
    """Return how schema, rows and the order of columns differ from before."""
    difference = compare_schemas(before.catalog, now.catalog, known)
    losses = compare_rows(before.content, now.content, known=known.rows, parents=before.catalog.parents)
    orders = {
        name: tuple(now.catalog.relations[name].columns) for name in reordered_tables(before.catalog, now.catalog)
    }
    new_orders = {name: order for name, order in orders.items() if known.column_orders.get(name) != order}
    return Comparison(
        difference=difference,
        losses=losses,
        column_orders=new_orders,
        known=replace(
            known.with_objects(difference, now.catalog),
            column_orders={**known.column_orders, **new_orders},
            rows=losses.deltas,
        ),
    )


def compare_schemas(before: Catalog, now: Catalog, known: KnownDifferences) -> Difference:
    """Return the objects that differ, without the known ones and those that differ in form only."""
    difference = known.subtract(catalog.without_timestamps(catalog.diff(before, now)), now)
    equivalent = equivalent_objects(difference, before=before, now=now)
    return select(difference, lambda name: name not in equivalent)


def select(difference: Difference, condition: Callable[[str], bool]) -> Difference:
    """Return the part of a difference whose objects satisfy a condition on their names."""
    return Difference(
        added=tuple(name for name in difference.added if condition(name)),
        changed=tuple(change for change in difference.changed if condition(change[0])),
        removed=tuple(name for name in difference.removed if condition(name)),
    )


def can_differ(table: str, state: State, changed: frozenset[int] | None) -> bool:
    """Whether rows of a table can differ from a state, when only those of ``changed`` relations (None: any) can."""
    relation = state.catalog.relations.get(table)
    return changed is None or relation is None or relation.oid in changed


def union(touched: Iterable[frozenset[int] | None]) -> frozenset[int] | None:
    """Return all relations whose rows may have changed; None: any may."""
    every: frozenset[int] = frozenset()
    for relations in touched:
        if relations is None:
            return None
        every |= relations
    return every
