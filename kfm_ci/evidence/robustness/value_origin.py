"""Which migration wrote the values that another run does not write: looked up in what was seen, not guessed from its text."""

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

_Key = tuple[int, int]
"""A column, whatever it is called: OID of its table, and its number; in one database."""


@dataclass(frozen=True, slots=True, kw_only=True)
class OriginStep:
    """A migration, and the database around its first run."""

    pair: Pair
    before: State
    after: State


def find(
    steps: Sequence[OriginStep], columns: Iterable[str], again: Callable[[], AbstractContextManager[Replay]]
) -> Pair | None:
    """Return the first migration after which ``columns``, named as at the end, hold other values in another run.

    Only one that changed values of theirs in the first run can be it; where there are several ``again`` yields a walk
    on which all are run once more. None where none of them did.
    """
    if not steps:
        return None
    last = steps[-1].after.catalog
    keys = {key for key, name in _names(last).items() if name in set(columns)}
    writers = [step for step in steps if _values(step.before, keys) != _values(step.after, keys)]
    if len(writers) < 2:
        return writers[0].pair if writers else None
    with again() as walked:
        for step in steps:
            if walked.run(step.pair[1]).outcome is Outcome.FAILED:
                break
            if step in writers and not _same(step, keys, walked):
                return step.pair
    return writers[-1].pair


def _same(step: OriginStep, keys: set[_Key], walked: Replay) -> bool:
    """Whether the columns hold after a migration what they held in its first run; new tables have other OIDs there."""
    names = {name for key, name in _names(step.after.catalog).items() if key in keys}
    tables = tuple(
        table for table in step.after.content.tables if any(name.startswith(f"{table.name}.") for name in names)
    )
    there = _by_name(data_checksums.snapshot(walked.session, like=Content(tables=tables)))
    here = _by_name(step.after.content)
    return all(here.get(name) == there.get(name) for name in names)


def _values(state: State, keys: set[_Key]) -> Mapping[_Key, tuple[int, int] | None]:
    held = _by_name(state.content)
    return {key: held[name] for key, name in _names(state.catalog).items() if key in keys and name in held}


def _by_name(held: Content) -> dict[str, tuple[int, int]]:
    """Return of each column of a table with rows the sum of its values and the number of its nulls."""
    return {
        f"{table.name}.{dotted(column.name)}": (column.checksum, column.nulls)
        for table in held.tables
        if table.rows
        for column in table.columns
    }


def _names(catalog: Catalog) -> dict[_Key, str]:
    return dict(_named(catalog))


def _named(catalog: Catalog) -> Iterator[tuple[_Key, str]]:
    for table, relation in catalog.relations.items():
        for column, number in relation.columns.items():
            yield (relation.oid, number), f"{table}.{column}"
