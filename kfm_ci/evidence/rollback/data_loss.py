"""What rolling back costs, in sentences, and what of a difference is a loss."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass

from kfm_ci.postgres import catalog
from kfm_ci.postgres.catalog import Catalog, Identity
from kfm_ci.postgres.data_checksums import Content, TableDifference, compare

Shifts = dict[tuple[str, str], tuple[int, int, int] | None]
"""By table and column: by how much checksum, nulls and elements moved (None: gone); by table and "": by how many rows."""

UNMOVED = (0, 0, 0)
SEQUENCE = "sequence"


@dataclass(frozen=True, slots=True, kw_only=True)
class DataLoss:
    """Rows that existed before and are not as they were."""

    sentence: str
    names: tuple[str, ...]
    """What it is about: kind and identity."""


@dataclass(frozen=True, slots=True, kw_only=True)
class DataLosses:
    """How rows differ from before the migration."""

    errors: tuple[DataLoss, ...] = ()
    notes: tuple[str, ...] = ()
    """What stays behind and harms no row of before."""
    unread: tuple[str, ...] = ()
    """Tables of which nothing is known."""


def foresee(before: Catalog, after: Catalog, *, now: Catalog) -> tuple[str, ...]:
    """Return what is lost of rows written since: what the migration added and its way back took away (``now``).

    What only goes by its old name again is not lost.
    """
    left, kept = dict(now.entries), {relation.oid: relation for relation in now.relations.values()}
    difference = catalog.fold(catalog.diff(before, after), before=before, after=after)
    sentences: list[str] = []
    for name in difference.added:
        kind, _, identity = name.partition(" ")
        if name in left or _kept(kind, identity, after, kept):
            continue
        if kind == "table":
            sentences.append(f"rolling back loses every row of {identity}")
        elif kind == "column":
            sentences.append(f"rolling back loses {identity} for rows written since")
        elif name.startswith("materialized view "):
            sentences.append(f"rolling back loses the stored result of {name}")
    return tuple(sentences)


def _kept(kind: str, identity: str, after: Catalog, kept: Mapping[int, Identity]) -> bool:
    """Whether a table or column that the migration brought is still there under another name."""
    if kind == "table":
        return identity in after.relations and after.relations[identity].oid in kept
    if kind != "column":
        return False
    for table, relation in after.relations.items():
        number = relation.columns.get(identity.removeprefix(f"{table}."))
        if number is not None and identity.startswith(f"{table}."):
            return relation.oid in kept and number in kept[relation.oid].columns.values()
    return False


def unrecoverable(before: Catalog, after: Catalog) -> tuple[str, ...]:
    """Return what a migration took away, when nothing that could be run brings it back."""
    difference = catalog.fold(catalog.diff(before, after), before=before, after=after)
    return tuple(f"{name} does not come back by itself" for name in difference.removed)


def judge(before: Content, after: Content, *, known: Shifts, parents: Mapping[str, str]) -> DataLosses:
    """Return how the rows of before fared; ``known`` is what later migrations shifted already, and is brought up to now.

    Checksums add up, so what one migration left different can be taken off before the next is judged. A sequence goes
    with the table that owns it, as ``parents`` tell: where rows of that are lost it is not told as well.
    """
    difference = compare(before, after)
    shifts = _shifts(before, after)
    errors: list[DataLoss] = []
    notes: list[str] = []
    for table in difference.tables:
        told = any(name == table.name and shift != UNMOVED for (name, _), shift in known.items())
        moved = [item for item in shifts if item[0] == table.name and shifts[item] != known.get(item, UNMOVED)]
        if told and not moved:
            continue
        columns = tuple(column for _, column in moved if column)
        grown = _rows_of(shifts, table.name) - _rows_of(known, table.name)
        if table.lost == 0:
            if grown > 0:
                notes.append(f"rolling back leaves {_rows(grown)} in {table.name} that the migration wrote")
        elif table.lost is not None and grown == 0 and _filled(table, columns, shifts, known):
            filled = ", ".join(f"{table.name}.{column}" for column in columns)
            notes.append(f"rolling back leaves {filled} filled in {_rows(table.lost)}")
        elif table.lost is not None and grown == 0 and _shuffled(table, columns, shifts, known):
            names_of = ", ".join(f"{table.name}.{column}" for column in columns)
            notes.append(f"rolling back leaves the elements of {names_of} in another order in {_rows(table.lost)}")
        else:
            lost = [f"table {table.name}"] if table.missing or not columns else []
            lost += [] if table.missing else [f"column {table.name}.{column}" for column in columns]
            errors.append(DataLoss(sentence=_describe(table, columns, gone=-grown), names=tuple(lost)))
    told_of = {name for loss in errors for name in loss.names}
    there = {sequence.name for sequence in after.sequences}
    for sequence in difference.sequences:
        if (sequence, SEQUENCE) in known:
            continue
        shifts[sequence, SEQUENCE] = None
        name = f"sequence {sequence}"
        owner = parents.get(name, "")
        if told_of.isdisjoint({owner, parents.get(owner, "")}):
            went = "went backwards" if sequence in there else "is gone"
            errors.append(DataLoss(sentence=f"{name} {went}", names=(name,)))
    known.update(shifts)
    return DataLosses(errors=tuple(errors), notes=tuple(notes), unread=difference.unread)


def _shifts(before: Content, after: Content) -> Shifts:
    tables = {table.name: table for table in after.tables}
    shifts: Shifts = {}
    for table in before.tables:
        now = tables.get(table.name)
        shifts[table.name, ""] = None if now is None else (now.rows - table.rows, 0, 0)
        columns = {} if now is None else {column.name: column for column in now.columns}
        for column in table.columns:
            later = columns.get(column.name)
            shifts[table.name, column.name] = (
                None
                if later is None
                else (later.checksum - column.checksum, later.nulls - column.nulls, later.elements - column.elements)
            )
    return shifts


def _rows_of(shifts: Shifts, table: str) -> int:
    shift = shifts.get((table, ""), UNMOVED)
    return 0 if shift is None else shift[0]


def _filled(table: TableDifference, columns: tuple[str, ...], shifts: Shifts, known: Shifts) -> bool:
    """Whether all that happened is that nulls got a value: as many fewer nulls as rows that differ."""
    for column in columns:
        now, then = shifts[table.name, column], known.get((table.name, column), UNMOVED)
        if now is None or then is None or then[1] - now[1] != table.lost:
            return False
    return bool(columns)


def _shuffled(table: TableDifference, columns: tuple[str, ...], shifts: Shifts, known: Shifts) -> bool:
    """Whether all that happened is that elements of arrays in JSON, such as permissions, changed places."""
    for column in columns:
        now, then = shifts[table.name, column], known.get((table.name, column), UNMOVED)
        if now is None or then is None or now[1:] != then[1:]:
            return False
    return bool(columns)


def _describe(table: TableDifference, columns: tuple[str, ...], *, gone: int) -> str:
    if table.missing:
        return (
            f"all {_rows(table.lost)} of {table.name} are lost"
            if table.lost != 1
            else f"the row of {table.name} is lost"
        )
    if gone > 0:
        return f"{_rows(gone)} of {table.name} {'is' if gone == 1 else 'are'} lost"
    names = ", ".join(f"{table.name}.{column}" for column in columns) or table.name
    inside = [part for column, parts in table.inside if column in columns for part in parts]
    where = f" ({listed(tuple(inside), 3)})" if inside else ""
    return f"{names} differs from before in {_rows(table.lost)}{where}"


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
