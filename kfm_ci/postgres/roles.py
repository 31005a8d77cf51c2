"""Roles that migrations name: made by the administrator beforehand, as a plain owner may not."""

from __future__ import annotations

from psycopg import sql

from kfm_ci.postgres.session import Session

_THERE = "select exists (select from pg_catalog.pg_roles where rolname = %s)"


def make(admin: Session, role: str, *, owner: str) -> None:
    """Make a role that may nothing and cannot log in, with the owner as its member; one that is there stays as it is.

    The owner becomes no member of a role that was there before: it may be the administrator.
    """
    if admin.execute(_THERE, (role,)).fetchone() == (True,):
        return
    admin.execute(sql.SQL("create role {} nologin").format(sql.Identifier(role)))
    admin.execute(sql.SQL("grant {} to {}").format(sql.Identifier(role), sql.Identifier(owner)))
