"""Whether anything was committed on a server since a moment: what was rolled back alone leaves no trace.

Every change of a catalog or a row needs a transaction id. When each id given out since the moment was aborted,
nothing can have changed, and nothing need be compared. Ids of other sessions count too: they are doubt, not proof.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, Final

from psycopg import Connection

# Qualified: the search_path of a database belongs to whoever wrote its migrations.
SNAPSHOT: Final = """
select pg_catalog.pg_snapshot_xmin(s)::pg_catalog.text::pg_catalog.int8,
       pg_catalog.pg_snapshot_xmax(s)::pg_catalog.text::pg_catalog.int8 from pg_catalog.pg_current_snapshot() s
"""
ABORTED: Final = """
select coalesce(pg_catalog.bool_and(
         pg_catalog.pg_xact_status(id::pg_catalog.text::pg_catalog.xid8) operator(pg_catalog.=) 'aborted'), true)
  from pg_catalog.generate_series(%s::pg_catalog.int8, %s::pg_catalog.int8) id
"""
FEW: Final = 100_000
"""More ids than these are not looked up one by one."""


@dataclass(frozen=True, slots=True, kw_only=True)
class CommitPoint:
    """A moment in the life of a server."""

    oldest: int
    """Oldest transaction id that was still open, else the next one."""
    next: int
    """First transaction id that was not yet given out."""


def moment(connection: Connection[Any]) -> CommitPoint:
    """Return the present moment; outside a transaction."""
    row = connection.execute(SNAPSHOT).fetchone() or (0, 0)
    return CommitPoint(oldest=row[0], next=row[1])


def untouched(connection: Connection[Any], since: CommitPoint) -> bool:
    """Whether it is certain that nothing was committed since; False is doubt, not proof of a change."""
    now = moment(connection)
    if since.oldest != since.next or now.oldest != now.next or now.next - since.next > FEW:
        return False
    row = connection.execute(ABORTED, (since.next, now.next - 1)).fetchone()
    return bool(row and row[0])
