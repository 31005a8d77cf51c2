"""Running one migration: an outcome that the server confirmed, never a guess."""

from __future__ import annotations

import time
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, Final

import psycopg
from psycopg import Connection
from psycopg.pq import TransactionStatus

from kfm_ci.model import Mode, Outcome, Resumption
from kfm_ci.postgres import execute, ledger, written_relations
from kfm_ci.postgres.execute import StatementFailed, Watcher
from kfm_ci.postgres.ledger import Entry
from kfm_ci.postgres.session import exhausted
from kfm_ci.sql import copy_data, statements, transactions
from kfm_ci.sql.script import Script, Statement

_TRANSACTION: Final = "select pg_current_xact_id()::text"


Look = Callable[[Connection[Any], frozenset[int] | None], None]
"""Whoever looks at what a script did before it is rolled back; given OIDs of relations as ``Applied.touched``."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Applied:
    """What became of a script."""

    outcome: Outcome
    mode: Mode
    duration_ms: float
    error: str | None = None
    """SQLSTATE and the server's message."""
    sqlstate: str | None = None
    line: int | None = None
    """1-based line of the file on which it failed."""
    column: int | None = None
    statement: Statement | None = None
    """The statement that failed."""
    failure: psycopg.Error | None = None
    escaped: bool = False
    """Whether it left the transaction it was given."""
    touched: frozenset[int] | None = None
    """OIDs of all relations whose rows may have changed; None: any may, or nobody asked."""


class _Escaped(Exception):
    """The script ended the transaction that it runs in, or left one of its own open, from a line on."""

    def __init__(self, message: str, line: int) -> None:
        super().__init__(message)
        self.line = line


def run(
    connection: Connection[Any],
    script: Script,
    *,
    entry: Entry | None,
    watcher: Watcher | None = None,
    keep: bool = True,
    traced: bool = False,
    look: Look | None = None,
    apart: bool = False,
) -> Applied:
    """Run a script on a fresh session, with its ledger entry in the same transaction where there is one.

    ``traced`` asks which relations it wrote to. ``keep=False`` rolls it back at the end, after a ``look`` at what it
    did, as the session's own user (both only for what runs in a transaction). ``apart`` sends statement by statement,
    so that a failure names the one at fault. A server that is dead or has no room
    left is raised as psycopg's error; every other answer is a value.
    """
    mode = transactions.mode(script)
    began = time.perf_counter()
    written: frozenset[int] | None = None
    try:
        if mode is Mode.TRANSACTION:
            written = _in_transaction(
                connection,
                script,
                entry,
                watcher,
                keep=keep,
                traced=traced or look is not None,
                look=look,
                apart=apart or _parted(script),
            )
        else:
            _in_autocommit(connection, script, entry, watcher)
    except _Escaped as escaped:
        connection.rollback()
        return Applied(
            outcome=Outcome.FAILED,
            mode=mode,
            duration_ms=_since(began),
            escaped=True,
            error=str(escaped),
            line=escaped.line,
        )
    except StatementFailed as failed:
        if connection.info.transaction_status == TransactionStatus.UNKNOWN:
            raise failed.error from failed
        connection.rollback()
        if exhausted(failed.error):
            raise failed.error from failed
        return _failure(failed, mode, _since(began))
    return Applied(outcome=Outcome.APPLIED, mode=mode, duration_ms=_since(began), touched=written)


def together(connection: Connection[Any], scripts: tuple[Script, ...]) -> tuple[int, Applied] | None:
    """Run scripts in one transaction; return which failed and how, or None when all are committed."""
    began = time.perf_counter()
    reached = 0
    try:
        connection.execute("begin")
        for number, script in enumerate(scripts):
            reached = number
            parts = statements.of(script)
            if transactions.resumption(script) is Resumption.ANEW:
                execute.as_one_message(connection, parts, None)
            else:
                for part in parts:
                    execute.watched(connection, part, None)
        connection.execute("commit")
    except StatementFailed as failed:
        if connection.info.transaction_status == TransactionStatus.UNKNOWN:
            raise failed.error from failed
        connection.rollback()
        return reached, _failure(failed, Mode.TRANSACTION, _since(began))
    except psycopg.errors.DatabaseError as error:  # a deferred constraint speaks at the commit
        if connection.info.transaction_status == TransactionStatus.UNKNOWN:
            raise
        connection.rollback()
        return reached, _failure(StatementFailed(error, None), Mode.TRANSACTION, _since(began))
    return None


def _in_transaction(
    connection: Connection[Any],
    script: Script,
    entry: Entry | None,
    watcher: Watcher | None,
    *,
    keep: bool,
    traced: bool,
    look: Look | None,
    apart: bool,
) -> frozenset[int] | None:
    written: frozenset[int] | None = None
    guarded = transactions.may_leave(script)
    whole = watcher is None and not apart and not copy_data.possible(script.text)
    asked = guarded or traced or look is not None or entry is not None
    if whole and keep and not asked and _at_once(connection, script):
        return None
    before = _begin(connection, guarded=guarded)
    if whole:
        execute.deliver(connection, _entire(script))
    else:
        for part in statements.of(script):
            execute.watched(connection, part, watcher)
    if connection.info.transaction_status != TransactionStatus.INTRANS:
        raise _ended(script)
    if guarded and before != connection.execute(_TRANSACTION).fetchone():
        raise _ended(script)
    recorded = entry if keep else None
    try:
        if traced or look is not None or recorded is not None or not keep:
            written_relations.settle(connection)
        if traced:
            written = written_relations.relations(connection)
        if look is not None or recorded is not None:
            # the migration may have changed role or search_path; what is ours is done as the session's own user
            connection.execute("reset session authorization; reset role")
        if recorded is not None:
            ledger.record(connection, recorded)
        if look is not None:
            look(connection, written)
        connection.execute("commit" if keep else "rollback")
    except psycopg.Error as error:
        raise StatementFailed(error, next(reversed(statements.of(script)), None)) from error
    return written


def _at_once(connection: Connection[Any], script: Script) -> bool:
    """Run a script with the borders of its transaction in one message, for a base has hundreds; whether it is committed.

    What the server refuses has left nothing, and is to be sent once more: its message must speak of the file's text alone.
    """
    try:
        execute.plainly(connection, f"begin;{script.text}\n;commit")
    except psycopg.Error:
        if connection.info.transaction_status == TransactionStatus.UNKNOWN:
            raise
        connection.rollback()
        return False
    return True


def _parted(script: Script) -> bool:
    """Whether it makes a difference that the script is sent statement by statement: some run when it has committed."""
    return (
        not script.implicit_transaction
        and transactions.may_leave(script)
        and any(map(transactions.leaves_transaction, statements.of(script)))
    )


def _begin(connection: Connection[Any], *, guarded: bool) -> tuple[Any, ...] | None:
    """Open a transaction; return what names it where a script could end it and begin another."""
    if not guarded:
        connection.execute("begin")
        return None
    with connection.cursor() as cursor:
        cursor.execute(f"begin; {_TRANSACTION}")
        cursor.nextset()
        return cursor.fetchone()


def _entire(script: Script) -> Statement:
    """Return a script as one message."""
    line = script.first_line
    return Statement(text=script.text, raw=script.text, line=line, column=1, end_line=line, offset=0)


def _ended(script: Script) -> _Escaped:
    parts = statements.of(script)
    line = next((part.line for part in parts if transactions.leaves_transaction(part)), script.first_line)
    return _Escaped("the file ended the transaction it was given", line)


def _in_autocommit(connection: Connection[Any], script: Script, entry: Entry | None, watcher: Watcher | None) -> None:
    parts, resumed = statements.of(script), transactions.resumption(script)
    if entry is not None:
        with connection.transaction():
            ledger.start(connection, entry)
    if resumed is not None:
        connection.execute("begin")
    if (script.implicit_transaction and len(parts) > 1) or resumed is Resumption.ANEW:
        execute.as_one_message(connection, parts, watcher)
    else:
        for part in parts:
            execute.watched(connection, part, watcher)
    if resumed is not None and connection.info.transaction_status == TransactionStatus.INTRANS:
        execute.commit(connection, parts)
    if connection.info.transaction_status != TransactionStatus.IDLE:
        begins = [part for part in parts if transactions.controls_transaction(part)][-1:] or parts[-1:]
        raise _Escaped(
            "the file leaves a transaction open: what it did in it is lost when the session ends", begins[0].line
        )
    if entry is not None:
        with connection.transaction():
            ledger.record(connection, entry)


def _failure(failed: StatementFailed, mode: Mode, duration_ms: float) -> Applied:
    diag = failed.error.diag
    part = failed.statement
    line = column = None
    if part is not None:
        line, column = part.line, part.column
        position = int(diag.statement_position or 0)
        if position:
            before = part.text[: position - 1]
            line = part.line + before.count("\n")
            column = position - 1 - before.rfind("\n") if "\n" in before else part.column + position - 1
    message = diag.message_primary or str(failed.error)
    detail = f" ({diag.message_hint})" if diag.message_hint else ""
    return Applied(
        outcome=Outcome.FAILED,
        mode=mode,
        duration_ms=duration_ms,
        error=f"{diag.sqlstate}: {message}{detail}",
        sqlstate=diag.sqlstate,
        line=line,
        column=column,
        statement=part,
        failure=failed.error,
    )


def _since(began: float) -> float:
    return (time.perf_counter() - began) * 1000.0
