"""Extensions that the administrator creates before the first migration, because a database owner may not."""

from __future__ import annotations

import psycopg
from psycopg import sql

from kfm_ci.errors import CannotCheck
from kfm_ci.postgres.engines import installations
from kfm_ci.postgres.session import Session


def create(admin: Session, extension: str) -> None:
    """Create an extension and those it depends on; raises CannotCheck if the server does not have it."""
    try:
        with admin.transaction():
            # where a session without other settings creates it; the database holds nothing of a migration yet
            admin.execute("set local search_path = public")
            admin.execute(sql.SQL("create extension if not exists {} cascade").format(sql.Identifier(extension)))
    except psycopg.DatabaseError as error:
        if admin.closed:
            raise
        raise CannotCheck(
            code="KFM-C22",
            message=f"PostgreSQL cannot create extension `{extension}`.",
            where="[database] extensions",
            expected="an installed extension",
            got=f"{error.sqlstate}: {error.diag.message_primary}",
            help=installations.extension_help([extension], installations.find()),
        ) from error
