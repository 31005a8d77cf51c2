"""One migration with its statements as written, and the evidence of each."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, replace

from kfm_ci import phrases
from kfm_ci.evidence.model import SchemaDiff
from kfm_ci.evidence.object_changes import ObjectChanges
from kfm_ci.evidence.privileges import Rights
from kfm_ci.evidence.row_evidence import RowEvidence
from kfm_ci.evidence.statement_evidence import Lock, LockMode, StatementEvidence
from kfm_ci.evidence.table_statistics.model import Statistics, TableSize
from kfm_ci.evidence.tables import ForeignKey
from kfm_ci.migrations.model import Migration
from kfm_ci.model import Finding, Hazard, Place, Rollout, Severity, default_severity
from kfm_ci.rule_info import RuleInfo
from kfm_ci.sql import statements
from kfm_ci.sql.parse_tree import Node
from kfm_ci.sql.script import Script, Statement

SMALL = 1_000
"""Number of rows below which a lock is held too briefly to matter."""
LARGE = 10_000_000
ROWS_PER_SECOND = 1_000_000
BYTES_PER_SECOND = 200_000_000
"""Order of magnitude of a server's throughput, for estimates."""

SHOWN = 6
"""Maximum number of names or lines in a message."""
_ROWS = frozenset({"table", "partition", "materialized view", "foreign table"})
_LONG = ("materialized view", "foreign table", "event trigger", "operator class", "operator family", "text search")
"""Object kinds of more than one word; those of text search have one more word."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Step:
    """One statement as written, and its evidence."""

    seen: StatementEvidence
    text: str
    trees: tuple[Node, ...] = ()
    """Empty when it does not parse."""

    def nodes(self, *tags: str) -> Iterator[Node]:
        """Yield the nodes of the given tags."""
        for tree in self.trees:
            yield from tree.find(*tags)

    @property
    def names(self) -> frozenset[str]:
        """Names of the relations in the statement, without schema."""
        return frozenset(node.text("relname") for node in self.nodes("RangeVar"))


@dataclass(frozen=True, slots=True, kw_only=True)
class Case:
    """The evidence and declarations of one migration."""

    migration: Migration
    steps: tuple[Step, ...]
    in_transaction: bool
    rollout: Rollout | None = None
    schema_diff: SchemaDiff = SchemaDiff()
    objects: ObjectChanges = ObjectChanges(existing=frozenset())
    """The existing objects, followed by OID."""
    created: frozenset[str] = frozenset()
    """``<kind> <identity>`` of objects that earlier migrations of the pull request added."""
    rights: Rights = Rights()
    statistics: Statistics | None = None
    """Sizes of production's tables."""
    unindexed: tuple[ForeignKey, ...] = ()
    """Foreign keys of the pull request that no index serves at its end."""
    rows: RowEvidence = RowEvidence()
    """What it did to rows of existing tables."""
    rows_restored: bool = False
    """Whether the rollback was proven to restore them."""

    def finding(
        self,
        rule: RuleInfo,
        message: str,
        *,
        step: Step | None,
        severity: Severity | None = None,
        help: str | None = None,
        hazard: Hazard | None = None,
    ) -> Finding:
        """Return a finding at a statement, with the rule's severity unless one is given."""
        place = Place(file=self.migration.up_path)
        if step is not None:
            place = replace(place, line=step.seen.line, column=1, end_line=step.seen.end_line)
            if step.seen.within:
                message = f"{message} It runs inside {step.seen.within}."
        return rule.finding(
            message,
            place=place,
            migration=self.migration.id,
            help=help,
            severity=severity,
            hazard=hazard,
            rollout=self.rollout,
        )

    def is_new(self, name: str) -> bool:
        """Whether an object (``<kind> <identity>``), or the one that it is part of, was created in the pull request."""
        identity = split_kind(name)[1]
        created = [split_kind(added)[1] for added in self.created]
        return any(identity == parent or identity.startswith(f"{parent}.") for parent in created)

    def largest(self, relations: frozenset[str]) -> TableSize | None:
        """Return the relation with the most rows in production; None when the size of one of them is unknown."""
        sizes = [self.statistics.of(name) if self.statistics else None for name in relations]
        known = [size for size in sizes if size is not None and size.rows is not None]
        return max(known, key=lambda size: size.rows or 0) if known and len(known) == len(sizes) else None

    def scaled(self, hazard: Hazard, relations: frozenset[str]) -> tuple[Severity, str]:
        """Return the severity for work on these relations, and a sentence on their size."""
        size = self.largest(relations)
        base = default_severity(hazard, rollout=self.rollout)
        if size is None or size.rows is None:
            return base, "The size in production is unknown."
        if size.rows < SMALL:
            return Severity.NOTE, f"`{size.name}` has {size.rows:,} rows in production, too few for a long lock."
        seconds = max(1, size.rows // ROWS_PER_SECOND, size.bytes // BYTES_PER_SECOND)
        severity = Severity.ERROR if size.rows > LARGE and self.rollout is not Rollout.WINDOW else base
        estimate = f"`{size.name}` has about {size.rows:,} rows in production, an estimated {seconds:,} s or more"
        writes = round((size.writes_per_second or 0) * seconds)
        arriving = f"; about {writes:,} writes to it arrive in that time" if writes else ""
        return severity, f"{estimate}{arriving}."


def steps(migration: Migration, evidence: tuple[StatementEvidence, ...]) -> tuple[Step, ...]:
    """Return the statements of the up file with their evidence, in the order in which they ran."""
    by_lines: dict[tuple[int, int], list[Statement]] = {}
    if isinstance(migration.up, Script):
        for statement in statements.of(migration.up):
            by_lines.setdefault((statement.line, statement.end_line), []).append(statement)
    found = []
    for seen in evidence:
        here = by_lines.get((seen.line, seen.end_line), [])
        # several statements on one line run in their order there
        text = (here.pop(0) if len(here) > 1 else here[0]).text if here else ""
        found += list(_nested_steps(seen, text)) if seen.inner else [_step(seen, text)]
    return tuple(found)


def _step(seen: StatementEvidence, text: str) -> Step:
    try:
        trees = statements.parse(text) if text else ()
    except statements.SyntaxProblem:
        trees = ()
    return Step(seen=seen, text=text, trees=trees)


def _nested_steps(seen: StatementEvidence, text: str) -> Iterator[Step]:
    """Yield the nested statements of a statement, and around them its own locks and work."""
    parts = seen.inner
    locked = {(lock.relation, lock.mode) for part in parts for lock in part.locks.taken}
    locks = tuple(lock for lock in seen.locks.taken if (lock.relation, lock.mode) not in locked)
    if locks:
        before = replace(seen.effects, rewrites=(), scans=(), index_builds=(), changes=())
        yield _step(replace(seen, locks=replace(seen.locks, taken=locks), effects=before, inner=()), text)
    yield from (_step(part, part.text or "") for part in parts)
    effects, nested = seen.effects, [part.effects for part in parts]
    rest = replace(
        effects,
        rewrites=_unexplained(effects.rewrites, (part.rewrites for part in nested)),
        scans=_unexplained(effects.scans, (part.scans for part in nested)),
        index_builds=_unexplained(effects.index_builds, (part.index_builds for part in nested)),
        changes=tuple(
            (name, count) for name, count in effects.changes if not any(name in dict(part.changes) for part in nested)
        ),
    )
    if rest.rewrites or rest.scans or rest.index_builds or rest.changes:
        yield _step(replace(seen, locks=replace(seen.locks, taken=()), effects=rest, inner=()), text)


def _unexplained(names: tuple[str, ...], explained: Iterable[tuple[str, ...]]) -> tuple[str, ...]:
    known = {name for part in explained for name in part}
    return tuple(name for name in names if name not in known)


def blocking(locks: tuple[Lock, ...]) -> tuple[Lock, ...]:
    """Return the locks on existing relations that conflict with ordinary statements."""
    return tuple(
        lock
        for lock in locks
        if lock.preexisting
        and lock.mode.blocks
        and (lock.kind in _ROWS or lock.kind == "view")
        and not (lock.kind == "materialized view" and lock.mode is not LockMode.ACCESS_EXCLUSIVE)
    )


def locked_relations(locks: Sequence[Lock]) -> str:
    """Return the names of locked relations as one line; partitions are counted under their parent."""
    names = list(dict.fromkeys(lock.relation for lock in locks if lock.kind != "partition"))
    partitions = list(dict.fromkeys(lock.relation for lock in locks if lock.kind == "partition"))
    if not names:
        return phrases.quoted(partitions, SHOWN)
    more = f" (with {phrases.count(len(partitions), 'partition')})" if partitions else ""
    return phrases.quoted(names, SHOWN) + more


def split_kind(name: str) -> tuple[str, str]:
    """Return kind and identity of an object as the catalog names it, ``<kind> <identity>``."""
    for kind in _LONG:
        if name.startswith(f"{kind} "):
            return kind, name[len(kind) + 1 :]
    kind, _, identity = name.partition(" ")
    return kind, identity


def unqualified(relation: str) -> str:
    """Return the last part of a qualified name, without quotes."""
    return relation.rpartition(".")[2].strip('"')
