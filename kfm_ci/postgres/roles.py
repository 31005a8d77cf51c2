"""Roles of the cluster, saved and restored for each database.

Roles belong to the whole cluster, and a run applies the same migrations to several copies of a database. A role that
they create, change or drop in one copy would already exist, or be missing, in the next. So the rows of the shared
catalogs about roles are saved for each database and restored when a session of it is used.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import Any

from psycopg import Connection, errors, sql

from kfm_ci.errors import CannotCheck

_EXISTS = "select exists (select from pg_catalog.pg_roles where rolname = %s)"

# A migration may rename a role, but its OID stays.
_OID = "select oid from pg_catalog.pg_roles where rolname = %s"

_SUPERUSER = "select rolsuper from pg_catalog.pg_roles where rolname = current_user"

# Not restored: the administrator, and owners of other runs on the same given server. Memberships and dependencies of
# the migrations' owner are left out: they block no DROP ROLE, since no migration drops the owner.
_ROWS = """
with roles as (
  select oid, oid = %(owner)s::oid as owner from pg_authid
   where oid >= 16384 and rolname <> current_user and (oid = %(owner)s::oid or not starts_with(rolname, 'kfm_owner'))
), here as (
  select coalesce((select oid from pg_database where datname = %(database)s), 0) as oid
)
select 'pg_authid', t::text from pg_authid t where oid in (select oid from roles)
union all
select 'pg_auth_members', t::text from pg_auth_members t
 where (roleid in (select oid from roles) or member in (select oid from roles))
   and roleid not in (select oid from roles where owner)
union all
select 'pg_db_role_setting', t::text from pg_db_role_setting t
 where setrole in (select oid from roles) and setdatabase in (0, (table here))
union all
select 'pg_shdescription', t::text from pg_shdescription t
 where classoid = 'pg_authid'::regclass and objoid in (select oid from roles)
union all
select 'pg_shdepend', t::text from pg_shdepend t
 where refclassid = 'pg_authid'::regclass
   and refobjid in (select oid from roles where not owner or t.classid = 'pg_auth_members'::regclass)
   and dbid in (0, (table here)) and (classid <> 'pg_database'::regclass or objid = (table here))
"""

_SETTINGS = """
insert into pg_catalog.pg_db_role_setting
select c.oid, s.setrole, s.setconfig
  from pg_catalog.pg_db_role_setting s join pg_catalog.pg_database t on t.oid = s.setdatabase, pg_catalog.pg_database c
 where t.datname = %s and c.datname = %s
"""

_INSERT = (
    "insert into {table} select (made.r).* from (select r::{table} as r from unnest(%(rows)s::text[]) r offset 0) made"
)

_DELETE = "delete from {table} t where t::text = any (%(rows)s)"

# Uses the index on refclassid and refobjid: pg_shdepend has a row for every object of the owner in every database.
_DELETE_DEPENDENCIES = """
delete from {table} t
 where t.refclassid = 'pg_authid'::regclass and t::text = any (%(rows)s)
   and t.refobjid = any (array(select distinct (r::{table}).refobjid from unnest(%(rows)s::text[]) r))
"""

_Row = tuple[str, str]
"""A shared catalog, and a row of it as text."""


def create(admin: Connection[Any], role: str, *, owner: str) -> None:
    """Create a NOLOGIN role without privileges and grant it to the owner, unless it exists.

    An existing role is not granted to the owner: it may be the administrator.
    """
    if admin.execute(_EXISTS, (role,)).fetchone() == (True,):
        return
    admin.execute(sql.SQL("create role {} nologin").format(sql.Identifier(role)))
    admin.execute(sql.SQL("grant {} to {}").format(sql.Identifier(role), sql.Identifier(owner)))


def missing_roles(admin: Connection[Any], names: Iterable[str]) -> tuple[str, ...]:
    """Return the names of roles that do not exist."""
    there = {name for (name,) in admin.execute("select rolname from pg_catalog.pg_roles").fetchall()}
    return tuple(name for name in names if name not in there)


@dataclass(slots=True, kw_only=True)
class Roles:
    """The cluster's roles by database: attributes, passwords, members, settings and dependencies.

    Only a superuser can restore them; with another administrator no roles are restored between databases.
    """

    owner: str
    connect: Callable[[], Connection[Any]]
    """Opens a session of the administrator."""
    may_change: bool = True
    """Whether a script may change roles; if not, they are neither read nor restored."""
    _owner: tuple[int] | None = None
    _initial: frozenset[_Row] | None = None
    """Roles before the first database was created."""
    _saved: dict[str, frozenset[_Row]] = field(default_factory=dict)
    _current: str | None = None
    _open: list[str] = field(default_factory=list)
    """Databases with open sessions; the last used is last."""

    def register_new(self, administrator: Connection[Any], database: str) -> None:
        """Register an empty database, with the roles that existed before the first database was created."""
        if not self.may_change:
            return
        if self._initial is None:
            if administrator.execute(_SUPERUSER).fetchone() != (True,):
                return
            self._owner = administrator.execute(_OID, [self.owner]).fetchone()
            self._initial = self._read_rows(administrator, None)
        self._saved[database] = self._initial

    def register_copy(self, administrator: Connection[Any], database: str, template: str) -> None:
        """Register a copy of a registered database, with its roles and their settings in that database."""
        if template not in self._saved:
            return
        administrator.execute(_SETTINGS, [template, database])
        left = self._saved[database] = self._read_rows(administrator, database)
        here = self._read_rows(administrator, template)
        # dependencies of the copy must not block DROP ROLE in its original
        _write_rows(administrator, left | here, here)

    def forget(self, database: str) -> None:
        """Unregister a dropped database."""
        self._saved.pop(database, None)
        if self._current == database:
            self._current = None

    def switch_to(self, database: str, administrator: Connection[Any] | None = None) -> None:
        """Save the roles of the current database and restore those of another."""
        if database == self._current or database not in self._saved:
            return
        if administrator is None:
            with self.connect() as opened:
                self.switch_to(database, opened)
            return
        now = self._read_rows(administrator, self._current)
        if self._current in self._saved:
            self._saved[self._current] = now
        _write_rows(administrator, now, self._saved[database])
        self._current = database

    @contextmanager
    def for_session(self, database: str) -> Iterator[None]:
        """Restore the roles of a database for a session, and at its end those of the session before it."""
        self.switch_to(database)
        self._open.append(database)
        try:
            yield
        except BaseException:
            self._open.remove(database)
            raise
        self._open.remove(database)
        if self._open:
            self.switch_to(self._open[-1])

    def resume(self, database: str) -> None:
        """Restore the roles of a database for an open session, after sessions of others."""
        self.switch_to(database)
        self._open.remove(database)
        self._open.append(database)

    def restore(self, administrator: Connection[Any]) -> None:
        """Restore the roles that existed before the first database was created."""
        if self._initial is not None:
            _write_rows(administrator, self._read_rows(administrator, None), self._initial)

    def _read_rows(self, administrator: Connection[Any], database: str | None) -> frozenset[_Row]:
        return frozenset(
            administrator.execute(
                _ROWS, {"owner": self._owner[0] if self._owner else 0, "database": database}
            ).fetchall()
        )


def _write_rows(administrator: Connection[Any], now: frozenset[_Row], wanted: frozenset[_Row]) -> None:
    """Write rows of the shared catalogs directly: a restored role must have the OID that its objects refer to."""
    if now == wanted:
        return
    try:
        with administrator.transaction():
            administrator.execute("set local lock_timeout = '10s'")
            for catalog, rows in _by_catalog(now - wanted).items():
                take = _DELETE_DEPENDENCIES if catalog == "pg_shdepend" else _DELETE
                administrator.execute(sql.SQL(take).format(table=sql.Identifier("pg_catalog", catalog)), {"rows": rows})
            for catalog, rows in _by_catalog(wanted - now).items():
                administrator.execute(
                    sql.SQL(_INSERT).format(table=sql.Identifier("pg_catalog", catalog)), {"rows": rows}
                )
    except (errors.InsufficientPrivilege, errors.LockNotAvailable) as error:
        raise CannotCheck(
            code="KFM-C31",
            message=f"The cluster's roles cannot be restored: {error.diag.message_primary}.",
            where="provision",
            help="Remove statements that change the administrator's role or leave a transaction open on roles.",
        ) from error


def _by_catalog(rows: frozenset[_Row]) -> dict[str, list[str]]:
    found: dict[str, list[str]] = {}
    for catalog, row in sorted(rows):
        found.setdefault(catalog, []).append(row)
    return found
