"""SQL assertions: statements whose results must be as expected."""

from __future__ import annotations

import re

import psycopg

from kfm_ci.postgres.session import Session
from kfm_ci.sql import statements
from kfm_ci.sql.script import Script

FAILS_IF_ROWS = ".fails-if-rows.sql"
_TAP = re.compile(r"^(not ok|ok)\b(.*)", re.IGNORECASE)


def first_error(session: Session, script: Script) -> str | None:
    """Run every statement of a script; return the first error, or None. The rows of its queries are ignored."""
    for part in statements.of(script):
        try:
            session.execute(part.text)
        except psycopg.Error as error:
            if session.closed:
                raise
            return f"line {part.line}: {error.diag.sqlstate}: {error.diag.message_primary or error}"
    return None


def first_failure(session: Session, path: str, text: str) -> str | None:
    """Run every statement of a file; return the first failure, or None.

    A statement fails if PostgreSQL returns an error, if the first column of a row is false or pgTAP's ``not ok``, and
    in a file named ``*.fails-if-rows.sql`` if it returns a row.
    """
    for part in statements.split(text):
        try:
            cursor = session.execute(part.text)
            rows = cursor.fetchall() if cursor.description else []
        except psycopg.Error as error:
            if session.closed:
                raise
            return f"line {part.line}: {error.diag.sqlstate}: {error.diag.message_primary or error}"
        if path.endswith(FAILS_IF_ROWS) and rows:
            return f"line {part.line}: expected no rows, got {len(rows)}"
        for row in rows:
            if row and row[0] is False:
                return f"line {part.line}: expected true, got false"
            tap = _TAP.match(row[0]) if row and isinstance(row[0], str) else None
            if tap and tap[1].lower() == "not ok":
                return f"line {part.line}: {row[0].splitlines()[0][:200]}"
    return None
