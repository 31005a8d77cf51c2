"""Reading of a catalog, completely or incrementally since an earlier one."""

from __future__ import annotations

import json
import secrets
from collections import defaultdict
from collections.abc import Iterable, Mapping
from typing import Any

from psycopg import Connection

from kfm_ci.postgres.catalog import row_versions
from kfm_ci.postgres.catalog.identity_queries import IDENTITY
from kfm_ci.postgres.catalog.model import Catalog, CatalogPart, ColumnIdentity, Identity
from kfm_ci.postgres.catalog.relation_queries import AGAIN, SETTINGS, compose

Row = tuple[int, str, str, str | None, str | None]
"""Part, kind, identity, parent, definition."""

_TOKEN = secrets.token_hex(8)
"""Part of the names of prepared statements, which no migration can foresee."""
_CATALOG, _VERSIONS, _PARTS = (f"kfm_{name}_{_TOKEN}" for name in ("catalog", "versions", "parts"))

PREPARED = f"""{SETTINGS}, pg_catalog.set_config('plan_cache_mode', 'force_generic_plan', true),
       array(select p.name from pg_catalog.pg_prepared_statements p
              where p.name operator(pg_catalog.=) any ('{{{_CATALOG},{_VERSIONS}}}'::pg_catalog.text[]))"""

INDEX_SCANS = """pg_catalog.set_config('enable_seqscan', '{0}', true),
       pg_catalog.set_config('enable_hashjoin', '{0}', true),
       pg_catalog.set_config('enable_mergejoin', '{0}', true)"""

CHANGED_FRACTION = 3
"""If more than one in so many parts changed, a complete read is as fast."""

_WITH_COLUMNS = ("table ", "foreign table ", "type ")

COMPLETE_READS = 10
"""Number of complete reads before incremental ones: planning the queries for versions takes as long as these reads."""


def read(connection: Connection[Any]) -> Catalog:
    """Return the catalog of the connected database.

    It reads in a savepoint that is rolled back, so settings and transaction do not change.
    """
    with connection.transaction(force_rollback=True), connection.cursor() as cursor:
        cursor.execute(SETTINGS)
        return _assemble(_parts(cursor.execute(compose(connection.info.server_version).encode()).fetchall()), {}, 1)


def follow(connection: Connection[Any], since: Catalog | None = None) -> Catalog:
    """Return the catalog through a session that keeps prepared statements.

    After ``COMPLETE_READS`` reads, parts that have not changed ``since`` an earlier read of this database, its template
    or its copy are reused unread.
    """
    if connection.info.server_version < row_versions.FIRST:
        return read(connection)
    readings = since.readings + 1 if since is not None else 1
    with connection.transaction(force_rollback=True), connection.cursor() as cursor:
        *_, prepared = cursor.execute(PREPARED).fetchone() or ([],)
        if _CATALOG not in prepared:
            # SQL PREPARE: psycopg discards its own prepared statements after a rollback.
            connection.execute(f"prepare {_CATALOG} as {compose(connection.info.server_version)}".encode())
        if readings <= COMPLETE_READS:
            return _assemble(_parts(cursor.execute(f"execute {_CATALOG}".encode()).fetchall()), {}, readings)
        if _VERSIONS not in prepared:
            _prepare(connection)
        ((parts, sums),) = cursor.execute(f"execute {_VERSIONS}".encode()).fetchall()
        now = dict(zip(parts, sums, strict=True))
        changed = row_versions.changed(since.versions, now) if since is not None and since.versions else None
        if since is None or changed is None or len(changed) * CHANGED_FRACTION > len(now):
            return _assemble(_parts(cursor.execute(f"execute {_CATALOG}".encode()).fetchall()), now, readings)
        rows: list[Row] = cursor.execute(_read_parts(changed)).fetchall() if changed else []
    reread = {row[0] for row in rows}
    reused = {part: known for part, known in since.parts.items() if part not in reread and part in now}
    return _assemble(reused | _parts(row for row in rows if row[1] != AGAIN), now, readings)


def _read_parts(changed: Iterable[int]) -> bytes:
    relations, functions = _array(part for part in changed if part > 0), _array(-part for part in changed if part < 0)
    return f"execute {_PARTS} ({relations}, {functions})".encode()


def _array(oids: Iterable[int]) -> str:
    return f"'{{{','.join(map(str, oids))}}}'"


def _prepare(connection: Connection[Any]) -> None:
    version = connection.info.server_version
    connection.execute(f"prepare {_VERSIONS} as {row_versions.VERSIONS}".encode())
    connection.execute(
        f"prepare {_PARTS} (pg_catalog.oid[], pg_catalog.oid[]) as {compose(version, wanted=True)}".encode()
    )
    # The generic plan is built at the first EXECUTE: index scans for a few objects, where the planner expects many.
    connection.execute(f"select {INDEX_SCANS.format('off')}".encode())
    connection.execute(_read_parts(()))
    connection.execute(f"select {INDEX_SCANS.format('on')}".encode())


def _parts(rows: Iterable[Row]) -> dict[int, CatalogPart]:
    entries: dict[int, list[tuple[str, str]]] = defaultdict(list)
    parents: dict[int, list[tuple[str, str]]] = defaultdict(list)
    identities: dict[int, list[tuple[str, Identity]]] = defaultdict(list)
    for part, kind, identity, parent, definition in rows:
        if kind == IDENTITY:
            own, found = _identity(int(parent or 0), definition or "")
            identities[part].append((f"{own} {identity}", found))
            continue
        name = f"{kind} {identity}"
        entries[part].append((name, definition or ""))
        if parent:
            parents[part].append((name, parent))
    return {
        part: CatalogPart(
            entries=tuple(entries[part]),
            parents=tuple(parents.get(part, ())),
            identities=tuple(identities.get(part, ())),
        )
        for part in {**entries, **identities}
    }


def _identity(oid: int, text: str) -> tuple[str, Identity]:
    """Return the kind and the identity of an object from a row of ``IDENTITIES``."""
    kind, columns, parents, interface = json.loads(text)
    facts = {
        name: ColumnIdentity(
            number=number,
            type=type,
            is_generated=generated,
            identity=identity,
            not_null=not_null,
            has_default=has_default,
        )
        for name, number, type, generated, identity, not_null, has_default in columns
    }
    numbers = {name: fact.number for name, fact in facts.items()}
    found = Identity(oid=oid, columns=numbers, facts=facts, parents=tuple(parents), interface=tuple(interface))
    return kind, found


def _assemble(parts: Mapping[int, CatalogPart], sums: Mapping[int, str], readings: int) -> Catalog:
    entries: dict[str, str] = {}
    parents: dict[str, str] = {}
    identities: dict[str, Identity] = {}
    count = 0
    for part in parts.values():
        entries.update(part.entries)
        parents.update(part.parents)
        identities.update(part.identities)
        count += len(part.entries)
    if len(entries) < count:
        entries = _join_definitions(parts.values())
    return Catalog(
        entries=tuple(sorted(entries.items())),
        parents=parents,
        relations={
            name.removeprefix(kind): identity
            for name, identity in identities.items()
            for kind in _WITH_COLUMNS
            if name.startswith(kind) and identity.columns
        },
        identities=identities,
        parts=parts,
        versions=sums,
        readings=readings,
    )


def _join_definitions(parts: Iterable[CatalogPart]) -> dict[str, str]:
    # Two objects may have one printed name (overloaded operators): both definitions count.
    definitions: dict[str, list[str]] = defaultdict(list)
    for part in parts:
        for name, definition in part.entries:
            definitions[name].append(definition)
    return {name: "\n".join(sorted(found)) for name, found in definitions.items()}
