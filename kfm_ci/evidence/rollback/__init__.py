"""The rollback drill: the way back is walked, and what differs from before is said object by object."""

from __future__ import annotations

from typing import Any

from psycopg import Connection

from kfm_ci.evidence.rollback.drill import drill, drill_alone
from kfm_ci.evidence.rollback.model import Connect, DrillResult, DrillSubject, Runner, ScriptResult, State
from kfm_ci.postgres import catalog, data_checksums

__all__ = [
    "Connect",
    "DrillResult",
    "DrillSubject",
    "ScriptResult",
    "Runner",
    "State",
    "capture",
    "drill",
    "drill_alone",
]


def capture(connection: Connection[Any], *, since: State | None = None, touched: frozenset[int] | None = None) -> State:
    """Return schema and rows as they are now, through a session of our own that no migration runs in.

    Of the rows, those of relations not ``touched`` since an earlier state (None: any may be) are taken from it.
    """
    known, schema = (since.content, since.catalog) if since is not None else (None, None)
    return State(
        catalog=catalog.follow(connection, schema),
        content=data_checksums.snapshot(connection, since=known, touched=touched),
        touched=touched,
    )
