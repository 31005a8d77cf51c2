"""The observer: what PostgreSQL itself says that each statement does, while migrations run."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any

import psycopg
from psycopg.errors import Diagnostic
from psycopg.pq import TransactionStatus

from kfm_ci.evidence.observation import attribution, locks, nested_statements, session_snapshot
from kfm_ci.evidence.observation.lock_probe import LockProbe, Observation
from kfm_ci.evidence.observation.locks import Modes
from kfm_ci.evidence.observation.nested_statements import NestedStatementListener
from kfm_ci.evidence.observation.relation_effects import RelationCache, done
from kfm_ci.evidence.observation.session_snapshot import Relation, SessionSnapshot
from kfm_ci.evidence.observation.snapshot_queries import EVERYTHING
from kfm_ci.evidence.statement_evidence import LockEvidence, StatementEvidence, Timeouts
from kfm_ci.sql import statements
from kfm_ci.sql.script import Statement

UNSEEN = frozenset(
    {
        "BEGIN",
        "START TRANSACTION",
        "COMMIT",
        "ROLLBACK",
        "SAVEPOINT",
        "RELEASE",
        "PREPARE TRANSACTION",
        "SET",
        "RESET",
        "SHOW",
    }
)
"""Commands that touch no relation; some must be the first of their transaction, so nothing is asked around them."""

_SETTLING = frozenset({"SAVEPOINT", "RELEASE", "SET", "RESET", "SHOW"})
"""Those of them that leave a transaction as it was."""

CALLING = frozenset({"DO", "CALL", "SELECT"})
"""Commands whose code may undo a part of its work, which releases the locks and leaves the reading done."""

_PROOFS = ("sufficient to prove", "implied by existing constraints")
_WORKS = ("rewriting table", "verifying table", "validating foreign key constraint", "building index")
_STRANGERS = ("exec_stmt_raise", "plperl", "plpy")
"""Functions by which code of the migration's author can speak: what they say is no evidence."""


@dataclass(kw_only=True)
class _Watched:
    """The statement that runs now."""

    look: SessionSnapshot
    inside: bool
    observation: Observation | None = None
    within: NestedStatementListener | None = None


@dataclass(kw_only=True)
class _Session:
    """The observed session, as far as it is known."""

    connection: psycopg.Connection[Any]
    database: int
    cached: bool
    """Whether it keeps the plan of what is asked most."""
    known: RelationCache = field(default_factory=RelationCache)
    low: str = EVERYTHING
    xact: str | None = None
    look: SessionSnapshot | None = None
    """The last look in this transaction; None when there was none, or when it knows too much."""
    stale: bool = False
    """Whether something ran since."""

    def learn(self, look: SessionSnapshot) -> dict[int, Relation]:
        """Take in a look, and return what the relations in it were before."""
        self.low, self.xact = look.low or self.low, look.xact or self.xact
        return self.known.learn(look)

    def forget(self) -> None:
        """Know nothing any more: what was seen may have been rolled back."""
        self.known.relations.clear()
        self.low, self.look = EVERYTHING, None


class Observer:
    """Collects evidence for each statement of a session; a ``Watcher`` for the code that runs them.

    ``beside`` is a connection of our own to the same server, in autocommit, whose role may read all locks.
    ``preexisting`` are the OIDs that ``watch.existing`` returned before the pull request's first migration.
    """

    def __init__(self, beside: psycopg.Connection[Any], preexisting: frozenset[int]) -> None:
        """Start with no evidence."""
        self._beside, self._lock_probe = beside, LockProbe(beside)
        self._preexisting = preexisting
        self._session: _Session | None = None
        self._watched: _Watched | None = None
        self._said: list[str] = []
        self._found: list[StatementEvidence] = []
        # The database may hold functions, tables and types that look like the server's own.
        beside.execute("select pg_catalog.set_config('search_path', 'pg_catalog, pg_temp', false)")

    @property
    def evidence(self) -> tuple[StatementEvidence, ...]:
        """What was seen since the last reset, in order."""
        return tuple(self._found)

    def reset(self) -> None:
        """Forget the evidence, for the next file."""
        self._found.clear()
        if self._watched is not None and self._watched.within is not None:
            self._watched.within.leave(usable=False)
        self._watched = None
        if self._session is not None:
            self._session.look = None

    def close(self) -> None:
        """End the sessions that are its own; ``beside`` is not."""
        self._lock_probe.close()

    def before(self, connection: psycopg.Connection[Any], statement: Statement) -> None:
        """Look at the session before it runs a statement."""
        session = self._meet(connection)
        self._said.clear()
        self._watched = None
        status = connection.info.transaction_status
        kind = statements.kind(statement.text)
        if kind in UNSEEN or status not in {
            TransactionStatus.IDLE,
            TransactionStatus.INTRANS,
        }:
            return
        inside = status is TransactionStatus.INTRANS or not connection.autocommit
        calling = kind in CALLING or nested_statements.runs_others(statement, connection)
        look = self._look(session, calling=calling, inside=inside)
        observation = None
        if not inside:
            observation = self._lock_probe.observe(statement, observed=connection, database=session.database)
        within = nested_statements.enter(statement, observed=connection, beside=self._beside, look=look, inside=inside)
        self._watched = _Watched(look=look, inside=inside, observation=observation, within=within)
        self._said.clear()

    def after(
        self,
        connection: psycopg.Connection[Any],
        statement: Statement,
        *,
        duration_ms: float,
        rows: int | None,
        error: Exception | None,
    ) -> None:
        """Look at the session after it ran the statement, and keep what was seen."""
        session, watched = self._meet(connection), self._watched
        kind = statements.kind(statement.text)
        said, self._watched = tuple(self._said), None
        common: dict[str, Any] = {
            "line": statement.line,
            "end_line": statement.end_line,
            "kind": kind,
            "duration_ms": duration_ms,
            "rows": rows if rows is not None and rows >= 0 else None,
            "error": _describe(error),
            "notices": tuple(line for line in said if not _is_proof(line)),
            "proofs": tuple(line for line in said if _is_proof(line)),
        }
        seen = watched.observation.finish() if watched and watched.observation else {}
        usable = connection.info.transaction_status in {TransactionStatus.IDLE, TransactionStatus.INTRANS}
        if watched is not None and watched.within is not None:
            watched.within.leave(usable=usable)
        if watched is None or not usable:
            if watched is None and kind in _SETTLING:
                session.stale = True
            else:
                session.look = None
            if kind == "ROLLBACK" or error is not None:
                session.forget()
            if watched is not None:
                common |= self._named(watched, seen, session.known.relations)
            self._found.append(StatementEvidence(**common))
            return
        inside = watched.inside and connection.info.transaction_status is TransactionStatus.INTRANS
        look = self._look_again(session, watched, calling=kind in CALLING or watched.within is not None, inside=inside)
        common["effects"] = done(watched.look, look, session.known).by_name(kind, self._preexisting)
        inner = self._inner(watched, statement, look, session)
        if watched.within is not None:
            common["functions"] = frozenset(watched.within.functions)
        was = session.learn(look)
        session.look, session.stale = look if inside else None, False
        now = look.held if inside else seen
        # Names as they were before; what is new has only the one it got.
        relations = {oid: was.get(oid) or session.known.relations.get(oid) for oid in {*now, *watched.look.held}}
        common |= self._named(
            watched, now, {oid: relation for oid, relation in relations.items() if relation is not None}
        )
        self._found.append(attribution.whole(StatementEvidence(**common), inner))

    def _look_again(self, session: _Session, watched: _Watched, *, calling: bool, inside: bool) -> SessionSnapshot:
        """Look at the session after a statement; ``calling``: it may have run others."""
        connection = session.connection
        if not inside:
            return session_snapshot.after(connection, inside=watched.inside, low=session.low, level=watched.look.level)
        # Its own message level comes back with the end of the transaction.
        if calling:
            return session_snapshot.whole(connection, inside=True, low=session.low, xact=None)
        return session_snapshot.further(connection, watched.look, cached=session.cached)

    def _inner(
        self, watched: _Watched, statement: Statement, look: SessionSnapshot, session: _Session
    ) -> tuple[StatementEvidence, ...]:
        if watched.within is None:
            return ()
        return attribution.inner(
            statement,
            watched.within.notes,
            known=session.known,
            before=watched.look,
            after=look,
            preexisting=self._preexisting,
        )

    def _look(self, session: _Session, *, calling: bool, inside: bool) -> SessionSnapshot:
        """Look at the session before a statement, as closely as it must; ``calling``: it may run others."""
        connection, last = session.connection, session.look if inside else None
        look: SessionSnapshot | None = None
        if last is not None and not calling:
            look = session_snapshot.further(connection, last, cached=session.cached) if session.stale else last
        elif inside and session.low != EVERYTHING and not calling:
            look = session_snapshot.opening(connection, xact=session.xact, cached=session.cached)
        if look is None:
            look = session_snapshot.whole(
                connection, inside=inside, low=session.low, xact=session.xact if last is None else None
            )
        if last is None and session.xact and look.xact != session.xact and look.outcome != "committed":
            # It was rolled back, and what was known of it with it.
            session.forget()
            session.learn(session_snapshot.whole(connection, inside=inside, low=EVERYTHING, xact=None))
        session.learn(look)
        session.xact, session.stale = look.xact, False
        return look

    def _meet(self, connection: psycopg.Connection[Any]) -> _Session:
        if self._session is None or self._session.connection is not connection:
            row = self._beside.execute(
                "select oid from pg_catalog.pg_database where datname = %s", (connection.info.dbname,)
            ).fetchone()
            cached = session_snapshot.cache_queries(connection, self._beside)
            self._session = _Session(connection=connection, database=row[0] if row else 0, cached=cached)
            connection.add_notice_handler(self._hear)
        return self._session

    def _hear(self, said: Diagnostic) -> None:
        text = said.message_primary or ""
        within = self._watched.within if self._watched is not None else None
        works = text.startswith(_WORKS) or _is_proof(text)
        if within is not None and within.hear(said, work=works and not _strange(said)):
            return
        if _strange(said):
            return
        if (said.severity_nonlocalized or "").startswith("DEBUG"):
            if works:
                self._said.append(text)
        else:
            self._said.append(f"{said.severity_nonlocalized}: {text}")

    def _named(self, watched: _Watched, now: Modes, relations: dict[int, Relation]) -> dict[str, Any]:
        names = {oid: (relation.name, relation.kind) for oid, relation in relations.items()}
        return {
            "locks": LockEvidence(
                taken=locks.name(locks.taken(watched.look.held, now), names, self._preexisting),
                held=locks.name(watched.look.held, names, self._preexisting),
            ),
            "timeouts": Timeouts(lock_ms=watched.look.lock_timeout_ms, statement_ms=watched.look.statement_timeout_ms),
        }


def _strange(said: Diagnostic) -> bool:
    return (said.source_function or "").startswith(_STRANGERS)


def _is_proof(line: str) -> bool:
    return any(mark in line for mark in _PROOFS)


def _describe(error: Exception | None) -> str | None:
    if error is None:
        return None
    if isinstance(error, psycopg.Error) and error.sqlstate:
        return f"{error.sqlstate} {error.diag.message_primary or ''}".strip()
    return str(error).splitlines()[0] if str(error) else type(error).__name__
