"""Table-level locks of one backend, asked beside it, so that the observed session is not disturbed."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any

from psycopg import Connection
from psycopg.rows import tuple_row

from kfm_ci.evidence.statement_evidence import Lock, LockMode

# No join with pg_class: what the statement dropped is locked too, and is no longer there. Below 16384 stand the
# catalogs, which every statement locks.
HELD = """
select relation, mode from pg_catalog.pg_locks
 where pid = %s and locktype = 'relation' and database = %s::oid and relation >= 16384::oid
"""

STRENGTH = {mode.value: rank for rank, mode in enumerate(LockMode)}
_MODES = {mode.value: mode for mode in LockMode}
_INDEX_FLOOR = STRENGTH[LockMode.SHARE]

Modes = Mapping[int, LockMode]
"""Strongest mode by OID of the relation."""


def read(beside: Connection[Any], pid: int, database: int) -> dict[int, LockMode]:
    """Return the strongest lock the backend holds or waits for, by relation; ``beside`` is another session."""
    with beside.cursor(row_factory=tuple_row) as cursor:
        return strongest(cursor.execute(HELD, (pid, database)).fetchall())


def strongest(rows: Iterable[tuple[int, str]]) -> dict[int, LockMode]:
    """Return the strongest of the modes given for each relation; predicate locks do not count."""
    found: dict[int, LockMode] = {}
    for oid, mode in rows:
        if mode in STRENGTH and (oid not in found or STRENGTH[mode] > STRENGTH[found[oid]]):
            found[oid] = _MODES[mode]
    return found


def taken(before: Modes, after: Modes) -> dict[int, LockMode]:
    """Return what is locked more strongly than before."""
    return {oid: mode for oid, mode in after.items() if oid not in before or STRENGTH[mode] > STRENGTH[before[oid]]}


def name(modes: Modes, relations: Mapping[int, tuple[str, str]], preexisting: frozenset[int]) -> tuple[Lock, ...]:
    """Return the locks by name, strongest first.

    ``relations`` gives name and kind by OID. What is in none (made and dropped by the same statement) and weak
    locks on indexes, which every query takes, are left out.
    """
    found = [
        Lock(relation=relations[oid][0], mode=mode, preexisting=oid in preexisting, kind=relations[oid][1])
        for oid, mode in modes.items()
        if oid in relations and not (relations[oid][1] == "index" and STRENGTH[mode] < _INDEX_FLOOR)
    ]
    return tuple(sorted(found, key=lambda lock: (-STRENGTH[lock.mode], lock.kind == "index", lock.relation)))
