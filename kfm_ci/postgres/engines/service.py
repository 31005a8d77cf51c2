"""Engine ``service``: a running server, given by URL, that is empty or marked as throwaway."""

from __future__ import annotations

import secrets
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass

import psycopg
from psycopg import sql

from kfm_ci.errors import CannotCheck, UsageError
from kfm_ci.postgres import administrator
from kfm_ci.postgres.engines import server_address
from kfm_ci.postgres.engines.base import Server

MARK = "kfm-ci throwaway"
OBJECT_COUNT = """
    with made as (
      select oid, relnamespace as namespace from pg_class where relkind in ('r', 'p', 'v', 'm', 'f', 'S', 'c')
      union all
      select oid, pronamespace from pg_proc
    )
    select (select count(*)
              from made m
              join pg_namespace n on n.oid = m.namespace
             where n.nspname not in ('pg_catalog', 'information_schema', 'pg_toast')
               and not exists (select from pg_depend d where d.objid = m.oid and d.deptype = 'e'))
         + (select count(*) from pg_largeobject_metadata)
"""

OTHER_DATABASES = """
    select datname
      from pg_database
     where datallowconn and not datistemplate and datname <> current_database()
       -- databases of concurrent runs
       and not starts_with(datname, 'kfm_')
"""


@dataclass(frozen=True, slots=True, kw_only=True)
class ServiceEngine:
    """A given server; kfm-ci's databases are created next to its own and dropped at the end."""

    url: str
    major: int | None = None
    kind: str = "service"

    @contextmanager
    def start(self) -> Iterator[Server]:
        """Yield the server if it is empty or marked as throwaway; raises UsageError otherwise."""
        token = secrets.token_hex(4)
        connection, conninfo, detour = server_address.connect(self.url)
        with connection:
            self._check_throwaway(connection, conninfo)
            version = connection.info.parameter_status("server_version") or "0"
            server = Server(
                kind="service",
                version=version.split()[0],
                detail=f"PostgreSQL {version} at the given URL{detour}",
                conninfo=conninfo,
                maintenance=connection.info.dbname,
                owner=f"kfm_owner_{token}",
                owner_password=secrets.token_hex(16),
                prefix=f"kfm_{token}_",
            )
            if self.major is not None and server.major != self.major:
                raise CannotCheck(
                    code="KFM-C01",
                    message="The given server has another major version.",
                    expected=str(self.major),
                    got=version,
                    help="Change `postgres-version` or the image of the service.",
                )
            self._make_owner(server, connection)
            try:
                yield server
            finally:
                names = connection.execute(
                    "select datname from pg_database where starts_with(datname, %s)", [server.prefix]
                )
                for (name,) in names.fetchall():
                    server.drop_database(name)
                server.roles.restore(connection)
                connection.execute(sql.SQL("drop role if exists {}").format(sql.Identifier(server.owner)))

    def _check_throwaway(self, connection: psycopg.Connection, conninfo: str) -> None:
        """Raise UsageError for a server with a non-empty database that is not marked as throwaway."""
        row = connection.execute(
            "select shobj_description(oid, 'pg_database') from pg_database where datname = current_database()"
        ).fetchone()
        if row and row[0] == MARK:
            return
        given = connection.info.dbname
        self._check_empty(connection, given, given)
        for (name,) in connection.execute(OTHER_DATABASES).fetchall():
            try:
                other: psycopg.Connection
                with administrator.connect(conninfo, database=name) as other:
                    self._check_empty(other, name, given)
            except psycopg.OperationalError as error:
                raise _not_empty(name, given, "a database that rejects connections") from error

    def _check_empty(self, connection: psycopg.Connection, name: str, given: str) -> None:
        used = connection.execute(OBJECT_COUNT).fetchone()
        if used and used[0]:
            raise _not_empty(name, given, f"{used[0]} objects")

    def _make_owner(self, server: Server, connection: psycopg.Connection) -> None:
        try:
            server.create_owner(connection)
            connection.execute(sql.SQL("grant {} to current_user").format(sql.Identifier(server.owner)))
        except psycopg.errors.InsufficientPrivilege as error:
            raise CannotCheck(
                code="KFM-C06",
                message="The given role may not create roles and databases.",
                help="Connect as a superuser of this throwaway server.",
            ) from error


def _not_empty(name: str, given: str, what: str) -> UsageError:
    return UsageError(
        code="KFM-U21",
        where=name,
        expected="an empty server",
        got=what,
        message="The given database is not empty, so the server may not be disposable."
        if name == given
        else "Another database of the given server is in use, so the server may not be disposable.",
        help="Use an empty server. If all its data may be lost, run on it: "
        f"`COMMENT ON DATABASE \"{given}\" IS '{MARK}'`.",
    )
