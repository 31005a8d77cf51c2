"""Reading of all rights in a database."""

from __future__ import annotations

from typing import Any

from psycopg import Connection

from kfm_ci.evidence.privileges import Right
from kfm_ci.postgres.catalog import privilege_queries


def read(connection: Connection[Any], since: tuple[Right, ...] = ()) -> tuple[Right, ...]:
    """Return the rights in the connected database, in a fixed order; the value ``since`` where nothing differs.

    The savepoint is rolled back, so settings and transaction do not change.
    """
    with connection.transaction(force_rollback=True):
        connection.execute("set local search_path = pg_catalog, pg_temp")
        rows = connection.execute(privilege_queries.compose(connection.info.server_version).encode()).fetchall()
    found = tuple(
        Right(aspect=aspect, key=key, object=name, holder=holder or "", values=tuple(value or "" for value in values))
        for aspect, key, name, holder, values in sorted(rows, key=repr)
    )
    return since if found == since else found
