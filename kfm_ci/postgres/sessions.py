"""Sessions that somebody else left open: told and ended, so that a database can be copied or dropped."""

from __future__ import annotations

import psycopg

from kfm_ci.postgres.engines.base import Server

_LEFT = """
select coalesce(nullif(query, ''), 'nothing'), pg_terminate_backend(pid)
  from pg_stat_activity
 where datname = %s and usename = %s and pid <> pg_backend_pid()
 order by state_change desc
"""
_GONE = "select count(*) from pg_stat_activity where datname = %s and usename = %s"


def end(server: Server, database: str) -> tuple[str, ...]:
    """End the owner's sessions in a database; return the last statement of each, the latest first."""
    with psycopg.connect(server.dsn(server.maintenance, admin=True), autocommit=True) as connection:
        left = tuple(row[0] for row in connection.execute(_LEFT, [database, server.owner]))
        for _ in range(200 if left else 0):
            row = connection.execute(_GONE, [database, server.owner]).fetchone()
            if row is None or not row[0]:
                break
            connection.execute("select pg_sleep(0.01)")
    return left
