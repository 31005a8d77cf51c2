"""Detection of commits since an xid snapshot.

Every change of a catalog or a row needs a transaction id. If each id assigned since the snapshot is aborted, nothing
changed and no schema is compared. Ids of other sessions count too, so a detected commit is no proof of a change.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, Final

from psycopg import Connection

# Qualified names: a migration may have set search_path and may have created functions and operators in it.
SNAPSHOT: Final = """
select pg_catalog.pg_snapshot_xmin(s)::pg_catalog.text::pg_catalog.int8,
       pg_catalog.pg_snapshot_xmax(s)::pg_catalog.text::pg_catalog.int8 from pg_catalog.pg_current_snapshot() s
"""
ABORTED: Final = """
select coalesce(pg_catalog.bool_and(
         pg_catalog.pg_xact_status(id::pg_catalog.text::pg_catalog.xid8) operator(pg_catalog.=) 'aborted'), true)
  from pg_catalog.generate_series(%s::pg_catalog.int8, %s::pg_catalog.int8) id
"""
MAX_IDS: Final = 100_000
"""Largest number of ids whose status is looked up."""


@dataclass(frozen=True, slots=True, kw_only=True)
class CommitPoint:
    """Transaction ids of a server at one moment."""

    oldest: int
    """Oldest transaction id in progress, else ``next``."""
    next: int
    """First unassigned transaction id."""


def current(connection: Connection[Any]) -> CommitPoint:
    """Return the current transaction ids; call it outside a transaction."""
    row = connection.execute(SNAPSHOT).fetchone() or (0, 0)
    return CommitPoint(oldest=row[0], next=row[1])


def is_unchanged(connection: Connection[Any], since: CommitPoint) -> bool:
    """Whether certainly nothing was committed since; False does not prove a change."""
    now = current(connection)
    if since.oldest != since.next or now.oldest != now.next or now.next - since.next > MAX_IDS:
        return False
    row = connection.execute(ABORTED, (since.next, now.next - 1)).fetchone()
    return bool(row and row[0])
