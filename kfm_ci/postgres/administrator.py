"""Sessions of the administrator, whose settings neither a database nor a role can choose.

`ALTER DATABASE … SET` and `ALTER ROLE … SET` belong to migrations. Settings in the connection's options take precedence
over both, so names in kfm-ci's SQL are found in ``pg_catalog``, and the session keeps its own role. All other settings
that a database or a role has chosen are returned to the defaults of PostgreSQL before any other statement.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Any, Final, TypeVar

from psycopg import Connection
from psycopg.conninfo import conninfo_to_dict, make_conninfo

from kfm_ci.errors import CannotCheck

SEARCH_PATH: Final = "pg_catalog, pg_temp"
"""Without ``pg_temp`` at its end, temporary tables and types would come before those of PostgreSQL."""

PIN: Final = f"select pg_catalog.set_config('search_path', '{SEARCH_PATH}', true)"
"""Finds names in ``pg_catalog`` until the transaction ends, in a session of any role."""

OPTIONS: Final[Mapping[str, str]] = {
    "search_path": SEARCH_PATH,
    "role": "none",
    "row_security": "on",
    "local_preload_libraries": "",
    "timezone": "UTC",
    "statement_timeout": "15min",
    "lock_timeout": "5min",
    "idle_in_transaction_session_timeout": "0",
    "default_transaction_read_only": "off",
    "default_transaction_isolation": "read committed",
    "standard_conforming_strings": "on",
    "client_min_messages": "notice",
    "jit": "off",
}
"""Settings of each session; a database or a role cannot change them."""

# Qualified, and without a backslash: nothing is known of the session's settings yet.
_RETURN_TO_DEFAULTS: Final = """
select pg_catalog.set_config(s.name, s.boot_val, false) from pg_catalog.pg_settings s
 where s.source operator(pg_catalog.=) any ('{database,user,"database user"}'::pg_catalog.text[])
   and s.context operator(pg_catalog.=) any (%s::pg_catalog.text[]) and s.boot_val is not null
"""
_IDENTITY: Final = """
select session_user, current_user, pg_catalog.current_setting('search_path'),
       pg_catalog.current_setting('client_encoding')
"""
_EVENT_TRIGGERS: Final = 170_000
"""First server version that can disable event triggers."""

C = TypeVar("C", bound=Connection[Any])


def connect(
    conninfo: str,
    *,
    database: str | None = None,
    settings: Mapping[str, str] | None = None,
    timeout: int = 10,
    factory: type[C] = Connection,  # type: ignore[assignment]
) -> C:
    """Return an autocommit session of the administrator; ``settings`` take precedence over ``OPTIONS``.

    ``timeout``: seconds for the connection. Raises psycopg.OperationalError if it fails.
    """
    given = conninfo_to_dict(conninfo)
    name = given.get("dbname") if database is None else database
    full = make_conninfo(
        conninfo,
        dbname=name,
        options=f"{given.get('options') or ''} {options({**OPTIONS, **(settings or {})})}".strip(),
        client_encoding="utf8",
        application_name="kfm-ci",
        connect_timeout=timeout,
    )
    connection = factory.connect(full, autocommit=True)
    try:
        _settle(connection)
    except BaseException:
        connection.close()
        raise
    return connection


def options(settings: Mapping[str, str]) -> str:
    """Return settings as the connection parameter ``options``."""
    return " ".join(f"-c {key}={_escape(value)}" for key, value in settings.items())


def _settle(connection: Connection[Any]) -> None:
    """Return other settings to their defaults, and require that the session is what its options ask for."""
    superuser = connection.info.parameter_status("is_superuser") == "on"
    connection.execute(_RETURN_TO_DEFAULTS, [["user", "superuser"] if superuser else ["user"]])
    if superuser and connection.info.server_version >= _EVENT_TRIGGERS:
        connection.execute("set event_triggers = off")
    row = connection.execute(_IDENTITY).fetchone()
    user = connection.info.user
    if row is None or row != (user, user, SEARCH_PATH, "UTF8"):
        raise CannotCheck(
            code="KFM-C33",
            message="The administrator's session does not have the settings that kfm-ci asked for.",
            where=connection.info.dbname,
            expected=f"{user}, {SEARCH_PATH}, UTF8",
            got=", ".join(map(str, row or ())),
            help="Connect to the server directly: a connection pooler may ignore the options of a connection.",
        )


def _escape(value: str) -> str:
    return re.sub(r"([\\\s])", r"\\\1", value)
