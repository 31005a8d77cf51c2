"""Whether one table or column has the rows or values of another one, by checksums."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass

from kfm_ci.evidence.rollback.model import State
from kfm_ci.postgres.data_checksums import TableContent


@dataclass(frozen=True, slots=True, kw_only=True)
class Rows:
    """The rows of a table with those of its partitions and child tables."""

    parts: tuple[TableContent, ...]
    is_known: bool = True
    """Whether all of them were read."""

    @property
    def count(self) -> int:
        """Return the number of rows."""
        return sum(part.rows for part in self.parts)

    def column(self, name: str) -> tuple[int, int] | None:
        """Return the sum of the hashes of a column's values, and the number of nulls; None without such a column."""
        found = [column for part in self.parts for column in part.columns if column.name == name]
        return (sum(item.checksum for item in found), sum(item.nulls for item in found)) if found else None

    def columns(self) -> frozenset[str]:
        """Return the names of the columns."""
        return frozenset(column.name for part in self.parts for column in part.columns)

    def hashes(self) -> Counter[int] | None:
        """Return how often each row occurs, by its hash; None when too many rows were read."""
        if any(part.hashes is None for part in self.parts):
            return None
        return Counter(one for part in self.parts for one in part.hashes or ())


def rows_of(state: State, oid: int) -> Rows:
    """Return the rows of a table in a state."""
    contents = {table.name: table for table in state.content.tables}
    names = list(_tree(state, oid))
    found = tuple(contents[name] for name in names if name in contents)
    return Rows(parts=found, is_known=not set(names) & set(state.content.unread))


def _tree(state: State, oid: int) -> Iterator[str]:
    """Yield the names of a table and of its partitions and child tables."""
    pending, done = {oid}, set[int]()
    while pending:
        done |= pending
        following = set[int]()
        for name, identity in state.catalog.identities.items():
            if identity.oid in pending and name.startswith("table "):
                yield name.removeprefix("table ")
            if pending.intersection(identity.parents):
                following.add(identity.oid)
        pending = following - done


def has_rows(old: Rows, new: Rows) -> bool:
    """Whether rows were read, and ``new`` has all of them with all their columns."""
    if not (old.is_known and new.is_known) or not old.count or new.count < old.count:
        return False
    if not old.columns() <= new.columns():
        return False
    if new.count == old.count:
        return all(old.column(name) == new.column(name) for name in old.columns())
    before, after = old.hashes(), new.hashes()
    return old.columns() == new.columns() and before is not None and after is not None and not before - after


def has_values(old: Rows, column: str, new: Rows, successor: str) -> bool:
    """Whether values were read, and the ``successor`` of a column has the same ones in as many rows.

    Both names are quoted as the catalog prints them.
    """
    if not (old.is_known and new.is_known) or old.count != new.count:
        return False
    was = old.column(_unquoted(column))
    return was is not None and was[1] < old.count and was == new.column(_unquoted(successor))


def _unquoted(name: str) -> str:
    return name[1:-1].replace('""', '"') if name.startswith('"') else name
