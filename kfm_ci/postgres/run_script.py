"""Execution of one script: applied, dry-run or replayed, with the outcome as the server reports it."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from functools import partial
from typing import Any, Final

import psycopg
from psycopg import Connection
from psycopg.pq import TransactionStatus

from kfm_ci.model import Mode, Outcome, Resumption
from kfm_ci.postgres import execute, ledger, written_relations
from kfm_ci.postgres.execute import StatementFailed, Watcher
from kfm_ci.postgres.ledger import Entry
from kfm_ci.postgres.script_outcome import ScriptOutcome, failure
from kfm_ci.postgres.session import is_out_of_resources
from kfm_ci.sql import copy_data, statements, transactions
from kfm_ci.sql.script import Script, Statement

_TRANSACTION: Final = "select pg_catalog.pg_current_xact_id()::pg_catalog.text"

SnapshotReader = Callable[[Connection[Any], frozenset[int] | None], None]
"""Reads the effects of a script before it is rolled back; given OIDs of relations as ``ScriptOutcome.touched``."""


class _TransactionLeft(Exception):
    """The script ended the transaction that it runs in, or left one open; with the line of the statement."""

    def __init__(self, message: str, line: int) -> None:
        super().__init__(message)
        self.line = line


def apply(
    connection: Connection[Any],
    script: Script,
    entry: Entry | None = None,
    *,
    watcher: Watcher | None = None,
    traced: bool = False,
) -> ScriptOutcome:
    """Run and commit a script on a fresh session, with its ledger entry in the same transaction if it has one.

    ``traced``: whether the relations that it may have written to are returned. A server that is dead or has no room
    left is raised as psycopg's error; every other error is returned.
    """
    if transactions.mode(script) is Mode.AUTOCOMMIT:
        return _run(connection, script, partial(_in_autocommit, connection, script, entry, watcher))
    return _run(connection, script, partial(_apply_in_transaction, connection, script, entry, watcher, traced=traced))


def dry_run(connection: Connection[Any], script: Script, snapshot: SnapshotReader | None = None) -> ScriptOutcome:
    """Run a script in a transaction and roll it back; ``snapshot`` reads its effects first, as the session's user.

    Raises as ``apply`` does, and ValueError for a script that cannot run in a transaction: it cannot be rolled back.
    """
    if transactions.mode(script) is Mode.AUTOCOMMIT:
        raise ValueError(f"{script.file.path} cannot run in a transaction")
    return _run(connection, script, partial(_dry_run_in_transaction, connection, script, snapshot))


def replay(connection: Connection[Any], script: Script, failed: ScriptOutcome) -> ScriptOutcome:
    """Return the outcome of a failed script with the statement of its error.

    A script that ran as one message runs again, statement by statement, and is rolled back; raises as ``apply`` does.
    Any other script has run by statement, and a part of it may be committed: it does not run again.
    """
    if not _is_rolled_back_whole(script):
        return failed
    again = _run(connection, script, partial(_replay_in_transaction, connection, script))
    return again if again.sqlstate == failed.sqlstate else failed


def _run(connection: Connection[Any], script: Script, execution: Callable[[], frozenset[int] | None]) -> ScriptOutcome:
    mode = transactions.mode(script)
    began = time.perf_counter()
    try:
        written = execution()
    except _TransactionLeft as escaped:
        connection.rollback()
        return ScriptOutcome(
            outcome=Outcome.FAILED,
            mode=mode,
            duration_ms=_elapsed_ms(began),
            escaped=True,
            error=str(escaped),
            line=escaped.line,
        )
    except StatementFailed as failed:
        if connection.info.transaction_status == TransactionStatus.UNKNOWN:
            raise failed.error from failed
        connection.rollback()
        if is_out_of_resources(failed.error):
            raise failed.error from failed
        return failure(failed, mode, _elapsed_ms(began))
    return ScriptOutcome(outcome=Outcome.APPLIED, mode=mode, duration_ms=_elapsed_ms(began), touched=written)


def apply_in_one_transaction(
    connection: Connection[Any], scripts: tuple[Script, ...]
) -> tuple[int, ScriptOutcome] | None:
    """Run scripts in one transaction; return the index and outcome of the failed one, or None if all are committed."""
    began = time.perf_counter()
    reached = 0
    try:
        connection.execute("begin")
        for number, script in enumerate(scripts):
            reached = number
            parts = statements.of(script)
            if transactions.resumption(script) is Resumption.NEW_TRANSACTION:
                execute.run_as_one_message(connection, parts, None)
            else:
                for part in parts:
                    execute.run_watched(connection, part, None)
        connection.execute("commit")
    except StatementFailed as failed:
        if connection.info.transaction_status == TransactionStatus.UNKNOWN:
            raise failed.error from failed
        connection.rollback()
        return reached, failure(failed, Mode.TRANSACTION, _elapsed_ms(began))
    except psycopg.errors.DatabaseError as error:  # a deferred constraint fails at the commit
        if connection.info.transaction_status == TransactionStatus.UNKNOWN:
            raise
        connection.rollback()
        return reached, failure(StatementFailed(error, None), Mode.TRANSACTION, _elapsed_ms(began))
    return None


def _apply_in_transaction(
    connection: Connection[Any], script: Script, entry: Entry | None, watcher: Watcher | None, *, traced: bool
) -> frozenset[int] | None:
    whole = watcher is None and _is_one_message(script)
    plain = entry is None and not traced and not transactions.may_leave(script)
    if whole and plain and _commit_in_one_message(connection, script):
        return None
    _execute_in_transaction(connection, script, watcher, whole=whole)
    written: frozenset[int] | None = None
    with _at_last_statement(script):
        if traced or entry is not None:
            written_relations.run_deferred(connection)
        if traced:
            written = written_relations.find_written(connection)
        if entry is not None:
            _return_to_session_user(connection)
            ledger.record(connection, entry)
        connection.execute("commit")
    return written


def _dry_run_in_transaction(
    connection: Connection[Any], script: Script, snapshot: SnapshotReader | None
) -> frozenset[int] | None:
    _execute_in_transaction(connection, script, None, whole=_is_one_message(script))
    written: frozenset[int] | None = None
    with _at_last_statement(script):
        written_relations.run_deferred(connection)
        if snapshot is not None:
            written = written_relations.find_written(connection)
            _return_to_session_user(connection)
            snapshot(connection, written)
        connection.execute("rollback")
    return written


def _replay_in_transaction(connection: Connection[Any], script: Script) -> frozenset[int] | None:
    _execute_in_transaction(connection, script, None, whole=False)
    with _at_last_statement(script):
        written_relations.run_deferred(connection)
        connection.execute("rollback")
    return None


def _execute_in_transaction(
    connection: Connection[Any], script: Script, watcher: Watcher | None, *, whole: bool
) -> None:
    """Open a transaction and run a script in it, as one message or by statement; raises when the script ends it."""
    guarded = transactions.may_leave(script)
    before = _begin(connection, guarded=guarded)
    if whole:
        execute.run(connection, _whole_statement(script))
    else:
        for part in statements.of(script):
            execute.run_watched(connection, part, watcher)
    if connection.info.transaction_status != TransactionStatus.INTRANS:
        raise _transaction_ended(script)
    if guarded and before != connection.execute(_TRANSACTION).fetchone():
        raise _transaction_ended(script)


@contextmanager
def _at_last_statement(script: Script) -> Iterator[None]:
    """Attribute an error at the end of the transaction, as of a deferred constraint, to the script's last statement."""
    try:
        yield
    except psycopg.Error as error:
        raise StatementFailed(error, next(reversed(statements.of(script)), None)) from error


def _return_to_session_user(connection: Connection[Any]) -> None:
    """Reset the role that the script may have set: the ledger and the snapshot belong to the session's own user."""
    connection.execute("reset session authorization; reset role")


def _commit_in_one_message(connection: Connection[Any], script: Script) -> bool:
    """Run a script with BEGIN and COMMIT in one message, which is faster for hundreds of scripts; whether it committed.

    A failed script is rolled back and must run again without them: PostgreSQL's error position counts their characters.
    """
    try:
        execute.run_message(connection, f"begin;{script.text}\n;commit")
    except psycopg.Error:
        if connection.info.transaction_status == TransactionStatus.UNKNOWN:
            raise
        connection.rollback()
        return False
    return True


def _is_one_message(script: Script) -> bool:
    """Whether a script runs as one simple-query message with the same effects as statement by statement."""
    return not copy_data.possible(script.text) and not _runs_after_commit(script)


def _is_rolled_back_whole(script: Script) -> bool:
    """Whether nothing of a script stays when it fails: it runs in a transaction that none of its statements ends."""
    if transactions.mode(script) is Mode.AUTOCOMMIT:
        return False
    return not transactions.may_leave(script) or not any(map(transactions.leaves_transaction, statements.of(script)))


def _runs_after_commit(script: Script) -> bool:
    """Whether some statements run after the script has committed, so that the effects differ from one message."""
    return (
        not script.implicit_transaction
        and transactions.may_leave(script)
        and any(map(transactions.leaves_transaction, statements.of(script)))
    )


def _begin(connection: Connection[Any], *, guarded: bool) -> tuple[Any, ...] | None:
    """Open a transaction; return its id if the script could end it and begin another."""
    if not guarded:
        connection.execute("begin")
        return None
    with connection.cursor() as cursor:
        cursor.execute(f"begin; {_TRANSACTION}")
        cursor.nextset()
        return cursor.fetchone()


def _whole_statement(script: Script) -> Statement:
    """Return the whole script as one statement."""
    line = script.first_line
    return Statement(text=script.text, raw=script.text, line=line, column=1, end_line=line, offset=0)


def _transaction_ended(script: Script) -> _TransactionLeft:
    parts = statements.of(script)
    line = next((part.line for part in parts if transactions.leaves_transaction(part)), script.first_line)
    return _TransactionLeft("the file ends the transaction that it runs in", line)


def _in_autocommit(
    connection: Connection[Any], script: Script, entry: Entry | None, watcher: Watcher | None
) -> frozenset[int] | None:
    parts, resumed = statements.of(script), transactions.resumption(script)
    if entry is not None:
        with connection.transaction():
            ledger.start(connection, entry)
    if resumed is not None:
        connection.execute("begin")
    if (script.implicit_transaction and len(parts) > 1) or resumed is Resumption.NEW_TRANSACTION:
        execute.run_as_one_message(connection, parts, watcher)
    else:
        for part in parts:
            execute.run_watched(connection, part, watcher)
    if resumed is not None and connection.info.transaction_status == TransactionStatus.INTRANS:
        execute.commit(connection, parts)
    if connection.info.transaction_status != TransactionStatus.IDLE:
        begins = [part for part in parts if transactions.controls_transaction(part)][-1:] or parts[-1:]
        raise _TransactionLeft(
            "the file leaves a transaction open, so its changes are lost when the session ends", begins[0].line
        )
    if entry is not None:
        with connection.transaction():
            ledger.record(connection, entry)
    return None


def _elapsed_ms(began: float) -> float:
    return (time.perf_counter() - began) * 1000.0
