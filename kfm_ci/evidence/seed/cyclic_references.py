"""References within a circle of tables, or of a table to itself: set among rows that are not written yet."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from kfm_ci.evidence.seed.model import SeedForeignKey, SeedTable
from kfm_ci.evidence.seed.rows import Row


def tie(
    tables: Sequence[SeedTable], planned: Mapping[int, Sequence[Row]], *, orphans: bool = True
) -> dict[int, list[Row]]:
    """Return the planned rows with every key to a table of the circle set, where a row to refer to is planned.

    The first row of a table that refers to itself stays without a parent where it may, and with ``orphans`` the last
    of one that refers to another; the server checks keys at the end of a statement, so one may refer to a row that
    comes later, or to itself.
    """
    tied = {oid: [dict(row) for row in rows] for oid, rows in planned.items()}
    for table in tables:
        fixed = {name for key in table.foreign_keys if key.target not in planned for name in key.columns}
        for key in table.foreign_keys:
            if key.target in planned:
                _tie(table, key, tied, fixed, orphans=orphans)
                fixed.update(key.columns)
    return tied


def _tie(
    table: SeedTable, key: SeedForeignKey, tied: Mapping[int, list[Row]], fixed: set[str], *, orphans: bool
) -> None:
    nullable = {column.name for column in table.columns if column.nullable} & set(key.columns) - fixed
    unique = any(set(item.columns) <= set(key.columns) for item in table.uniques)
    own = key.target == table.oid
    for number, row in enumerate(tied[table.oid]):
        if nullable and (number == 0 if own else orphans and 0 < number == len(tied[table.oid]) - 1):
            continue
        candidates = tied[key.target]
        if own:
            candidates = [*candidates[:number], row] if not nullable else candidates[:number]
        start = number if unique else number // 3
        turned = [*candidates[start % len(candidates) :], *candidates[: start % len(candidates)]] if candidates else []
        pairs = list(zip(key.columns, key.keys, strict=True))
        for parent in turned:
            agreeing = all(row.get(mine) == parent.get(theirs) for mine, theirs in pairs if mine in fixed)
            if agreeing and all(parent.get(theirs) is not None for _, theirs in pairs):
                row.update({mine: parent.get(theirs) for mine, theirs in pairs if mine not in fixed})
                break
