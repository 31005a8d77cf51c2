"""What a session did between two looks: relations rewritten, read in full, changed, indexed."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field

from kfm_ci.evidence.observation.session_snapshot import Relation, SessionSnapshot
from kfm_ci.evidence.statement_evidence import StatementEffects

REPLACING = frozenset({"TRUNCATE TABLE", "REFRESH MATERIALIZED VIEW"})
"""Commands that give a relation new storage without reading the old: no rewrites."""


@dataclass(slots=True, kw_only=True)
class RelationCache:
    """Relations as they were when last seen."""

    relations: dict[int, Relation] = field(default_factory=dict)
    storages: set[int] = field(default_factory=set)
    """Every filenode that was ever seen."""

    def learn(self, look: SessionSnapshot) -> dict[int, Relation]:
        """Take in a look, and return what the relations in it were before."""
        was = {oid: self.relations[oid] for oid in look.relations if oid in self.relations}
        self.relations.update(look.relations)
        self.storages.update(relation.filenode for relation in look.relations.values())
        return was


@dataclass(frozen=True, slots=True, kw_only=True)
class RelationEffects:
    """Relations by OID; names are those before it, of what is new those after it."""

    names: Mapping[int, Relation]
    rewritten: frozenset[int] = frozenset()
    built: Mapping[int, int] = field(default_factory=dict)
    """Indexes that were built, and the tables they are on."""
    scanned: Mapping[int, int] = field(default_factory=dict)
    changed: Mapping[int, int] = field(default_factory=dict)
    invalid: frozenset[int] = frozenset()
    wal_bytes: int = 0

    def among(self, chosen: frozenset[int]) -> RelationEffects:
        """Return the part that concerns these relations; an index goes with its table."""
        return RelationEffects(
            names=self.names,
            rewritten=self.rewritten & chosen,
            built={index: table for index, table in self.built.items() if {index, table} & chosen},
            scanned=_of(self.scanned, chosen),
            changed=_of(self.changed, chosen),
            invalid=self.invalid & chosen,
        )

    @property
    def relations(self) -> frozenset[int]:
        """Every relation concerned."""
        indexes = {*self.built, *self.built.values()}
        return self.rewritten | self.invalid | indexes | {*self.scanned, *self.changed}

    def by_name(self, kind: str, preexisting: frozenset[int]) -> StatementEffects:
        """Return the effects by name, as those of a command of that kind."""
        names = self.names
        rewritten = frozenset() if kind in REPLACING else self.rewritten
        concerned = {*rewritten, *self.scanned, *self.changed, *self.built.values()} & preexisting
        return StatementEffects(
            rewrites=_sorted(names, rewritten),
            scans=_sorted(names, self.scanned),
            index_builds=_sorted(names, self.built),
            changes=tuple(sorted((names[oid].name, n) for oid, n in self.changed.items() if oid in names)),
            invalid_indexes=_sorted(names, self.invalid),
            preexisting=_sorted(names, concerned),
            wal_bytes=self.wal_bytes,
        )


def done(before: SessionSnapshot, after: SessionSnapshot, known: RelationCache) -> RelationEffects:
    """Return what happened between two looks; ``known`` is what was known at the first."""
    old, fresh = known.relations, after.relations
    built = {
        oid: now.table or 0
        for oid, now in fresh.items()
        if now.kind == "index" and now.filenode and now.filenode not in known.storages and now.table in old
    }
    scanned, changed = _grown(before.scans, after.scans), _grown(before.changes, after.changes)
    seen = {*fresh, *scanned, *changed, *built.values()}
    return RelationEffects(
        names={oid: relation for oid in seen if (relation := old.get(oid) or fresh.get(oid)) is not None},
        rewritten=frozenset(
            oid
            for oid, now in fresh.items()
            # a storage that comes back was only undone
            if oid in old and _rewritten(old[oid], now) and now.filenode not in known.storages
        ),
        built=built,
        scanned=scanned,
        changed=changed,
        invalid=frozenset(oid for oid, now in fresh.items() if not now.valid and (oid not in old or old[oid].valid)),
        wal_bytes=max(0, after.lsn - before.lsn),
    )


def _rewritten(was: Relation, now: Relation) -> bool:
    return was.kind not in {"index", "sequence"} and was.filenode != now.filenode and bool(now.filenode)


def _grown(before: Mapping[int, int], after: Mapping[int, int]) -> dict[int, int]:
    """Return what was counted since; a counter that shrank was reset."""
    grown = {oid: count - (before.get(oid, 0) if count >= before.get(oid, 0) else 0) for oid, count in after.items()}
    return {oid: count for oid, count in grown.items() if count > 0}


def _of(counted: Mapping[int, int], chosen: frozenset[int]) -> dict[int, int]:
    return {oid: count for oid, count in counted.items() if oid in chosen}


def _sorted(names: Mapping[int, Relation], oids: Iterable[int]) -> tuple[str, ...]:
    return tuple(sorted(names[oid].name for oid in oids if oid in names))
