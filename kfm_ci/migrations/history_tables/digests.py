"""History tables with a digest of each file: sqlx, Drizzle, refinery, and, in a chain, Atlas and graphile-migrate."""

from __future__ import annotations

import hashlib

from siphash24 import siphash13

from kfm_ci.migrations.formats import atlas, graphile_migrate
from kfm_ci.migrations.history_tables.base import HistoryTable, by, names_in_settings
from kfm_ci.migrations.model import History


def _sha384(history: History) -> dict[str, tuple[str, ...]]:
    return {item.id: (hashlib.sha384(item.up.file.data).hexdigest(),) for item in history.migrations}


def _sha256(history: History) -> dict[str, tuple[str, ...]]:
    return {item.id: (item.up.file.sha256.hex,) for item in history.migrations}


def siphash(name: str, version: int, text: str) -> tuple[str, ...]:
    """Return refinery's checksums of a migration, with its version as a number of 32 and of 64 bits.

    Rust hashes each text with a byte ``0xff`` behind it. Built with ``int8-versions``, refinery uses 64 bits.
    """
    return tuple(
        str(
            int.from_bytes(
                siphash13(
                    b"".join((name.encode(), b"\xff", version.to_bytes(width, "little"), text.encode(), b"\xff")),
                    key=bytes(16),
                ).digest(),
                "little",
            )
        )
        for width in (4, 8)
        if version < 1 << (8 * width - 1)
    )


def _siphash(history: History) -> dict[str, tuple[str, ...]]:
    # refinery hashes the file's bytes, including a byte order mark
    return {
        item.id: siphash(item.name, int(item.version), item.up.file.data.decode("utf-8", "replace"))
        for item in history.migrations
    }


def _running(history: History) -> dict[str, tuple[str, ...]]:
    # a checkpoint is not a migration, but all later hashes include it
    files = [
        *(item.up.file for item in history.migrations),
        *(file for file in history.other_files if file.path.endswith(".sql")),
    ]
    contents = sorted((file.path.rpartition("/")[2], file.data) for file in files)
    found = dict(line.split(" h1:") for line in atlas.sums(contents)[1:])
    names = {item.id: item.up_path.rpartition("/")[2] for item in history.migrations}
    return {identity: (found[name],) for identity, name in names.items() if name in found}


def _chained(history: History) -> dict[str, tuple[str, ...]]:
    return {
        item.id: (digest,) for item in history.migrations if (digest := graphile_migrate.recorded_hash(item.up.file))
    }


SQLX = HistoryTable(
    format="sqlx",
    name="_sqlx_migrations",
    columns=frozenset({"version", "success", "checksum"}),
    definition="version bigint primary key, description text not null, installed_on timestamptz not null "
    "default now(), success boolean not null, checksum bytea not null, execution_time bigint not null",
    query="select version::text, encode(checksum, 'hex'), case when success then 'applied' else 'failed' end from "
    "{table} order by 1",
    checksums=_sha384,
    configured_name=names_in_settings(
        ("sqlx.toml",), table=r"^\s*table-name\s*=\s*[\"'](?:\w+\.)?(\w+)", schema=r"^\s*table-name\s*=\s*[\"'](\w+)\."
    ),
    repair_help="Revert its changes, then run `DELETE FROM _sqlx_migrations WHERE version = {key}`.",
    checksum_help="Restore the file byte for byte, including its line ends, and write the change in a new migration.",
)

DRIZZLE = HistoryTable(
    format="drizzle",
    name="drizzle.__drizzle_migrations",
    columns=frozenset({"hash", "created_at"}),
    definition="id serial primary key, hash text not null, created_at bigint",
    query="select created_at::text, hash, 'applied' from {table} order by created_at",
    checksums=_sha256,
    covers_earlier=True,
    rejects_changed_files=False,
    configured_name=names_in_settings(
        ("drizzle.config.ts", "drizzle.config.js", "drizzle.config.mjs"),
        table=r"migrations\s*:\s*\{[^}]*table\s*:\s*[\"'](\w+)",
        schema=r"migrations\s*:\s*\{[^}]*schema\s*:\s*[\"'](\w+)",
    ),
    repair_help="Revert its changes, then delete its row from the history table.",
)

ATLAS = HistoryTable(
    format="atlas",
    name="atlas_schema_revisions.atlas_schema_revisions",
    columns=frozenset({"version", "hash", "applied", "total"}),
    query="""
    select version, hash,
           case when applied between 1 and total - 1 then 'failed' when applied < total then 'undone'
                when type = 1 then 'baseline' else 'applied' end
      from {table} where version <> '.atlas_cloud_identifier' order by version""",
    checksums=_running,
    configured_name=names_in_settings(("atlas.hcl",), schema=r"^\s*revisions_schema\s*=\s*[\"'](\w+)"),
    after_failure="continues at the failed statement",
    repair_help="Fix the failed statement and run `atlas migrate apply` again, or revert the changes and run "
    "`atlas migrate set {previous}`.",
    checksum_help="Restore the file, because its hash is part of the hashes of all later files.",
)

REFINERY = HistoryTable(
    format="refinery",
    name="refinery_schema_history",
    columns=frozenset({"version", "applied_on"}),
    definition="version integer primary key, name varchar(255), applied_on varchar(255), checksum varchar(255)",
    query="select version::text, checksum, 'applied' from {table} order by version",
    checksums=_siphash,
    repair_help="Revert its changes, then delete its row from the history table.",
)

GRAPHILE_MIGRATE = HistoryTable(
    format="graphile-migrate",
    name="graphile_migrate.migrations",
    columns=frozenset({"hash", "previous_hash", "filename"}),
    query="select filename, hash, 'applied' from {table} order by filename",
    keys=by(lambda item: item.up_path.rpartition("/")[2]),
    checksums=_chained,
    covers_earlier=True,
    rejects_changed_files=False,
    repair_help="Revert its changes, then delete its row from the history table.",
)
