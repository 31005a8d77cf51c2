"""What rolling back costs, in sentences, and what of a difference is a loss."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

from kfm_ci.postgres import catalog
from kfm_ci.postgres.catalog import Catalog
from kfm_ci.postgres.content import Content, TableDifference, compare


@dataclass(frozen=True, slots=True, kw_only=True)
class Losses:
    """How rows differ from before the migration."""

    errors: tuple[str, ...] = ()
    """Rows that existed before and are not as they were."""
    notes: tuple[str, ...] = ()
    """What stays behind and harms no row of before."""
    unread: tuple[str, ...] = ()
    """Tables of which nothing is known."""


def foresee(before: Catalog, after: Catalog, *, now: Catalog) -> tuple[str, ...]:
    """Return what is lost of rows written since: what the migration added and its way back took away (``now``)."""
    left = dict(now.entries)
    difference = catalog.fold(catalog.diff(before, after), before=before, after=after)
    sentences: list[str] = []
    for name in difference.added:
        if name in left:
            continue
        kind, _, identity = name.partition(" ")
        if kind == "table":
            sentences.append(f"rolling back loses every row of {identity}")
        elif kind == "column":
            sentences.append(f"rolling back loses {identity} for rows written since")
        elif name.startswith("materialized view "):
            sentences.append(f"rolling back loses the stored result of {name}")
    return tuple(sentences)


def unrecoverable(before: Catalog, after: Catalog) -> tuple[str, ...]:
    """Return what a migration took away, when nothing that could be run brings it back."""
    difference = catalog.fold(catalog.diff(before, after), before=before, after=after)
    return tuple(f"{name} does not come back by itself" for name in difference.removed)


def judge(before: Content, after: Content, *, known: set[tuple[str, str]]) -> Losses:
    """Return how the rows of before fared; ``known`` are tables and columns already reported, and grows."""
    difference = compare(before, after)
    errors: list[str] = []
    notes: list[str] = []
    for table in difference.tables:
        fresh = _fresh(table, known)
        if not fresh:
            continue
        if table.lost is None or (table.lost and not table.filled):
            errors.append(_describe(table, fresh))
        elif table.filled:
            columns = ", ".join(f"{table.name}.{column}" for column in fresh)
            notes.append(f"rolling back leaves {columns} filled in {_rows(table.lost)}")
        elif table.gained:
            notes.append(f"rolling back leaves {_rows(table.gained)} in {table.name} that the migration wrote")
    for sequence in difference.sequences:
        if (sequence, "") not in known:
            known.add((sequence, ""))
            errors.append(f"sequence {sequence} went backwards or is gone")
    return Losses(errors=tuple(errors), notes=tuple(notes), unread=difference.unread)


def _fresh(table: TableDifference, known: set[tuple[str, str]]) -> tuple[str, ...]:
    if (table.name, "") in known:
        return ()
    # Rows can differ although every column's values are the same: they were swapped, or doubled and thinned out.
    columns = tuple(column for column in table.columns or ("*",) if (table.name, column) not in known)
    known.update((table.name, column) for column in columns)
    if table.missing:
        known.add((table.name, ""))
    return columns


def _describe(table: TableDifference, columns: tuple[str, ...]) -> str:
    if table.missing:
        return f"all {_rows(table.lost)} of {table.name} are lost"
    gone = table.lost is not None and table.gained is not None and table.lost > table.gained
    if gone:
        return f"{_rows((table.lost or 0) - (table.gained or 0))} of {table.name} are lost"
    names = ", ".join(f"{table.name}.{column}" for column in columns if column != "*") or table.name
    return f"{names} differs from before in {_rows(table.lost)}"


def _rows(count: int | None) -> str:
    if count is None:
        return "an unknown number of rows"
    return "1 row" if count == 1 else f"{count} rows"


def listed(sentences: tuple[str, ...], limit: int = 8) -> str:
    """Return sentences as one line, the rest counted."""
    return "; ".join(_shown(sentences, limit))


def _shown(sentences: tuple[str, ...], limit: int) -> Iterator[str]:
    yield from sentences[:limit]
    if len(sentences) > limit:
        yield f"and {len(sentences) - limit} more"
