"""Difference of two images of a table: rows that are missing, values that were overwritten, NULLs that got a value."""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from functools import partial

from kfm_ci.evidence.row_evidence import ColumnDifference, RowDifference
from kfm_ci.evidence.row_images import ImageColumn, Row, TableImage

_PAIRED = 300
"""Most rows without a key that are paired by their equal values."""
_TEXTS = frozenset({"text", "varchar", "bpchar", "citext"})
_NUMBERS = frozenset({"int2", "int4", "int8", "numeric"})
_MOMENTS = frozenset({"timestamp", "timestamptz"})

Pair = tuple[Row, Row]
"""One row before and after."""


@dataclass(slots=True, kw_only=True)
class NewRows:
    """Rows of a table that the pull request itself inserted; they may change and go freely."""

    keys: set[Row] = field(default_factory=set)
    rows: Counter[Row] = field(default_factory=Counter)
    """Rows of a table without a key."""


def compare(table: str, before: TableImage, after: TableImage, *, base: TableImage, new: NewRows) -> RowDifference:
    """Return the difference in the columns of ``base``, of images with rows; inserted rows are added to ``new``."""
    common = _Columns.of(before, after, {column.number for column in base.columns})
    old = [common.old(row) for row in before.rows or ()]
    now = [common.now(row) for row in after.rows or ()]
    if common.key:
        pairs, lost = _paired_by_key(old, now, common, new)
    else:
        pairs, lost = _paired_by_values(old, now, common, new)
    overwritten, filled = _column_differences(pairs, common)
    return RowDifference(
        table=table,
        rows=len(pairs) + len(lost),
        gone=len(lost),
        columns=tuple(column.name for column in common.before),
        overwritten=tuple(overwritten),
        filled=tuple(filled),
    )


@dataclass(frozen=True, slots=True, kw_only=True)
class _Columns:
    """The stored columns that a table of before the pull request had before and has after a migration."""

    before: tuple[ImageColumn, ...]
    after: tuple[ImageColumn, ...]
    key: tuple[int, ...]
    """Positions of the key."""
    old_image: TableImage
    new_image: TableImage

    @classmethod
    def of(cls, before: TableImage, after: TableImage, numbers: set[int]) -> _Columns:
        later = {column.number: column for column in after.columns}
        own = tuple(column for column in before.columns if column.number in numbers and column.number in later)
        positions = {column.number: position for position, column in enumerate(own)}
        return cls(
            before=own,
            after=tuple(later[column.number] for column in own),
            key=tuple(positions[number] for number in before.key) if positions.keys() >= set(before.key) else (),
            old_image=before,
            new_image=after,
        )

    def old(self, row: Row) -> Row:
        """Return the values of these columns in a row of before."""
        return _select(row, self.old_image, self.before, self._same_enums())

    def now(self, row: Row) -> Row:
        """Return the values of these columns in a row of after."""
        return _select(row, self.new_image, self.after, self._same_enums())

    def _same_enums(self) -> frozenset[int]:
        return frozenset(self.old_image.labels) & frozenset(self.new_image.labels)

    def is_retyped(self, position: int) -> bool:
        """Whether the column has another type, so that equal values may look different."""
        return self.before[position].type_oid != self.after[position].type_oid

    def key_of(self, row: Row) -> Row:
        """Return the key of a row."""
        return tuple(row[position] for position in self.key)


def _select(row: Row, image: TableImage, columns: Sequence[ImageColumn], enums: frozenset[int]) -> Row:
    """Return the values of some columns; an enum's value is its OID, which a renamed label does not change."""
    positions = {column.number: position for position, column in enumerate(image.columns)}
    values = []
    for column in columns:
        value = row[positions[column.number]]
        if value is not None and column.type_oid in enums:
            value = image.labels[column.type_oid].get(value, value)
        values.append(value)
    return tuple(values)


def _paired_by_key(old: list[Row], now: list[Row], common: _Columns, new: NewRows) -> tuple[list[Pair], list[Row]]:
    """Return the pairs of rows with the same key, or with a changed key only, and the rows that are missing."""
    was = {common.key_of(row): row for row in old if common.key_of(row) not in new.keys}
    found = {common.key_of(row): row for row in now if common.key_of(row) not in new.keys}
    pairs = [(row, found[key]) for key, row in was.items() if key in found]
    missing = [row for key, row in was.items() if key not in found]
    appeared: dict[Row, list[Row]] = defaultdict(list)
    for key, row in found.items():
        if key not in was:
            appeared[_without(row, common.key)].append(row)
    lost = []
    for row in missing:
        same = appeared[_without(row, common.key)] if len(row) > len(common.key) else []
        if same:
            pairs.append((row, same.pop()))
        else:
            lost.append(row)
    new.keys.update(common.key_of(row) for rows in appeared.values() for row in rows)
    return pairs, lost


def _without(row: Row, positions: tuple[int, ...]) -> Row:
    return tuple(value for position, value in enumerate(row) if position not in positions)


def _paired_by_values(old: list[Row], now: list[Row], common: _Columns, new: NewRows) -> tuple[list[Pair], list[Row]]:
    """Return pairs of rows with equal values, then with most equal values, and the rows that are missing."""
    stable = tuple(position for position in range(len(common.before)) if not common.is_retyped(position))

    def identity(row: Row) -> Row:
        return tuple(row[position] for position in stable)

    later: dict[Row, list[Row]] = defaultdict(list)
    for row in now:
        later[identity(row)].append(row)
    known = Counter(new.rows)
    pairs: list[Pair] = []
    missing: list[Row] = []
    for row in old:
        if known[row]:
            known[row] -= 1
            continue
        same = later[identity(row)]
        if same:
            pairs.append((row, same.pop()))
        else:
            missing.append(row)
    appeared = [row for rows in later.values() for row in rows]
    if len(missing) > _PAIRED or len(appeared) > _PAIRED:
        pairs += zip(missing, appeared, strict=False)
        new.rows = Counter(appeared[len(missing) :])
        return pairs, missing[len(appeared) :]
    lost = []
    for row in missing:
        closest = max(appeared, key=partial(_equal_values, row), default=None)
        if closest is not None and _equal_values(row, closest):
            appeared.remove(closest)
            pairs.append((row, closest))
        else:
            lost.append(row)
    new.rows = Counter(appeared)
    return pairs, lost


def _equal_values(one: Row, other: Row) -> int:
    return sum(a is not None and a == b for a, b in zip(one, other, strict=True))


def _column_differences(
    pairs: list[Pair], common: _Columns
) -> tuple[Iterator[ColumnDifference], Iterator[ColumnDifference]]:
    """Return the columns with overwritten values, and those in which NULLs got a value."""
    overwritten, filled = [], []
    for position, column in enumerate(common.before):
        values = [(was[position], now[position]) for was, now in pairs]
        if common.is_retyped(position):
            changed = _lost_by_conversion(values, column.type_name, common.after[position].type_name)
        else:
            changed = sum(was is not None and was != now for was, now in values)
        difference = ColumnDifference(name=column.name, type_name=column.type_name, rows=changed)
        if changed:
            overwritten.append(difference)
        nulls = sum(was is None and now is not None for was, now in values)
        if nulls:
            filled.append(replace(difference, rows=nulls))
    return iter(overwritten), iter(filled)


def _lost_by_conversion(values: Iterable[tuple[int | None, int | None]], old: str, new: str) -> int:
    """Return the number of values that another type does not hold, or that share their new value with another one."""
    different = [(was, now) for was, now in values if was is not None and was != now]
    for group in (_TEXTS, _NUMBERS):
        if {old, new} <= group:
            return len(different)
    if old in _MOMENTS and new in {"date", "time", "timetz"}:
        return len(different)
    origins: Mapping[int | None, set[int]] = defaultdict(set)
    for was, now in different:
        origins[now].add(was)
    return sum(now is None or len(origins[now]) > 1 for _, now in different)
