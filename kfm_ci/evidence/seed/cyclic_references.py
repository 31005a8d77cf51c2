"""Cyclic foreign keys, also of a table to itself: set among the planned rows, before any is inserted."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from kfm_ci.evidence.seed.model import SeedForeignKey, SeedTable
from kfm_ci.evidence.seed.rows import Row


def set_cyclic_keys(
    tables: Sequence[SeedTable], planned: Mapping[int, Sequence[Row]], *, orphans: bool = True
) -> dict[int, list[Row]]:
    """Return the planned rows with every foreign key to one of these tables set, if a row to reference is planned.

    The first row of a table that references itself keeps NULL where the column allows it; with ``orphans`` so does the
    last row of a table that references another. PostgreSQL checks foreign keys at the end of the statement, so a row
    may reference one that is inserted after it, or itself.
    """
    rows = {oid: [dict(row) for row in planned_rows] for oid, planned_rows in planned.items()}
    for table in tables:
        fixed = {name for key in table.foreign_keys if key.target not in planned for name in key.columns}
        for key in table.foreign_keys:
            if key.target in planned:
                _set_key(table, key, rows, fixed, orphans=orphans)
                fixed.update(key.columns)
    return rows


def _set_key(
    table: SeedTable, key: SeedForeignKey, rows: Mapping[int, list[Row]], fixed: set[str], *, orphans: bool
) -> None:
    nullable = {column.name for column in table.columns if column.nullable} & set(key.columns) - fixed
    unique = any(set(item.columns) <= set(key.columns) for item in table.uniques)
    references_itself = key.target == table.oid
    last = len(rows[table.oid]) - 1
    for number, row in enumerate(rows[table.oid]):
        if nullable and (number == 0 if references_itself else orphans and 0 < number == last):
            continue
        parents = rows[key.target]
        if references_itself:
            parents = [*parents[:number], row] if not nullable else parents[:number]
        start = number if unique else number // 3
        rotated = [*parents[start % len(parents) :], *parents[: start % len(parents)]] if parents else []
        pairs = list(zip(key.columns, key.keys, strict=True))
        for parent in rotated:
            agrees = all(row.get(own) == parent.get(other) for own, other in pairs if own in fixed)
            if agrees and all(parent.get(other) is not None for _, other in pairs):
                row.update({own: parent.get(other) for own, other in pairs if own not in fixed})
                break
