"""Exceptions caught in PL/pgSQL, counted by place: on empty tables, and on rows.

PostgreSQL does not report a caught exception. At level DEBUG5 it reports each subtransaction that it aborts, with the
context; and with ``exit_on_error`` the first error ends the session and is reported.
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

from kfm_ci.evidence.data_dependence.schema_divergence import runs_code
from kfm_ci.model import Outcome
from kfm_ci.postgres import run_script
from kfm_ci.postgres.script_outcome import ScriptOutcome
from kfm_ci.postgres.session import reset
from kfm_ci.sql import transactions
from kfm_ci.sql.script import Script, Statement

# PostgreSQL sends one line for each level of nesting, the outermost first; this one is sent once per subtransaction.
_ABORTED = "AbortSubTransaction(1) "
_PLACE = re.compile(r"PL/pgSQL function (.+) line (\d+) ")
_BLOCK = "inline_code_block"
_OTHERS = re.compile(r"\bothers\b", re.IGNORECASE)
_OTHERS_HANDLERS = r"""
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
    """The failed statement in a PL/pgSQL body whose error was caught."""

    function: str | None
    """Name with argument types, as PostgreSQL prints it; None in a ``DO`` block."""
    line: int
    """1-based line of the body."""


@dataclass(frozen=True, slots=True, kw_only=True)
class CaughtException:
    """An exception inside one statement that occurs on rows only."""

    statement: Statement
    place: HandlerPlace
    times: int
    """How often more than on empty tables."""


def compare_runs(script: Script, *, empty: Connection[Any], seeded: Connection[Any]) -> tuple[CaughtException, ...]:
    """Apply a script to a database without rows and to one with rows; return exceptions caught more often on rows."""
    return tuple(
        CaughtException(statement=statement, place=place, times=times)
        for (statement, expected), (_, got) in zip(_counts(empty, script), _counts(seeded, script), strict=False)
        for place, times in (got - expected).items()
    )


def reproduce(script: Script, caught: CaughtException, seeded: Connection[Any]) -> ScriptOutcome | None:
    """Return the caught error as a failed run on rows; ends the session. None when another error comes first."""
    try:
        reset(seeded)
        run_script.apply(seeded, script, watcher=_ExitOnError(statement=caught.statement))
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


def has_others_handler(scripts: Iterable[Script], connection: Connection[Any]) -> bool:
    """Whether a script or a routine of the application has an ``EXCEPTION WHEN OTHERS``."""
    if any(_OTHERS.search(script.text) for script in scripts):
        return True
    return connection.execute(_OTHERS_HANDLERS).fetchone() is not None


def read_definition(caught: CaughtException, connection: Connection[Any]) -> str:
    """Return the ``DO`` or ``CREATE FUNCTION`` with the handler; empty when the routine is not found."""
    if caught.place.function is None:
        return caught.statement.text
    row = connection.execute(_DEFINITION, (caught.place.function,)).fetchone()
    return str(row[0]) if row and row[0] else ""


@dataclass(slots=True, kw_only=True)
class _ExceptionCounter:
    """Counts the exceptions caught inside each statement that runs code."""

    counts: list[tuple[Statement, Counter[HandlerPlace]]] = field(default_factory=list)
    _level: str | None = None

    def before(self, connection: Connection[Any], statement: Statement) -> None:
        """Raise the level of messages to DEBUG5."""
        if runs_code(statement):
            row = connection.execute("select pg_catalog.current_setting('client_min_messages')").fetchone()
            self._level = row[0] if row else None
            self.counts.append((statement, Counter()))
            connection.execute(_LEVEL, ("debug5",))

    def after(self, connection: Connection[Any], statement: Statement, *, error: Exception | None, **_: object) -> None:
        """Restore the level of messages."""
        if self._level is not None and error is None:
            connection.execute(_LEVEL, (self._level,))
        self._level = None

    def receive(self, notice: Diagnostic) -> None:
        """Count the message of an aborted subtransaction."""
        if self._level is not None and (notice.message_primary or "").startswith(_ABORTED):
            self.counts[-1][1].update(islice(_places(notice.context or ""), 1))


@dataclass(frozen=True, slots=True, kw_only=True)
class _ExitOnError:
    """Ends the session at the first error inside one statement."""

    statement: Statement

    def before(self, connection: Connection[Any], statement: Statement) -> None:
        """Set ``exit_on_error`` before the statement."""
        if statement == self.statement:
            connection.execute("set exit_on_error = on")

    def after(self, connection: Connection[Any], statement: Statement, **_: object) -> None:
        """Do nothing."""


def _counts(connection: Connection[Any], script: Script) -> list[tuple[Statement, Counter[HandlerPlace]]]:
    counter = _ExceptionCounter()
    reset(connection)
    connection.add_notice_handler(counter.receive)
    try:
        applied = run_script.apply(connection, script, watcher=counter)
    finally:
        connection.remove_notice_handler(counter.receive)
    return counter.counts if applied.outcome is Outcome.APPLIED else []


def _places(context: str) -> Iterator[HandlerPlace]:
    """Yield the places of the PL/pgSQL bodies in a context, the innermost first."""
    for found in _PLACE.finditer(context):
        yield HandlerPlace(function=None if found[1] == _BLOCK else found[1], line=int(found[2]))
