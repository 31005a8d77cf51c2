"""The rollback drill: roll migrations back, compare every object with the state before, and apply them again."""

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
    """Return the current schema and rows, read through a session in which no migration runs.

    Rows of relations that are not ``touched`` (None: any may be) are copied from the earlier state ``since``.
    """
    content, schema = (since.content, since.catalog) if since is not None else (None, None)
    return State(
        catalog=catalog.follow(connection, schema),
        content=data_checksums.snapshot(connection, since=content, touched=touched),
        touched=touched,
    )
