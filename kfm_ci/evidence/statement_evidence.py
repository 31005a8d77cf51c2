"""What the server did for one statement: locks, effects, timeouts, errors."""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum
from typing import TypeVar

_T = TypeVar("_T")


class LockMode(StrEnum):
    """PostgreSQL's table-level lock modes, weakest first."""

    ACCESS_SHARE = "AccessShareLock"
    ROW_SHARE = "RowShareLock"
    ROW_EXCLUSIVE = "RowExclusiveLock"
    SHARE_UPDATE_EXCLUSIVE = "ShareUpdateExclusiveLock"
    SHARE = "ShareLock"
    SHARE_ROW_EXCLUSIVE = "ShareRowExclusiveLock"
    EXCLUSIVE = "ExclusiveLock"
    ACCESS_EXCLUSIVE = "AccessExclusiveLock"

    @property
    def blocks(self) -> tuple[str, ...]:
        """What ordinary statements wait for it: ``reads`` (SELECT), ``writes`` (INSERT, UPDATE, DELETE)."""
        if self is LockMode.ACCESS_EXCLUSIVE:
            return ("reads", "writes")
        if self in {LockMode.SHARE, LockMode.SHARE_ROW_EXCLUSIVE, LockMode.EXCLUSIVE}:
            return ("writes",)
        return ()


@dataclass(frozen=True, slots=True, kw_only=True)
class Lock:
    """One table-level lock that a statement took."""

    relation: str
    """Schema-qualified name as it was before the statement (quoted where needed)."""
    mode: LockMode
    preexisting: bool
    """Whether the relation existed before the pull request."""
    kind: str = "table"
    """``table``, ``index``, ``view``, ``materialized view``, ``sequence``, ``partition`` …"""


@dataclass(frozen=True, slots=True, kw_only=True)
class LockEvidence:
    """The table-level locks of one statement, strongest first."""

    taken: tuple[Lock, ...] = ()
    """Taken by the statement itself."""
    held: tuple[Lock, ...] = ()
    """Already held by its transaction when it started."""

    @property
    def all(self) -> tuple[Lock, ...]:
        """Every lock under which the statement ran."""
        return (*self.taken, *self.held)


@dataclass(frozen=True, slots=True, kw_only=True)
class StatementEffects:
    """What one statement did to relations, each by its qualified name."""

    rewrites: tuple[str, ...] = ()
    scans: tuple[str, ...] = ()
    """Relations that were scanned from end to end."""
    index_builds: tuple[str, ...] = ()
    changes: tuple[tuple[str, int], ...] = ()
    """Relations whose rows were updated or deleted, and how many."""
    invalid_indexes: tuple[str, ...] = ()
    """Indexes that it left invalid."""
    preexisting: tuple[str, ...] = ()
    """Of the relations rewritten, scanned, changed or indexed, those that existed before the pull request."""
    wal_bytes: int | None = None
    """None where it was not measured."""

    def merged(self, other: StatementEffects) -> StatementEffects:
        """Return the effects of both, each relation once."""
        known = [size for size in (self.wal_bytes, other.wal_bytes) if size is not None]
        return StatementEffects(
            rewrites=_once(self.rewrites, other.rewrites),
            scans=_once(self.scans, other.scans),
            index_builds=_once(self.index_builds, other.index_builds),
            changes=_once(self.changes, other.changes),
            invalid_indexes=_once(self.invalid_indexes, other.invalid_indexes),
            preexisting=_once(self.preexisting, other.preexisting),
            wal_bytes=sum(known) if known else None,
        )


@dataclass(frozen=True, slots=True, kw_only=True)
class Timeouts:
    """Timeouts in effect when a statement started, in milliseconds: 0 is no limit, None was not observed."""

    lock_ms: int | None = None
    statement_ms: int | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class StatementEvidence:
    """What the server did for one statement."""

    line: int
    end_line: int
    kind: str
    """Command in upper case, such as ``ALTER TABLE``."""
    duration_ms: float
    locks: LockEvidence = LockEvidence()
    effects: StatementEffects = StatementEffects()
    timeouts: Timeouts = Timeouts()
    proofs: tuple[str, ...] = ()
    """Facts that the server proved instead of scanning ("sufficient to prove")."""
    rows: int | None = None
    notices: tuple[str, ...] = ()
    error: str | None = None
    """The server's message when the statement failed, with SQLSTATE in front."""
    inner: tuple[StatementEvidence, ...] = ()
    """Nested statements of a block, a procedure or a function, in the order in which they ran."""
    executed: tuple[int, int] | None = None
    """How many statements of its block or function body ran, and how many it has; None for other statements."""
    text: str | None = None
    """SQL of a nested statement, which code may have built; None for a statement of a file."""
    within: str | None = None
    """Function that contains a nested statement; None directly inside the block."""
    functions: frozenset[str] = frozenset()
    """Names, without schema, of the functions in SQL and PL/pgSQL that it ran."""


def _once(one: tuple[_T, ...], other: tuple[_T, ...]) -> tuple[_T, ...]:
    return tuple(dict.fromkeys((*one, *other)))
