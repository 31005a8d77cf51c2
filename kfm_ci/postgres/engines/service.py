"""Engine ``service``: a server somebody else started, given by URL, and only when it may be thrown away."""

from __future__ import annotations

import secrets
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass

import psycopg
from psycopg import sql
from psycopg.conninfo import conninfo_to_dict, make_conninfo

from kfm_ci.errors import CannotCheck, UsageError
from kfm_ci.postgres.engines.base import Server

MARK = "kfm-ci throwaway"
USED = """
    select count(*)
      from pg_class c
      join pg_namespace n on n.oid = c.relnamespace
     where c.relkind in ('r', 'p', 'v', 'm', 'f')
       and n.nspname not in ('pg_catalog', 'information_schema', 'pg_toast')
       and not exists (select from pg_depend d where d.objid = c.oid and d.deptype = 'e')
"""


@dataclass(frozen=True, slots=True, kw_only=True)
class ServiceEngine:
    """A given server; our databases are made beside what it has, and removed again."""

    url: str
    major: int | None = None
    kind: str = "service"

    @contextmanager
    def start(self) -> Iterator[Server]:
        """Yield the server after proving that it is empty or marked as throwaway."""
        token = secrets.token_hex(4)
        try:
            parts = {key: str(value) for key, value in conninfo_to_dict(self.url).items() if value is not None}
        except psycopg.ProgrammingError as error:
            raise UsageError(
                code="KFM-U20", message="the database URL cannot be read", where="--database-url",
                expected="postgresql://user:password@host:5432/name", help="the URL itself is not shown",
            ) from error  # fmt: skip
        try:
            connection = psycopg.connect(make_conninfo(self.url, connect_timeout=10), autocommit=True)
        except psycopg.OperationalError as error:
            raise CannotCheck(
                code="KFM-C05", message="no connection to the given server", where=parts.get("host", "its socket"),
                help="inside a container `localhost` is the container: use the service's name as host",
            ) from error  # fmt: skip
        with connection:
            self._throwaway(connection, parts.get("dbname", ""))
            version = connection.info.parameter_status("server_version") or "0"
            owner, password = f"kfm_owner_{token}", secrets.token_hex(16)
            server = Server(
                kind="service", version=version.split()[0], detail=f"PostgreSQL {version} at the given URL",
                conninfo=self.url, maintenance=parts.get("dbname", "postgres"), owner=owner, owner_password=password,
                prefix=f"kfm_{token}_",
            )  # fmt: skip
            if self.major is not None and server.major != self.major:
                raise CannotCheck(
                    code="KFM-C01", message="the given server has another version", expected=str(self.major), got=version,
                    help="change `postgres-version` or the service's image",
                )  # fmt: skip
            self._make_owner(connection, owner, password)
            try:
                yield server
            finally:
                names = connection.execute(
                    "select datname from pg_database where starts_with(datname, %s)", [server.prefix]
                )
                for (name,) in names.fetchall():
                    server.drop_database(name)
                connection.execute(sql.SQL("drop role if exists {}").format(sql.Identifier(owner)))

    def _throwaway(self, connection: psycopg.Connection, name: str) -> None:
        row = connection.execute(
            "select shobj_description(oid, 'pg_database') from pg_database where datname = current_database()"
        ).fetchone()
        if row and row[0] == MARK:
            return
        used = connection.execute(USED).fetchone()
        if used and used[0]:
            raise UsageError(
                code="KFM-U21", message="the given database is not empty, so it may not be a throwaway", where=name,
                expected="an empty database", got=f"{used[0]} relations",
                help=f"give an empty one, or mark it: comment on database … is '{MARK}'",
            )  # fmt: skip

    def _make_owner(self, connection: psycopg.Connection, owner: str, password: str) -> None:
        try:
            connection.execute(
                sql.SQL("create role {} login nosuperuser password {}").format(
                    sql.Identifier(owner), sql.Literal(password)
                )
            )
            connection.execute(sql.SQL("grant {} to current_user").format(sql.Identifier(owner)))
        except psycopg.errors.InsufficientPrivilege as error:
            raise CannotCheck(
                code="KFM-C06", message="the given role may not create roles and databases",
                help="give the server's superuser: it is a throwaway",
            ) from error  # fmt: skip
