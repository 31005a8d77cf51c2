"""Open sessions of migrations and tools, which must end before a database can be copied or dropped."""

from __future__ import annotations

from dataclasses import dataclass

from kfm_ci.postgres.engines.base import Server

_TERMINATE = """
select pg_terminate_backend(pid) from pg_stat_activity
 where datname = %s and usename = %s and pid <> pg_backend_pid()
"""
_COUNT = "select count(*) from pg_stat_activity where datname = %s and usename = %s"
_SESSIONS = """
select coalesce(nullif(query, ''), 'nothing'),
       exists (select from unnest(pg_blocking_pids(pid)) as other (pid) join pg_stat_activity as holder using (pid)
                where holder.usename = waiting.usename)
  from pg_stat_activity as waiting
 where datname = %s and usename = %s and pid <> pg_backend_pid()
 order by 2 desc, state_change desc
"""


@dataclass(frozen=True, slots=True, kw_only=True)
class DatabaseBusy:
    """Open sessions of the owner in a database, at least one."""

    count: int
    query: str
    """Statement of the session that waits for another of them, else the latest statement."""
    waits: bool
    """Whether one of them waits for a lock that another holds."""


def open_sessions(server: Server, database: str) -> DatabaseBusy | None:
    """Return the owner's sessions in a database, or None."""
    with server.connect_as_administrator() as connection:
        found = connection.execute(_SESSIONS, [database, server.owner]).fetchall()
    return DatabaseBusy(count=len(found), query=found[0][0], waits=found[0][1]) if found else None


def database_exists(server: Server, database: str) -> bool:
    """Whether a database exists; its owner may have dropped it."""
    with server.connect_as_administrator() as connection:
        return connection.execute("select from pg_database where datname = %s", [database]).fetchone() is not None


def end_sessions(server: Server, database: str) -> None:
    """Terminate the owner's sessions in a database and wait up to two seconds for their end."""
    with server.connect_as_administrator() as connection:
        left = connection.execute(_TERMINATE, [database, server.owner]).fetchall()
        for _ in range(200 if left else 0):
            row = connection.execute(_COUNT, [database, server.owner]).fetchone()
            if row is None or not row[0]:
                break
            connection.execute("select pg_sleep(0.01)")
