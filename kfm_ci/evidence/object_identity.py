"""Existing objects followed through a migration by OID and column number: dropped, renamed, replaced."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field

from kfm_ci.evidence import object_shapes
from kfm_ci.evidence.kept_rows import has_rows, has_values, rows_of
from kfm_ci.evidence.object_changes import ObjectChanges, Renamed, Replaced
from kfm_ci.evidence.rollback.model import State
from kfm_ci.postgres.catalog import Catalog, Identity

_TABLES = ("table ", "foreign table ")
_RELATIONS = (*_TABLES, "view ", "materialized view ")


def created(base: Catalog, now: Catalog) -> frozenset[str]:
    """Return the names of the objects that did not exist in the base, whatever name an existing object has now."""
    known = {(kind_of(name), identity.oid) for name, identity in base.identities.items()}
    before = dict(base.entries)
    new = set[str]()
    for name, _ in now.entries:
        identity = now.identities.get(name)
        if identity is not None:
            if (kind_of(name), identity.oid) not in known:
                new.add(name)
        elif name not in before and not _is_part_of_existing(name, now, known):
            new.add(name)
    oids = {identity.oid: identity for name, identity in base.identities.items() if name.startswith(_TABLES)}
    for name, identity in now.identities.items():
        was = oids.get(identity.oid)
        if was is not None and name.startswith(_TABLES):
            table = name.partition("table ")[2]
            numbers = frozenset(was.columns.values())
            new.update(
                f"column {table}.{column}" for column, number in identity.columns.items() if number not in numbers
            )
    return frozenset(new)


def _is_part_of_existing(name: str, now: Catalog, known: set[tuple[str, int]]) -> bool:
    """Whether an object is a column of an existing table, which its number decides."""
    parent = now.identities.get(now.parents.get(name, ""))
    return name.startswith("column ") and parent is not None and (kind_of(now.parents[name]), parent.oid) in known


def kind_of(name: str) -> str:
    """Return the kind in ``<kind> <identity>`` as far as an OID is unique in it."""
    return "relation" if name.startswith((*_RELATIONS, "sequence ")) else name.partition(" ")[0]


def follow(base: Catalog, before: State, after: State) -> ObjectChanges:
    """Return what a migration did to the objects of the base, ``before`` and ``after`` which are its states."""
    return _Following(base=base, before=before, after=after).run()


@dataclass(slots=True, kw_only=True)
class _Following:
    base: Catalog
    before: State
    after: State
    dropped: list[str] = field(default_factory=list)
    kept: set[str] = field(default_factory=set)
    renamed: list[Renamed] = field(default_factory=list)
    replaced: list[Replaced] = field(default_factory=list)

    def run(self) -> ObjectChanges:
        was, now = _by_oid(self.before.catalog), _by_oid(self.after.catalog)
        for base_name, identity in self.base.identities.items():
            key = (kind_of(base_name), identity.oid)
            old, new = was.get(key), now.get(key)
            if old is None:
                continue
            if base_name.startswith(_TABLES):
                self._follow_table(base_name, identity.oid, old, new)
                if new is not None:
                    self._follow_columns(base_name, identity, old, new)
            if new is not None and new != old:
                self.renamed.append(Renamed(before=old, after=new, is_served=old in self.after.catalog.identities))
        existing = frozenset(name for name, _ in self.base.entries)
        return ObjectChanges(
            existing=existing,
            dropped=tuple(self.dropped),
            kept=frozenset(self.kept),
            renamed=tuple(self.renamed),
            replaced=tuple(self.replaced),
            detached=tuple(object_shapes.detached(self.base, self.before, self.after)),
            shapes=tuple(object_shapes.shapes(existing, self.before.catalog, self.after.catalog)),
            unlogged=tuple(object_shapes.unlogged(existing, self.before.catalog, self.after.catalog)),
            defaults=tuple(object_shapes.defaults(existing, self.before.catalog, self.after.catalog)),
            sequences=tuple(object_shapes.sequences(existing, self.before.catalog, self.after.catalog)),
            set_back=tuple(object_shapes.set_back(existing, self.before, self.after)),
            dependents=tuple(object_shapes.dependents(existing, self.before.catalog, self.after.catalog)),
        )

    def _follow_table(self, base_name: str, oid: int, old: str, new: str | None) -> None:
        """Report a table that was dropped or whose name belongs to another one, unless that has its rows."""
        names = dict.fromkeys((old, base_name))
        if new is None:
            successors = [name for name in names if name in self.after.catalog.identities]
            if any(self._has_rows(oid, name) for name in successors):
                self.kept.add(old)
            elif taken := next((name for name in successors if self._is_taken(name)), None):
                self._replace(taken, oid, remains_as=None)
            else:
                self.dropped.append(old)
            return
        for name in names:
            if name != new and self._is_taken(name) and not self._has_rows(oid, name):
                self._replace(name, oid, remains_as=new)

    def _is_taken(self, name: str) -> bool:
        """Whether a name belongs to a table since this migration."""
        was, now = self.before.catalog.identities.get(name), self.after.catalog.identities.get(name)
        return now is not None and (was is None or was.oid != now.oid)

    def _has_rows(self, oid: int, name: str) -> bool:
        successor = self.after.catalog.identities[name].oid
        return has_rows(rows_of(self.before, oid), rows_of(self.after, successor))

    def _replace(self, name: str, oid: int, *, remains_as: str | None) -> None:
        rows = rows_of(self.before, oid).count
        self.replaced.append(Replaced(name=name, remains_as=remains_as, rows=rows))

    def _follow_columns(self, base_name: str, base: Identity, old: str, new: str) -> None:
        """Report the columns of a table that were dropped, renamed or replaced."""
        was, now = self.before.catalog.identities[old], self.after.catalog.identities[new]
        table, shown = _table(old), _table(base_name if new == base_name else old)
        last = {number: name for name, number in was.columns.items()}
        then = {number: name for name, number in now.columns.items()}
        for first, number in base.columns.items():
            column, other = last.get(number), then.get(number)
            if column is None:
                continue
            if other is not None and other != column:
                self.renamed.append(
                    Renamed(
                        before=f"column {table}.{column}",
                        after=f"column {_table(new)}.{other}",
                        is_served=column in now.columns,
                    )
                )
            is_stored = not was.facts[column].is_generated
            for name in dict.fromkeys((column, first)):
                successor = now.columns.get(name)
                if successor is None or successor == number or successor == was.columns.get(name):
                    continue
                if is_stored and not self._has_values(base.oid, column, name):
                    remains = None if other is None else f"column {_table(new)}.{other}"
                    rows = rows_of(self.before, base.oid).count
                    self.replaced.append(Replaced(name=f"column {shown}.{name}", remains_as=remains, rows=rows))
                elif other is None:
                    self.kept.add(f"column {table}.{column}")
                break
            else:
                if other is None:
                    self.dropped.append(f"column {table}.{column}")

    def _has_values(self, oid: int, column: str, successor: str) -> bool:
        return has_values(rows_of(self.before, oid), column, rows_of(self.after, oid), successor)


def _by_oid(catalog: Catalog) -> Mapping[tuple[str, int], str]:
    return {(kind_of(name), identity.oid): name for name, identity in catalog.identities.items()}


def _table(name: str) -> str:
    return name.partition("table ")[2]
