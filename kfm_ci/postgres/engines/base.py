"""The interface of an engine, and the throwaway server that it provides."""

from __future__ import annotations

import re
from contextlib import AbstractContextManager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Protocol
from urllib.parse import quote, urlencode

import psycopg
from psycopg import sql
from psycopg.conninfo import conninfo_to_dict, make_conninfo

from kfm_ci.errors import CannotCheck
from kfm_ci.postgres import administrator
from kfm_ci.postgres.collations import Locale
from kfm_ci.postgres.roles import Roles

_LOG_ERROR = re.compile(r"^.*?((?:FATAL|PANIC|server process)(?!.*password authentication failed).*)$", re.MULTILINE)
ADMIN = "kfm_admin"
OWNER = "kfm_owner"
SETTINGS = {
    "fsync": "off",
    "full_page_writes": "off",
    "synchronous_commit": "off",
    "autovacuum": "off",
    "max_connections": "40",
    "shared_buffers": "64MB",
    "wal_level": "minimal",
    "max_wal_senders": "0",
    "timezone": "UTC",
    "log_timezone": "UTC",
}
"""Settings of every server that kfm-ci starts: its data need not survive a crash."""
RECORD = {
    "logging_collector": "on",
    "log_destination": "stderr,csvlog",
    "log_filename": "statements.log",
    "log_file_mode": "0600",
    "log_rotation_age": "0",
    "log_rotation_size": "0",
}
"""Settings that collect the server log, to record an external tool's SQL; ``log_statement`` is set per database."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Server:
    """A running throwaway server."""

    kind: str
    version: str
    """As the server reports it, such as ``17.5``."""
    detail: str
    """Version and origin, for the console."""
    conninfo: str
    """Connection string of the administrator without a database name."""
    maintenance: str = "postgres"
    owner: str = OWNER
    """Role that migrations run as; not a superuser."""
    owner_password: str | None = None
    log: Path | None = None
    port: int | None = None
    """Loopback port for external migration tools; None: they connect by ``conninfo``."""
    network: str | None = None
    """Container network of the server, if it has its own."""
    alias: str = ""
    """Host name of the server in that network."""
    prefix: str = "kfm_"
    """Prefix of the names of kfm-ci's databases."""
    roles: Roles = field(init=False, compare=False, repr=False)
    """Saved roles of each of kfm-ci's databases."""

    def __post_init__(self) -> None:
        """Create the registry of roles with the owner and a connection of the administrator."""
        object.__setattr__(self, "roles", Roles(owner=self.owner, connect=self.connect_as_administrator))

    @property
    def major(self) -> int:
        """Major version."""
        return int(self.version.split(".")[0])

    def dsn(self, database: str, *, admin: bool = False) -> str:
        """Return the conninfo of a database, as the owner or as administrator."""
        if admin:
            return make_conninfo(self.conninfo, dbname=database)
        credentials = {"user": self.owner, "password": self.owner_password}
        return make_conninfo(self.conninfo, dbname=database, **{k: v for k, v in credentials.items() if v is not None})

    def create_owner(self, administrator: psycopg.Connection[Any]) -> None:
        """Create the role that migrations run as: it owns its databases and has no other attribute."""
        _reduce_scram_iterations(administrator)
        administrator.execute(
            sql.SQL("create role {} login nosuperuser nocreatedb nocreaterole password {}").format(
                sql.Identifier(self.owner), sql.Literal(self.owner_password)
            )
        )

    def set_passwords(self, administrator: psycopg.Connection[Any]) -> None:
        """Set the administrator's password from the conninfo and create the owner; for servers that kfm-ci starts."""
        password = conninfo_to_dict(self.conninfo)["password"]
        administrator.execute("set password_encryption = 'scram-sha-256'")  # md5 up to PostgreSQL 13
        _reduce_scram_iterations(administrator)
        administrator.execute(sql.SQL("alter role {} password {}").format(sql.Identifier(ADMIN), sql.Literal(password)))
        self.create_owner(administrator)

    def url(self, database: str) -> str:
        """Return the URL of a database as the owner, for ``DATABASE_URL``."""
        parts = conninfo_to_dict(self.dsn(database))
        names = {key: parts[key] for key in ("host", "port", "user", "password") if parts.get(key)}
        return f"postgresql:///{quote(database)}?{urlencode(names, quote_via=quote)}"

    @property
    def tcp_address(self) -> tuple[str, str]:
        """Host and port for a process in kfm-ci's network, if the server listens on TCP."""
        parts = conninfo_to_dict(self.conninfo)
        return (
            ("127.0.0.1", str(self.port))
            if self.port
            else (str(parts.get("host") or "127.0.0.1"), str(parts.get("port") or 5432))
        )

    def tcp_url(self, database: str, host: str, port: str) -> str:
        """Return the URL of a database as the owner at a TCP address, in the form that every driver accepts."""
        return f"postgresql://{self.owner}:{quote(self.owner_password or '')}@{host}:{port}/{quote(database)}"

    def create_database(self, name: str, template: str | None = None, *, locale: Locale | None = None) -> str:
        """Create a database of the owner, as a copy of ``template`` if given; return its full name."""
        full = name if name.startswith(self.prefix) else self.prefix + name
        source = sql.Identifier(template or "template0")
        strategy = sql.SQL(" strategy file_copy") if self.major >= 15 and template else sql.SQL("")
        with self.connect_as_administrator() as connection:
            self._drop(connection, full)
            if template:
                self.roles.switch_to(template, connection)
            make = sql.SQL("create database {} owner {} template {}").format(
                sql.Identifier(full), sql.Identifier(self.owner), source
            )
            try:
                connection.execute(make + strategy + (locale.clause() if locale else sql.SQL("")))
            except psycopg.errors.UndefinedObject as error:
                raise CannotCheck(
                    code="KFM-C32",
                    message="A migration renamed or dropped the role that migrations run as.",
                    where=self.owner,
                    help="Remove the statement that renames or drops this role.",
                ) from error
            if template:
                self.roles.register_copy(connection, full, template)
            else:
                self.roles.register_new(connection, full)
        if not template:
            # from PostgreSQL 15, PUBLIC has no CREATE privilege on the schema public
            with self.connect_as_administrator(full) as connection:
                connection.execute(sql.SQL("grant all on schema public to {}").format(sql.Identifier(self.owner)))
        return full

    def drop_database(self, name: str) -> None:
        """Drop a database and terminate its sessions."""
        with self.connect_as_administrator() as connection:
            self._drop(connection, name)

    def _drop(self, administrator: psycopg.Connection[Any], name: str) -> None:
        administrator.execute(sql.SQL("drop database if exists {} with (force)").format(sql.Identifier(name)))
        self.roles.forget(name)

    def connect_as_administrator(self, database: str | None = None) -> psycopg.Connection[Any]:
        """Return a session of the administrator; None: in the maintenance database."""
        return administrator.connect(self.conninfo, database=database or self.maintenance)

    def log_tail(self, lines: int = 5) -> str:
        """Return the last FATAL, PANIC and crash lines of the server's log, or an empty text."""
        if self.log is None or not self.log.exists():
            return ""
        errors = [match[1] for match in _LOG_ERROR.finditer(self.log.read_text(errors="replace"))]
        return "\n".join(errors[-lines:])


def _reduce_scram_iterations(connection: psycopg.Connection[Any]) -> None:
    """Reduce the SCRAM iterations of passwords set in this session, for faster logins: they are random and short-lived.

    Go's lib/pq rejects fewer than 1000 iterations.
    """
    if connection.info.server_version >= 160000:
        connection.execute("set scram_iterations = 1000")


class Engine(Protocol):
    """A source of throwaway servers."""

    @property
    def kind(self) -> str:
        """Name of the engine, as in ``--engine``."""
        ...

    def start(self) -> AbstractContextManager[Server]:
        """Return a context in which the server runs; it is removed at the end, also after an error."""
        ...
