"""The ledger of applied migrations; the hash of its last row identifies all files and their order."""

from __future__ import annotations

import hashlib
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, Final

from psycopg import Connection, sql

from kfm_ci.migrations.history_tables.row_deletion import START
from kfm_ci.model import Digest, Mode

CREATE: Final = """
    create schema if not exists kfm_ci;
    create table if not exists kfm_ci.ledger (
      position int primary key, version text unique not null, name text not null,
      sha256 bytea not null check (length(sha256) = 32), chain bytea not null,
      mode text not null check (mode in ('transaction', 'autocommit')),
      state text not null check (state in ('started', 'applied')),
      run_id text not null, git_commit text not null, applied_by name not null default session_user,
      started_at timestamptz not null, applied_at timestamptz);
    create table if not exists kfm_ci.head (
      only_row boolean primary key default true check (only_row), position int not null, chain bytea not null);
    create table if not exists kfm_ci.receipt (
      sequence bigint primary key, sha256 bytea unique not null, environment text not null, run_url text,
      at timestamptz not null);
    insert into kfm_ci.head (position, chain) values (0, %s) on conflict do nothing;
"""
_ROW: Final = """
    insert into kfm_ci.ledger
      (position, version, name, sha256, chain, mode, state, run_id, git_commit, started_at, applied_at)
    select %(position)s, %(version)s, %(name)s, %(sha256)s, %(chain)s, %(mode)s, %(state)s, %(run)s, %(commit)s,
           pg_catalog.now(),
           case when %(state)s::pg_catalog.text operator(pg_catalog.=) 'applied' then pg_catalog.clock_timestamp() end
           {source}
    on conflict (version) do update set state = excluded.state, applied_at = excluded.applied_at
"""
INTEND: Final = _ROW.format(source="")
RECORD: Final = f"""
    with moved as (
      update kfm_ci.head set position = %(position)s, chain = %(chain)s
       -- fencing: a runner that lost its lock updates no row
       where chain operator(pg_catalog.=) %(expected)s::pg_catalog.bytea
      returning 1)
    {_ROW.format(source="from moved")}
"""
_FILL: Final = """
    insert into kfm_ci.ledger
      (position, version, name, sha256, chain, mode, state, run_id, git_commit, started_at, applied_at)
    select e.*, pg_catalog.now(), pg_catalog.clock_timestamp()
      from rows from (
             pg_catalog.unnest(%(position)s::pg_catalog.int4[]),
             pg_catalog.unnest(%(version)s::pg_catalog.text[]),
             pg_catalog.unnest(%(name)s::pg_catalog.text[]),
             pg_catalog.unnest(%(sha256)s::pg_catalog.bytea[]),
             pg_catalog.unnest(%(chain)s::pg_catalog.bytea[]),
             pg_catalog.unnest(%(mode)s::pg_catalog.text[]),
             pg_catalog.unnest(%(state)s::pg_catalog.text[]),
             pg_catalog.unnest(%(run)s::pg_catalog.text[]),
             pg_catalog.unnest(%(commit)s::pg_catalog.text[])) e
"""
_FILL_HEAD: Final = "update kfm_ci.head set position = %s, chain = %s where position operator(pg_catalog.=) 0"
_APPLIED: Final = """
    select version from kfm_ci.ledger where state operator(pg_catalog.=) 'applied' order by position
"""
# Neither TRIGGER nor ownership: no code of a migration can run when its row is written.
_GRANTS: Final = """
    grant usage on schema kfm_ci to {role};
    grant select, insert, update, delete on kfm_ci.ledger, kfm_ci.head to {role}
"""


class LostLedger(Exception):
    """Another runner changed the head of the ledger."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Entry:
    """One migration, as a row of the ledger."""

    version: str
    name: str
    sha256: Digest
    mode: Mode
    run_id: str
    git_commit: str


def create(connection: Connection[Any], *, writer: str | None = None) -> None:
    """Create the schema ``kfm_ci`` and its tables unless they exist; ``writer``: another role that records in them."""
    for statement in CREATE.split(";\n"):
        if statement.strip():
            connection.execute(statement, [START] if "%s" in statement else None)
    if writer is not None:
        connection.execute(sql.SQL(_GRANTS).format(role=sql.Identifier(writer)))


def applied_versions(connection: Connection[Any]) -> tuple[str, ...]:
    """Return the applied versions in the order of application."""
    rows = connection.execute(_APPLIED)
    return tuple(row[0] for row in rows.fetchall())


def start(connection: Connection[Any], entry: Entry) -> None:
    """Record that a non-transactional migration starts, so that the ledger shows a crash in it."""
    position, chain, _ = _next(connection, entry)
    connection.execute(INTEND, _row(entry, position, chain, "started"))


def record(connection: Connection[Any], entry: Entry) -> None:
    """Record an applied migration and update the head; raises LostLedger if another runner updated it."""
    position, chain, expected = _next(connection, entry)
    written = connection.execute(RECORD, {**_row(entry, position, chain, "applied"), "expected": expected})
    if written.rowcount != 1:
        raise LostLedger(entry.version)


def fill(connection: Connection[Any], entries: Sequence[Entry]) -> None:
    """Record applied migrations in an empty ledger by one statement; raises LostLedger if it is not empty."""
    chain, rows = START, list[dict[str, Any]]()
    for position, entry in enumerate(entries, 1):
        chain = _link(chain, entry)
        rows.append(_row(entry, position, chain, "applied"))
    if not rows:
        return
    with connection.transaction():
        moved = connection.execute(_FILL_HEAD, [len(rows), chain])
        if moved.rowcount != 1:
            raise LostLedger(entries[-1].version)
        connection.execute(_FILL, {key: [row[key] for row in rows] for key in rows[0]})


def _next(connection: Connection[Any], entry: Entry) -> tuple[int, bytes, bytes]:
    row = connection.execute("select position, chain from kfm_ci.head").fetchone()
    if row is None:
        raise LostLedger(entry.version)
    head = bytes(row[1])
    return row[0] + 1, _link(head, entry), head


def _link(chain: bytes, entry: Entry) -> bytes:
    link = chain + b"\n" + entry.version.encode() + b"\n" + entry.sha256.hex.encode() + b"\n"
    return hashlib.sha256(link).digest()


def _row(entry: Entry, position: int, chain: bytes, state: str) -> dict[str, Any]:
    return {
        "position": position,
        "version": entry.version,
        "name": entry.name,
        "sha256": bytes.fromhex(entry.sha256.hex),
        "chain": chain,
        "mode": entry.mode.value,
        "state": state,
        "run": entry.run_id,
        "commit": entry.git_commit,
    }
