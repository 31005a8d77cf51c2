"""Interruption: a file outside a transaction is stopped after each of its statements in turn, and run again."""

from __future__ import annotations

import re
from dataclasses import dataclass, replace
from typing import Any

import psycopg
from psycopg import Connection, sql

from kfm_ci.evidence.robustness.model import script_finding
from kfm_ci.evidence.robustness.replay import Replay, open_replay
from kfm_ci.migrations.model import Migration
from kfm_ci.model import Finding, Mode, Outcome, Severity
from kfm_ci.postgres import catalog, execute
from kfm_ci.postgres.catalog import Catalog
from kfm_ci.rules.server.robustness import NOT_RESUMABLE
from kfm_ci.sql import statements, transactions
from kfm_ci.sql.identifiers import dotted, relation
from kfm_ci.sql.script import Script, Statement

MAX_INTERRUPTIONS = 12
"""Interruptions of one file; in a longer file they are spread evenly."""

SESSION_COMMANDS = frozenset({"SET", "RESET", "SHOW"})
"""Commands without an effect after the session."""

_PERSISTENT = ". Its effects so far stay, because the file runs outside a transaction."
_CONCURRENTLY = re.compile(r"\bconcurrently\b", re.IGNORECASE)
_SHOWN = 5
"""Objects in a message."""

INVALID_INDEXES = """
select n.nspname, c.relname from pg_catalog.pg_index i
  join pg_catalog.pg_class c on c.oid operator(pg_catalog.=) i.indexrelid
  join pg_catalog.pg_namespace n on n.oid operator(pg_catalog.=) c.relnamespace
 where not i.indisvalid and c.relkind operator(pg_catalog.=) 'i'::pg_catalog."char" order by 1, 2
"""


@dataclass(frozen=True, slots=True, kw_only=True)
class Interruption:
    """One place at which a file can be interrupted."""

    finished: int
    """Number of statements that finished before."""
    within: bool = False
    """Whether the next one had begun: an interrupted concurrent index build leaves an invalid index."""


def can_interrupt(script: Script) -> bool:
    """Whether an interruption leaves a script half applied: it runs statement by statement outside a transaction."""
    return (
        not script.implicit_transaction
        and transactions.mode(script) is Mode.AUTOCOMMIT
        and bool(interruptions(statements.of(script)))
    )


def interruptions(parts: tuple[Statement, ...]) -> tuple[Interruption, ...]:
    """Return the interruptions of a file of these statements that leave effects behind, in order."""
    first = next(
        (number for number, part in enumerate(parts) if statements.kind(part.text) not in SESSION_COMMANDS), len(parts)
    )
    found = [Interruption(finished=number) for number in range(first + 1, len(parts))]
    found += [
        Interruption(finished=number, within=True)
        for number, part in enumerate(parts)
        if _concurrently_indexed(part) is not None
    ]
    found.sort(key=lambda item: (item.finished, item.within))
    step = max(1, -(-len(found) // MAX_INTERRUPTIONS))
    return tuple(found[::step])


def check(
    replay: Replay, migration: Migration, script: Script, expected: Catalog, *, transaction: str | None = None
) -> Finding | None:
    """Interrupt a script at each place on a clone and run it again; return a finding on the first that fails, or None.

    Before the second run invalid indexes of the first one are dropped, as kfm-ci does when it resumes. ``expected`` is
    the schema after an uninterrupted run; ``transaction`` says how a migration of this tool gets a transaction.
    """
    parts = statements.of(script)
    replay.disconnect()
    for interruption in interruptions(parts):
        with open_replay(replay.databases, replay.database) as clone:
            problem = _resume(clone, script, parts, interruption, expected)
        if problem is not None:
            return _finding(migration, script, parts, interruption, problem, transaction)
    return None


def merge(up: Finding, down: Finding) -> Finding:
    """Return the findings on the up and the down section of one file as one finding."""
    rollback = down.message.partition(_PERSISTENT)[0].removeprefix("If ")
    return replace(up, message=f"{up.message} The same holds for the rollback: if {rollback}.")


@dataclass(frozen=True, slots=True, kw_only=True)
class _Problem:
    """An error of the second run, or its different schema."""

    error: str | None = None
    line: int | None = None
    difference: str | None = None
    invalid: tuple[str, ...] = ()
    """Invalid indexes that were dropped before the second run."""


def _resume(
    clone: Replay, script: Script, parts: tuple[Statement, ...], interruption: Interruption, expected: Catalog
) -> _Problem | None:
    session = clone.session
    existing = _invalid_indexes(session) if interruption.within else []
    try:
        for part in parts[: interruption.finished]:
            execute.send(session, part)
    except psycopg.Error:
        return None  # the statement succeeded when it was applied, so its effect differs in each run
    if interruption.within and not _interrupt_build(clone, session, parts[interruption.finished]):
        return None
    session = clone.session
    invalid = [name for name in _invalid_indexes(session) if name not in existing] if interruption.within else []
    for name in invalid:
        session.execute(sql.SQL("drop index concurrently {}").format(sql.Identifier(*name)))
    applied = clone.run(script)
    names = tuple(dotted(*name) for name in invalid)
    if applied.outcome is Outcome.FAILED:
        return _Problem(error=applied.error, line=applied.line, invalid=names)
    difference = catalog.without_timestamps(catalog.diff(expected, catalog.read(clone.session)))
    if difference.empty:
        return None
    return _Problem(difference=", ".join(difference.names[:_SHOWN]), invalid=names)


def _interrupt_build(clone: Replay, session: Connection[Any], part: Statement) -> bool:
    """Block an index build by a writer until its lock timeout; return whether it was interrupted."""
    table = _concurrently_indexed(part)
    session.execute("set lock_timeout = 20")
    with clone.databases.connect(clone.database) as writer:
        try:
            with writer.transaction():
                writer.execute(f"lock table {table} in row exclusive mode".encode())
                session.execute(part.text.encode())
        except psycopg.Error as error:
            return isinstance(error, psycopg.errors.LockNotAvailable)
    return False


def _concurrently_indexed(part: Statement) -> str | None:
    """Return the table of a ``CREATE INDEX CONCURRENTLY``; None for any other statement."""
    try:
        trees = statements.parse(part.text)
    except statements.SyntaxProblem:
        return None
    if len(trees) != 1 or trees[0].tag != "IndexStmt" or not trees[0].flag("concurrent"):
        return None
    table = trees[0].one("relation")
    return relation(table) if table is not None else None


def _invalid_indexes(connection: Connection[Any]) -> list[tuple[str, str]]:
    return [(schema, name) for schema, name in connection.execute(INVALID_INDEXES).fetchall()]


def _finding(
    migration: Migration,
    script: Script,
    parts: tuple[Statement, ...],
    interruption: Interruption,
    problem: _Problem,
    transaction: str | None,
) -> Finding:
    last = parts[interruption.finished] if interruption.within else parts[interruption.finished - 1]
    where = f"{'during' if interruption.within else 'after'} the statement on line {last.line}"
    cleared = f" and the invalid index {', '.join(problem.invalid)} is dropped" if problem.invalid else ""
    outcome = (
        f"re-running the file fails on line {problem.line}: {problem.error}"
        if problem.error
        else f"re-running the file gives a different schema: {problem.difference}"
    )
    rest = parts[interruption.finished].line if interruption.finished < len(parts) else last.line
    needs_own_file = transaction is None or any(_CONCURRENTLY.search(part.text) for part in parts)
    action = "Move each statement to its own file" if needs_own_file else f"Run all in one transaction ({transaction})"
    return script_finding(
        NOT_RESUMABLE,
        migration,
        script,
        f"If it is interrupted {where}{cleared}, {outcome}{_PERSISTENT}",
        help=f"{action}, or make each statement safe to re-run (`if exists`, `if not exists`). After an interruption, "
        f"run the rest by hand from line {rest} on.",
        severity=Severity.WARNING,
        line=problem.line or last.line,
    )
