"""The migration that wrote a value which differs in another run: found by the recorded states, not by its text."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from contextlib import AbstractContextManager
from dataclasses import dataclass

from kfm_ci.evidence.robustness.model import Pair
from kfm_ci.evidence.robustness.replay import Replay
from kfm_ci.evidence.rollback.model import State
from kfm_ci.model import Outcome
from kfm_ci.postgres import data_checksums
from kfm_ci.postgres.catalog import Catalog
from kfm_ci.postgres.data_checksums import Content
from kfm_ci.sql.identifiers import dotted

_ColumnKey = tuple[int, int]
"""A column of one database under any name: OID of its table and ``attnum``."""


@dataclass(frozen=True, slots=True, kw_only=True)
class OriginStep:
    """A migration, and the state of the database before and after its first run."""

    pair: Pair
    before: State
    after: State


def find_origin(
    steps: Sequence[OriginStep], columns: Iterable[str], replay: Callable[[], AbstractContextManager[Replay]]
) -> Pair | None:
    """Return the first migration after which ``columns`` (named as after the last) have other values in another run.

    Only migrations that changed these columns in the first run qualify; among several, ``replay`` yields a replay on
    which all are run again. None when no migration changed them.
    """
    if not steps:
        return None
    last = steps[-1].after.catalog
    wanted = set(columns)
    keys = {key for key, name in _column_names(last).items() if name in wanted}
    writers = [step for step in steps if _values(step.before, keys) != _values(step.after, keys)]
    if len(writers) < 2:
        return writers[0].pair if writers else None
    with replay() as other:
        for step in steps:
            if other.run(step.pair[1]).outcome is Outcome.FAILED:
                break
            if step in writers and not _is_same(step, keys, other):
                return step.pair
    return writers[-1].pair


def _is_same(step: OriginStep, keys: set[_ColumnKey], other: Replay) -> bool:
    """Whether the columns have the same values as after the first run; compared by name: new tables have other OIDs."""
    names = {name for key, name in _column_names(step.after.catalog).items() if key in keys}
    tables = tuple(
        table for table in step.after.content.tables if any(name.startswith(f"{table.name}.") for name in names)
    )
    there = _values_by_name(data_checksums.snapshot(other.session, like=Content(tables=tables)))
    here = _values_by_name(step.after.content)
    return all(here.get(name) == there.get(name) for name in names)


def _values(state: State, keys: set[_ColumnKey]) -> Mapping[_ColumnKey, tuple[int, int] | None]:
    values = _values_by_name(state.content)
    return {key: values[name] for key, name in _column_names(state.catalog).items() if key in keys and name in values}


def _values_by_name(content: Content) -> dict[str, tuple[int, int]]:
    """Return for each column of a table with rows the checksum of its values and the number of nulls."""
    return {
        f"{table.name}.{dotted(column.name)}": (column.checksum, column.nulls)
        for table in content.tables
        if table.rows
        for column in table.columns
    }


def _column_names(catalog: Catalog) -> dict[_ColumnKey, str]:
    return dict(_keys_and_names(catalog))


def _keys_and_names(catalog: Catalog) -> Iterator[tuple[_ColumnKey, str]]:
    for table, relation in catalog.relations.items():
        for column, number in relation.columns.items():
            yield (relation.oid, number), f"{table}.{column}"
