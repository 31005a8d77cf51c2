"""Failures that code caught: counted by the place where they were, on empty tables and on rows.

The server tells nobody of a failure that PL/pgSQL catches. But it tells at level DEBUG5 of each subtransaction that it
gives up, and where it stood; and with ``exit_on_error`` the first failure ends the session, in the server's own words.
"""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field
from itertools import islice
from typing import Any

import psycopg
from psycopg import Connection
from psycopg.errors import Diagnostic

from kfm_ci.evidence.data_dependence.schema_divergence import calls
from kfm_ci.model import Outcome
from kfm_ci.postgres import run_script
from kfm_ci.postgres.script_outcome import ScriptOutcome
from kfm_ci.postgres.session import reset
from kfm_ci.sql import transactions
from kfm_ci.sql.script import Script, Statement

# A line for each level of nesting, the outermost first: one of them for each subtransaction.
_GIVEN_UP = "AbortSubTransaction(1) "
_PLACE = re.compile(r"PL/pgSQL function (.+) line (\d+) ")
_BLOCK = "inline_code_block"
_OTHERS = re.compile(r"\bothers\b", re.IGNORECASE)
_CATCHING = r"""
select from pg_catalog.pg_proc p
 where p.oid >= 16384 and p.prosrc ~* '\mothers\M'
   and not exists (select from pg_catalog.pg_depend d
                    where d.classid = 'pg_catalog.pg_proc'::regclass and d.objid = p.oid and d.deptype = 'e')
 limit 1
"""
_DEFINITION = "select pg_catalog.pg_get_functiondef(pg_catalog.to_regprocedure(%s))"
_LEVEL = "select pg_catalog.set_config('client_min_messages', %s, false)"


@dataclass(frozen=True, slots=True, kw_only=True)
class HandlerPlace:
    """Where a failure was caught: the statement of a body that failed."""

    function: str | None
    """As the server writes it, with the types of its arguments; None in a ``do``."""
    line: int
    """1-based line of the body."""


@dataclass(frozen=True, slots=True, kw_only=True)
class CaughtException:
    """What rows alone made fail inside one statement."""

    statement: Statement
    place: HandlerPlace
    times: int


def compare(script: Script, *, bare: Connection[Any], seeded: Connection[Any]) -> tuple[CaughtException, ...]:
    """Apply a script to a database without rows and one with; return what was caught more often on rows."""
    return tuple(
        CaughtException(statement=statement, place=place, times=times)
        for (statement, expected), (_, got) in zip(_course(bare, script), _course(seeded, script), strict=False)
        for place, times in (got - expected).items()
    )


def failure(script: Script, caught: CaughtException, seeded: Connection[Any]) -> ScriptOutcome | None:
    """Return what was caught, from a database with rows whose session it ends; None when another failure came first."""
    try:
        reset(seeded)
        run_script.apply(seeded, script, watcher=_Ending(statement=caught.statement))
    except psycopg.Error as error:
        diag = error.diag
        if caught.place in _places(diag.context or ""):
            return ScriptOutcome(
                outcome=Outcome.FAILED,
                mode=transactions.mode(script),
                duration_ms=0.0,
                sqlstate=diag.sqlstate,
                error=f"{diag.sqlstate}: {diag.message_primary}",
                statement=caught.statement,
                failure=error,
            )
    return None


def possible(scripts: Iterable[Script], connection: Connection[Any]) -> bool:
    """Whether a script, or a routine of the application, has a handler that catches whatever comes."""
    if any(_OTHERS.search(script.text) for script in scripts):
        return True
    return connection.execute(_CATCHING).fetchone() is not None


def definition(caught: CaughtException, connection: Connection[Any]) -> str:
    """Return the ``do`` or the ``create function`` in which it was caught; empty when the routine is not found."""
    if caught.place.function is None:
        return caught.statement.text
    row = connection.execute(_DEFINITION, (caught.place.function,)).fetchone()
    return str(row[0]) if row and row[0] else ""


@dataclass(slots=True, kw_only=True)
class _Counting:
    """Counts what is caught inside each statement that runs code."""

    counted: list[tuple[Statement, Counter[HandlerPlace]]] = field(default_factory=list)
    _level: str | None = None

    def before(self, connection: Connection[Any], statement: Statement) -> None:
        """Have the server tell."""
        if calls(statement):
            row = connection.execute("select pg_catalog.current_setting('client_min_messages')").fetchone()
            self._level = row[0] if row else None
            self.counted.append((statement, Counter()))
            connection.execute(_LEVEL, ("debug5",))

    def after(self, connection: Connection[Any], statement: Statement, *, error: Exception | None, **_: object) -> None:
        """Let it be silent again."""
        if self._level is not None and error is None:
            connection.execute(_LEVEL, (self._level,))
        self._level = None

    def hear(self, said: Diagnostic) -> None:
        """Take in a message."""
        if self._level is not None and (said.message_primary or "").startswith(_GIVEN_UP):
            self.counted[-1][1].update(islice(_places(said.context or ""), 1))


@dataclass(frozen=True, slots=True, kw_only=True)
class _Ending:
    """Lets the first failure inside one statement end the session."""

    statement: Statement

    def before(self, connection: Connection[Any], statement: Statement) -> None:
        """Set it so."""
        if statement == self.statement:
            connection.execute("set exit_on_error = on")

    def after(self, connection: Connection[Any], statement: Statement, **_: object) -> None:
        """Nothing failed."""


def _course(connection: Connection[Any], script: Script) -> list[tuple[Statement, Counter[HandlerPlace]]]:
    counting = _Counting()
    reset(connection)
    connection.add_notice_handler(counting.hear)
    try:
        done = run_script.apply(connection, script, watcher=counting)
    finally:
        connection.remove_notice_handler(counting.hear)
    return counting.counted if done.outcome is Outcome.APPLIED else []


def _places(context: str) -> Iterator[HandlerPlace]:
    """Yield where the bodies stood, the innermost first."""
    for found in _PLACE.finditer(context):
        yield HandlerPlace(function=None if found[1] == _BLOCK else found[1], line=int(found[2]))
