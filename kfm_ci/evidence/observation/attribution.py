"""Which of the statements inside a block or a function did what, from the looks between which they ran."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field, replace

from kfm_ci.evidence.observation import locks
from kfm_ci.evidence.observation.nested_statements import MOST, Origin, ServerMessage
from kfm_ci.evidence.observation.relation_effects import REPLACING, RelationCache, RelationEffects, done
from kfm_ci.evidence.observation.session_snapshot import Relation, SessionSnapshot
from kfm_ci.evidence.statement_evidence import LockEvidence, LockMode, StatementEffects, StatementEvidence, Timeouts
from kfm_ci.sql import plpgsql, statements
from kfm_ci.sql.script import Statement


@dataclass(slots=True, kw_only=True)
class _StatementPart:
    """One statement inside, as far as it is known."""

    origin: Origin
    kind: str
    names: frozenset[str]
    """Bare names of the relations that it names."""
    at: SessionSnapshot | None = None
    gained: dict[int, LockMode] = field(default_factory=dict)
    works: list[RelationEffects] = field(default_factory=list)
    notices: list[str] = field(default_factory=list)
    duration_ms: float = 0.0
    measured: bool = False
    """Whether there was a look right before and right after it."""

    def take(self, work: RelationEffects, gained: Mapping[int, LockMode], at: SessionSnapshot) -> None:
        """Take over what was done between two looks."""
        if self.at is None:
            self.at = at
        self.works.append(work)
        self.gained.update(gained)


@dataclass(kw_only=True)
class _Attribution:
    """The statements inside in their order, and what is known so far."""

    known: RelationCache
    look: SessionSnapshot
    parts: dict[Origin, _StatementPart] = field(default_factory=dict)
    active: list[_StatementPart] = field(default_factory=list)
    """Read since the last look."""
    clock: float = 0.0

    def part(self, origin: Origin, tag: str = "") -> _StatementPart | None:
        """Return the part that stands there; None when there are too many."""
        if origin not in self.parts:
            if len(self.parts) >= MOST:
                return None
            kind = statements.kind(origin.text) if origin.text else tag
            self.parts[origin] = _StatementPart(origin=origin, kind=kind, names=_named(origin.text))
        return self.parts[origin]

    def note(self, note: ServerMessage) -> None:
        """Take in one message."""
        part = self.part(note.origin, note.tag)
        if part is None:
            return
        if note.work is not None:
            part.notices.append(note.work)
        elif note.look is None:
            self.active.append(part)
        else:
            before = [item for item in self.active if item is not part]
            self.advance(note.look, [part] if note.ends else before)
            part.measured |= note.ends
            if note.ends:
                part.duration_ms += note.at_ms - self.clock
            self.clock = note.at_ms
            self.active = [] if note.ends else [part]

    def advance(self, look: SessionSnapshot, candidates: list[_StatementPart]) -> None:
        """Give what was done since the last look to whom it belongs."""
        work = done(self.look, look, self.known)
        gained = locks.taken(self.look.held, look.held)
        names = {**self.known.relations, **look.relations}
        if len(set(map(id, candidates))) == 1:
            candidates[0].take(work, gained, self.look)
        else:
            among = candidates or list(self.parts.values())
            for part, chosen in _by_name(among, {*work.relations, *gained}, names):
                mine = {oid: mode for oid, mode in gained.items() if oid in chosen}
                part.take(work.among(chosen), mine, self.look)
        self.known.learn(look)
        self.look = look


def inner(
    statement: Statement,
    notes: Iterable[ServerMessage],
    *,
    known: RelationCache,
    before: SessionSnapshot,
    after: SessionSnapshot,
    preexisting: frozenset[int],
) -> tuple[StatementEvidence, ...]:
    """Return what ran inside a statement, in the order in which the server came to it.

    ``known`` is what was known ``before`` the statement. What cannot be distinguished belongs to none of them.
    """
    course = _Attribution(
        known=RelationCache(relations=dict(known.relations), storages=set(known.storages)), look=before
    )
    for note in notes:
        course.note(note)
    # A lock that was released by then had been there.
    course.advance(replace(after, held={**course.look.held, **after.held}), course.active)
    names = {oid: (item.name, item.kind) for oid, item in {**course.known.relations, **known.relations}.items()}
    first = statement.line + plpgsql.body_line(statement.text)
    return tuple(_part_evidence(part, statement, first, names, preexisting) for part in course.parts.values())


def whole(seen: StatementEvidence, parts: tuple[StatementEvidence, ...]) -> StatementEvidence:
    """Return the evidence of a statement with that of what ran inside it.

    It has every lock of its parts, also one that was released when part of a block was undone, and does not count as
    a rewrite what one of them emptied or filled again.
    """
    if not parts:
        return seen
    strongest = {lock.relation: lock for lock in seen.locks.taken}
    for lock in (lock for part in parts for lock in part.locks.taken):
        before = strongest.get(lock.relation)
        if before is None or locks.STRENGTH[lock.mode] > locks.STRENGTH[before.mode]:
            strongest[lock.relation] = lock
    real = {name for part in parts for name in part.effects.rewrites}
    replaced = {lock.relation for part in parts if part.kind in REPLACING for lock in part.locks.taken}
    rewrites = tuple(name for name in seen.effects.rewrites if name in real or name not in replaced)
    return replace(
        seen,
        locks=replace(seen.locks, taken=tuple(strongest.values())),
        effects=replace(seen.effects, rewrites=rewrites),
        inner=parts,
    )


def _part_evidence(
    part: _StatementPart,
    statement: Statement,
    first: int,
    names: Mapping[int, tuple[str, str]],
    preexisting: frozenset[int],
) -> StatementEvidence:
    line, end = statement.line, statement.end_line
    if part.origin.block_line is not None:
        line = min(first + part.origin.block_line - 1, statement.end_line)
        end = line if part.origin.within else min(line + part.origin.text.count("\n"), statement.end_line)
    effects = StatementEffects()
    for work in part.works:
        effects = effects.merged(work.by_name(part.kind, preexisting))
    at = part.at
    return StatementEvidence(
        line=line,
        end_line=end,
        kind=part.kind,
        duration_ms=part.duration_ms,
        text=part.origin.text,
        within=part.origin.within,
        notices=tuple(part.notices),
        locks=LockEvidence(
            taken=locks.name(part.gained, names, preexisting),
            held=locks.name(at.held, names, preexisting) if at else (),
        ),
        effects=effects if part.measured else replace(effects, wal_bytes=None),
        timeouts=Timeouts(lock_ms=at.lock_timeout_ms, statement_ms=at.statement_timeout_ms) if at else Timeouts(),
    )


def _by_name(
    parts: list[_StatementPart], oids: Iterable[int], names: Mapping[int, Relation]
) -> Iterator[tuple[_StatementPart, frozenset[int]]]:
    """Yield which part names which relations; of several the last."""
    owner: dict[int, list[int]] = {}
    for oid in oids:
        relation = names.get(oid)
        last = relation.name.rpartition(".")[2].strip('"') if relation else ""
        index = next((number for number in reversed(range(len(parts))) if last in parts[number].names), None)
        if index is not None:
            owner.setdefault(index, []).append(oid)
    for index, mine in owner.items():
        yield parts[index], frozenset(mine)


def _named(text: str) -> frozenset[str]:
    try:
        trees = statements.parse(text) if text else ()
    except statements.SyntaxProblem:
        return frozenset()
    return frozenset(node.text("relname") for tree in trees for node in tree.find("RangeVar"))
