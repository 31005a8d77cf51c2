"""A file outside a transaction, stopped after each of its statements in turn and run again."""

from __future__ import annotations

import re
from dataclasses import dataclass, replace
from typing import Any

import psycopg
from psycopg import Connection, sql

from kfm_ci.evidence.robustness.model import script_finding
from kfm_ci.evidence.robustness.replay import Replay, walk
from kfm_ci.migrations.model import Migration
from kfm_ci.model import Finding, Mode, Outcome, Severity
from kfm_ci.postgres import catalog, execute
from kfm_ci.postgres.catalog import Catalog
from kfm_ci.rules.server.robustness import NOT_RESUMABLE
from kfm_ci.sql import statements, transactions
from kfm_ci.sql.identifiers import dotted, relation
from kfm_ci.sql.script import Script, Statement

STOPS = 12
"""At most so many places of one file; of a longer one they are spread evenly."""

PASSING = frozenset({"SET", "RESET", "SHOW"})
"""Commands of which nothing is left when the session ends."""

_STAYS = ". Its effects so far stay, because the file runs outside a transaction."
_CONCURRENTLY = re.compile(r"\bconcurrently\b", re.IGNORECASE)

INVALID = """
select n.nspname, c.relname from pg_catalog.pg_index i join pg_catalog.pg_class c on c.oid = i.indexrelid
  join pg_catalog.pg_namespace n on n.oid = c.relnamespace where not i.indisvalid and c.relkind = 'i' order by 1, 2
"""


@dataclass(frozen=True, slots=True, kw_only=True)
class Stop:
    """One place at which a file can be cut off."""

    done: int
    """Statements that finished before."""
    within: bool = False
    """Whether the next one had begun: an index build that was cut off leaves an invalid index."""


def concerns(script: Script) -> bool:
    """Whether a script can be cut off half way: it runs statement by statement, outside a transaction."""
    return (
        not script.implicit_transaction
        and transactions.mode(script) is Mode.AUTOCOMMIT
        and bool(stops(statements.of(script)))
    )


def stops(parts: tuple[Statement, ...]) -> tuple[Stop, ...]:
    """Return where a file of these statements can be cut off and leave something behind, in order."""
    first = next((number for number, part in enumerate(parts) if statements.kind(part.text) not in PASSING), len(parts))
    found = [Stop(done=number) for number in range(first + 1, len(parts))]
    found += [Stop(done=number, within=True) for number, part in enumerate(parts) if _built(part) is not None]
    found.sort(key=lambda stop: (stop.done, stop.within))
    step = max(1, -(-len(found) // STOPS))
    return tuple(found[::step])


def rehearse(
    course: Replay, migration: Migration, script: Script, expected: Catalog, *, transaction: str | None = None
) -> Finding | None:
    """Cut a script off at every stop on copies of where a course stands; return the first that needs a human, or None.

    Before a file is run again, what our own runner would clear away is cleared: indexes that the first attempt left
    invalid. ``expected`` is the schema after a clean run; ``transaction`` tells how a program gets one from its tool.
    """
    parts = statements.of(script)
    course.leave()
    for stop in stops(parts):
        with walk(course.ground, course.database) as copy:
            problem = _resume(copy, script, parts, stop, expected)
        if problem is not None:
            return _finding(migration, script, parts, stop, problem, transaction)
    return None


def joined(up: Finding, back: Finding) -> Finding:
    """Return the findings on the up and the down section of one file as one."""
    down = back.message.partition(_STAYS)[0].removeprefix("If ")
    return replace(up, message=f"{up.message} The same holds for the rollback: if {down}.")


@dataclass(frozen=True, slots=True, kw_only=True)
class _Problem:
    error: str | None = None
    line: int | None = None
    difference: str | None = None
    invalid: tuple[str, ...] = ()


def _resume(
    copy: Replay, script: Script, parts: tuple[Statement, ...], stop: Stop, expected: Catalog
) -> _Problem | None:
    session = copy.session
    known = _invalid(session) if stop.within else []
    try:
        for part in parts[: stop.done]:
            execute.send(session, part)
    except psycopg.Error:
        return None  # it went through when it was watched: what it does is another thing each time
    if stop.within and not _cut_off(copy, session, parts[stop.done]):
        return None
    session = copy.session
    left = [name for name in _invalid(session) if name not in known] if stop.within else []
    for name in left:
        session.execute(sql.SQL("drop index concurrently {}").format(sql.Identifier(*name)))
    done = copy.run(script)
    names = tuple(dotted(*name) for name in left)
    if done.outcome is Outcome.FAILED:
        return _Problem(error=done.error, line=done.line, invalid=names)
    difference = catalog.without_timestamps(catalog.diff(expected, catalog.read(copy.session)))
    if difference.empty:
        return None
    changed = (*difference.added, *difference.removed, *(name for name, _, _ in difference.changed))
    return _Problem(difference=", ".join(changed[:5]), invalid=names)


def _cut_off(copy: Replay, session: Connection[Any], part: Statement) -> bool:
    """Let an index build wait for a writer until its time is up, as one that is killed; return whether it was cut off."""
    table = _built(part)
    session.execute("set lock_timeout = 20")
    with copy.ground.connect(copy.database) as writer:
        try:
            with writer.transaction():
                writer.execute(f"lock table {table} in row exclusive mode".encode())
                session.execute(part.text.encode())
        except psycopg.Error as error:
            return isinstance(error, psycopg.errors.LockNotAvailable)
    return False


def _built(part: Statement) -> str | None:
    """Return the table that a statement builds an index on concurrently; None for any other statement."""
    try:
        trees = statements.parse(part.text)
    except statements.SyntaxProblem:
        return None
    if len(trees) != 1 or trees[0].tag != "IndexStmt" or not trees[0].flag("concurrent"):
        return None
    table = trees[0].one("relation")
    return relation(table) if table is not None else None


def _invalid(connection: Connection[Any]) -> list[tuple[str, str]]:
    return [(schema, name) for schema, name in connection.execute(INVALID).fetchall()]


def _finding(
    migration: Migration,
    script: Script,
    parts: tuple[Statement, ...],
    stop: Stop,
    problem: _Problem,
    transaction: str | None,
) -> Finding:
    last = parts[stop.done] if stop.within else parts[stop.done - 1]
    where = f"{'during' if stop.within else 'after'} the statement on line {last.line}"
    cleared = f" and the invalid index {', '.join(problem.invalid)} is dropped" if problem.invalid else ""
    outcome = (
        f"re-running the file fails on line {problem.line}: {problem.error}"
        if problem.error
        else f"re-running the file gives a different schema: {problem.difference}"
    )
    rest = parts[stop.done].line if stop.done < len(parts) else last.line
    alone = transaction is None or any(_CONCURRENTLY.search(part.text) for part in parts)
    way = "Move each statement to its own file" if alone else f"Run all in one transaction ({transaction})"
    return script_finding(
        NOT_RESUMABLE,
        migration,
        script,
        f"If it is interrupted {where}{cleared}, {outcome}{_STAYS}",
        help=f"{way}, or make each statement safe to re-run (`if exists`, `if not exists`). After an interruption, run the "
        f"rest by hand from line {rest} on.",
        severity=Severity.WARNING,
        line=problem.line or last.line,
    )
