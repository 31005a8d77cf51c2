"""Sessions that start with the same settings, and can be reset to them between migrations."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from functools import partial
from typing import Any

import psycopg
from psycopg import Connection

from kfm_ci.errors import CannotCheck, UsageError
from kfm_ci.postgres import administrator, execute
from kfm_ci.postgres.engines.base import Server

Session = Connection[Any]
"""A session with rows of any shape."""
CONNECTION_ERRORS = (psycopg.OperationalError, psycopg.InterfaceError)
"""Errors of a session whose connection or server is lost."""
# DISCARD ALL without DISCARD PLANS: the cached plans of the snapshot queries are used again.
_RESET = (
    b"close all; set session authorization default; reset all; deallocate all; unlisten *;"
    b" select pg_catalog.pg_advisory_unlock_all(); discard temp; discard sequences"
)
_EXHAUSTED = frozenset({"53000", "53100", "53200", "58030"})
"""SQLSTATEs insufficient_resources, disk_full, out_of_memory and io_error."""


@contextmanager
def connect(
    server: Server,
    database: str,
    *,
    admin: bool = False,
    superuser: bool = False,
    settings: Mapping[str, str] | None = None,
) -> Iterator[Connection[Any]]:
    """Yield an autocommit session with the roles of its database; ``reset`` returns it to the given settings.

    ``admin``: a session of the administrator, which ignores the database's settings, for kfm-ci's own statements.
    ``superuser``: whether migrations run in it as the administrator's role. Raises CannotCheck if the server cannot be
    reached.
    """
    with server.roles.for_session(database):
        try:
            if admin:
                connection = administrator.connect(
                    server.conninfo, database=database, settings=settings, factory=_DatabaseSession
                )
            else:
                connection = _DatabaseSession.connect(
                    server.dsn(database, admin=superuser),
                    autocommit=True,
                    options=administrator.options({"timezone": "UTC", **(settings or {})}),
                    client_encoding="utf8",
                    application_name="kfm-ci",
                    connect_timeout=10,
                )
        except psycopg.OperationalError as error:
            raise connection_error(server, error) from error
        with connection:
            # psycopg would execute statements that DEALLOCATE ALL has dropped on the server
            connection.prepare_threshold = None
            connection.resume = partial(server.roles.resume, database)
            yield connection


class _DatabaseSession(Connection[Any]):
    """A session that can restore the roles of its database after a session of another database was used."""

    resume: Callable[[], None]


def reset(connection: Connection[Any], *, observed: bool = True) -> None:
    """Reset settings, role, temporary tables, advisory locks and the cluster's roles to the state after ``connect``.

    ``observed``: whether the plans of the snapshot queries are kept; otherwise one DISCARD ALL resets the session.
    """
    if connection.info.transaction_status != psycopg.pq.TransactionStatus.IDLE:
        connection.rollback()
    if isinstance(connection, _DatabaseSession):
        connection.resume()
    if observed:
        connection.execute(_RESET)
    else:
        execute.run_message(connection, "discard all")


def check_settings(connection: Connection[Any], settings: Mapping[str, str]) -> None:
    """Raise UsageError for an unknown setting, or one that this role may not change."""
    for key, value in settings.items():
        try:
            connection.execute("select pg_catalog.set_config(%s, %s, false)", [key, value])
        except psycopg.DatabaseError as error:
            if connection.closed:
                raise
            raise UsageError(
                code="KFM-U23",
                message=f"PostgreSQL rejects the setting: {error.diag.message_primary}.",
                where=f"[database.settings] {key}",
                expected="a setting that the migration role may change",
                got=value,
                help='Correct the name or the value, or set `run-as = "superuser"` for a superuser setting.',
            ) from error


def connection_error(server: Server, error: Exception) -> CannotCheck:
    """Return the error for a lost server, a server without memory or disk space, or a terminated session."""
    tail = server.log_tail(1)
    got = type(error).__name__
    if is_out_of_resources(error):
        return CannotCheck(
            code="KFM-C12",
            message=f"The server has no memory or disk space left: {error}".splitlines()[0],
            where=server.detail,
            got=got,
            help="Give the machine more memory or disk space, or set TMPDIR to a directory with free space.",
        )
    if isinstance(error, psycopg.errors.AdminShutdown) and _is_reachable(server):
        return CannotCheck(
            code="KFM-C13",
            message="An administrator's command terminated the session; the server is still running.",
            where=server.detail,
            got=got,
            help="Remove statements that terminate sessions, such as `pg_terminate_backend`.",
        )
    return CannotCheck(
        code="KFM-C08",
        message="The server stopped or closed the connection" + (f": {tail}" if tail else "."),
        where=server.detail,
        got=got,
        help="Run again; if the error persists, check the memory and disk limits of the machine.",
    )


def is_out_of_resources(error: BaseException) -> bool:
    """Whether the server returned an error for lack of disk or memory, which is no defect of the statement."""
    return isinstance(error, psycopg.Error) and error.sqlstate in _EXHAUSTED


def _is_reachable(server: Server) -> bool:
    try:
        administrator.connect(server.conninfo, database=server.maintenance, timeout=2).close()
    except psycopg.OperationalError:
        return False
    return True
