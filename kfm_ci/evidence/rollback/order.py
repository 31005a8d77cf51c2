"""Columns that stand in another order than before, in tables and in what was made of them by ``*``."""

from __future__ import annotations

from collections.abc import Collection

from kfm_ci.postgres.catalog import Catalog, Difference

_VIEWS = ("view ", "materialized view ")


def moved(before: Catalog, now: Catalog) -> tuple[str, ...]:
    """Return the tables whose columns stand in another order than before, though they are the same."""
    return tuple(
        name for name, relation in before.relations.items()
        if name in now.relations and list(relation.columns) != list(now.relations[name].columns)
        and relation.columns.keys() == now.relations[name].columns.keys()
    )  # fmt: skip


def reordered(difference: Difference, tables: Collection[str]) -> tuple[str, ...]:
    """Return the views that differ in the order of their columns alone, where some tables' columns moved."""
    return tuple(
        name for name, before, after in difference.changed
        if tables and name.startswith(_VIEWS) and _parts(before) == _parts(after)
    )  # fmt: skip


def _parts(definition: str) -> list[str]:
    # The list of columns stands on one line, the query has one on each, the first behind its SELECT.
    return sorted(
        part.strip().removeprefix("SELECT ")
        for line in definition.split("\n")
        for part in line.rstrip(",;").split(", ")
    )
