"""Data loss on rollback, in sentences: rows that a rollback loses or changes, and rows that it leaves behind."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field

from kfm_ci.evidence.rollback.difference_text import join_limited
from kfm_ci.postgres import catalog
from kfm_ci.postgres.catalog import Catalog, Identity
from kfm_ci.postgres.data_checksums import Content, TableDifference, compare

RowDelta = tuple[int, int, int]
"""For a column, how checksum, nulls and elements changed; for a table, the number of added rows and twice 0."""

RowDeltas = Mapping[tuple[str, str], RowDelta | None]
"""By table and column, by table and "", and by sequence and ``SEQUENCE``; None: dropped, or a reported sequence."""

UNCHANGED: RowDelta = (0, 0, 0)
SEQUENCE = "sequence"


@dataclass(frozen=True, slots=True, kw_only=True)
class DataLoss:
    """Existing rows that a rollback loses or changes."""

    sentence: str
    names: tuple[str, ...]
    """The objects concerned: kind and identity."""


@dataclass(frozen=True, slots=True, kw_only=True)
class DataLosses:
    """How rows differ from those before the migration."""

    errors: tuple[DataLoss, ...] = ()
    notes: tuple[str, ...] = ()
    """Rows and values left behind; no existing row is lost or changed."""
    unread: tuple[str, ...] = ()
    """Tables whose rows could not be read."""
    deltas: RowDeltas = field(default_factory=dict)
    """All changes of rows so far, those of earlier comparisons included."""


def losses_of_new_rows(before: Catalog, after: Catalog, *, now: Catalog) -> tuple[str, ...]:
    """Return what is lost of rows written since the migration: added tables and columns that the rollback dropped.

    ``now`` is the schema after the rollback. A table or column that is only renamed is not lost.
    """
    remaining, relations = dict(now.entries), {relation.oid: relation for relation in now.relations.values()}
    difference = catalog.fold(catalog.diff(before, after), before=before, after=after)
    sentences: list[str] = []
    for name in difference.added:
        kind, _, identity = name.partition(" ")
        if name in remaining or _is_renamed(kind, identity, after, relations):
            continue
        if kind == "table":
            sentences.append(f"rolling back loses every row of {identity}")
        elif kind == "column":
            sentences.append(f"rolling back loses {identity} for rows written since")
        elif name.startswith("materialized view "):
            sentences.append(f"rolling back loses the stored result of {name}")
    return tuple(sentences)


def _is_renamed(kind: str, identity: str, after: Catalog, relations: Mapping[int, Identity]) -> bool:
    """Whether a table or column of the schema after the migration still exists under another name."""
    if kind == "table":
        return identity in after.relations and after.relations[identity].oid in relations
    if kind != "column":
        return False
    for table, relation in after.relations.items():
        number = relation.columns.get(identity.removeprefix(f"{table}."))
        if number is not None and identity.startswith(f"{table}."):
            return relation.oid in relations and number in relations[relation.oid].columns.values()
    return False


def unrecoverable_objects(before: Catalog, after: Catalog) -> tuple[str, ...]:
    """Return one sentence for each object that a migration without a runnable rollback drops."""
    difference = catalog.fold(catalog.diff(before, after), before=before, after=after)
    return tuple(f"rolling back does not restore {name}" for name in difference.removed)


def compare_rows(before: Content, now: Content, *, known: RowDeltas, parents: Mapping[str, str]) -> DataLosses:
    """Return how the rows of before changed, without the ``known`` changes, which are reported for later migrations.

    Checksums are sums, so the known changes are subtracted before the rest is reported. A sequence is not reported
    next to lost rows of the table that owns it (``parents``).
    """
    difference = compare(before, now)
    deltas = _row_deltas(before, now)
    errors: list[DataLoss] = []
    notes: list[str] = []
    for table in difference.tables:
        change = _TableChange.of(table, deltas, known)
        if change is None:
            continue
        problem = _assess(change)
        if isinstance(problem, DataLoss):
            errors.append(problem)
        elif problem is not None:
            notes.append(problem)
    sequences = [name for name in difference.sequences if (name, SEQUENCE) not in known]
    existing = {sequence.name for sequence in now.sequences}
    errors += list(
        _sequence_losses(sequences, existing, parents, reported={name for it in errors for name in it.names})
    )
    return DataLosses(
        errors=tuple(errors),
        notes=tuple(notes),
        unread=difference.unread,
        deltas={**known, **deltas, **{(name, SEQUENCE): None for name in sequences}},
    )


@dataclass(frozen=True, slots=True, kw_only=True)
class _TableChange:
    """How the rows of one table changed, without the known changes."""

    table: TableDifference
    columns: tuple[str, ...]
    """Columns whose values changed."""
    added: int
    """Number of rows more than before; negative: fewer."""
    deltas: RowDeltas
    known: RowDeltas

    @classmethod
    def of(cls, table: TableDifference, deltas: RowDeltas, known: RowDeltas) -> _TableChange | None:
        """Return the change of a table; None when all of it is known."""
        is_known = any(name == table.name and delta != UNCHANGED for (name, _), delta in known.items())
        new = [key for key, delta in deltas.items() if key[0] == table.name and delta != known.get(key, UNCHANGED)]
        if is_known and not new:
            return None
        return cls(
            table=table,
            columns=tuple(column for _, column in new if column),
            added=_added_rows(deltas, table.name) - _added_rows(known, table.name),
            deltas=deltas,
            known=known,
        )

    @property
    def columns_text(self) -> str:
        """The qualified names of the columns."""
        return ", ".join(f"{self.table.name}.{column}" for column in self.columns)

    def column_deltas(self) -> Iterator[tuple[RowDelta | None, RowDelta | None]]:
        """Yield for each column its delta now and the known one."""
        for column in self.columns:
            key = (self.table.name, column)
            yield self.deltas[key], self.known.get(key, UNCHANGED)


def _assess(change: _TableChange) -> DataLoss | str | None:
    """Return the loss of existing rows, or a note on what is left behind, or None."""
    if change.table.lost == 0:
        return _rows_left(change)
    if change.table.lost is not None and change.added == 0:
        return _values_left(change) or _elements_reordered(change) or _rows_lost(change)
    return _rows_lost(change)


def _rows_left(change: _TableChange) -> str | None:
    if change.added <= 0:
        return None
    return f"rolling back leaves {_format_rows(change.added)} in {change.table.name} that the migration wrote"


def _values_left(change: _TableChange) -> str | None:
    """Return a note when the only change is that nulls got a value: as many fewer nulls as rows that differ."""
    for now, known in change.column_deltas():
        if now is None or known is None or known[1] - now[1] != change.table.lost:
            return None
    if not change.columns:
        return None
    return f"rolling back leaves {change.columns_text} filled in {_format_rows(change.table.lost)}"


def _elements_reordered(change: _TableChange) -> str | None:
    """Return a note when the only change is the order of the elements of JSON arrays, such as permissions."""
    for now, known in change.column_deltas():
        if now is None or known is None or now[1:] != known[1:]:
            return None
    if not change.columns:
        return None
    rows = _format_rows(change.table.lost)
    return f"rolling back leaves the elements of {change.columns_text} in another order in {rows}"


def _rows_lost(change: _TableChange) -> DataLoss:
    table = change.table
    names = [f"table {table.name}"] if table.missing or not change.columns else []
    names += [] if table.missing else [f"column {table.name}.{column}" for column in change.columns]
    return DataLoss(sentence=_loss_sentence(change), names=tuple(names))


def _loss_sentence(change: _TableChange) -> str:
    table, lost = change.table, -change.added
    if table.missing:
        every = "the row" if table.lost == 1 else f"all {_format_rows(table.lost)}"
        return f"{every} of {table.name} {'is' if table.lost == 1 else 'are'} lost"
    if lost > 0:
        return f"{_format_rows(lost)} of {table.name} {'is' if lost == 1 else 'are'} lost"
    inside = [part for column, parts in table.inside if column in change.columns for part in parts]
    where = f" ({join_limited(inside, 3)})" if inside else ""
    return f"{change.columns_text or table.name} differs from before in {_format_rows(table.lost)}{where}"


def _sequence_losses(
    sequences: list[str], existing: set[str], parents: Mapping[str, str], *, reported: set[str]
) -> Iterator[DataLoss]:
    """Yield the sequences that are missing or went backwards, without those of tables whose loss is reported."""
    for sequence in sequences:
        name = f"sequence {sequence}"
        owner = parents.get(name, "")
        if reported.isdisjoint({owner, parents.get(owner, "")}):
            change = "went backwards" if sequence in existing else "is missing"
            yield DataLoss(sentence=f"{name} {change}", names=(name,))


def _row_deltas(before: Content, now: Content) -> dict[tuple[str, str], RowDelta | None]:
    tables = {table.name: table for table in now.tables}
    deltas: dict[tuple[str, str], RowDelta | None] = {}
    for table in before.tables:
        later = tables.get(table.name)
        deltas[table.name, ""] = None if later is None else (later.rows - table.rows, 0, 0)
        columns = {} if later is None else {column.name: column for column in later.columns}
        for column in table.columns:
            other = columns.get(column.name)
            deltas[table.name, column.name] = (
                None
                if other is None
                else (other.checksum - column.checksum, other.nulls - column.nulls, other.elements - column.elements)
            )
    return deltas


def _added_rows(deltas: RowDeltas, table: str) -> int:
    delta = deltas.get((table, ""), UNCHANGED)
    return 0 if delta is None else delta[0]


def _format_rows(count: int | None) -> str:
    if count is None:
        return "an unknown number of rows"
    return "1 row" if count == 1 else f"{count} rows"
