"""Flyway: ``flyway_schema_history``, CRC32 over the lines of a file."""

from __future__ import annotations

import re
import zlib

from kfm_ci.migrations.formats import flyway, flyway_settings
from kfm_ci.migrations.history_tables.base import HistoryTable, by
from kfm_ci.migrations.model import History, Migration, Tree
from kfm_ci.sql.script import Script

_LINES = re.compile(r"\r\n|\n|\r")


def crc32(text: str) -> str:
    """Return Flyway's checksum of a text: CRC32 of its lines without line ends, as a signed number of 32 bits."""
    value = 0
    for line in _LINES.split(text):
        value = zlib.crc32(line.encode(), value)
    return str(value - (1 << 32) if value >= 1 << 31 else value)


def _checksums(history: History) -> dict[str, tuple[str, ...]]:
    # the checksum of a repeatable migration covers its text with the placeholders filled in
    return {
        item.id: (crc32(item.up.text if item.is_repeatable and isinstance(item.up, Script) else item.up.file.text),)
        for item in history.migrations
    }


def _key(migration: Migration) -> str:
    return migration.version or f"R {migration.name}"


def _configured_name(tree: Tree, directory: str) -> tuple[str | None, str | None]:
    own = flyway_settings.read(tree, directory)
    return own.schema, own.table


FLYWAY = HistoryTable(
    format="flyway",
    name="flyway_schema_history",
    columns=frozenset({"installed_rank", "success", "script"}),
    definition="installed_rank integer primary key, version varchar(50), description varchar(200) not null, type "
    "varchar(20) not null, script varchar(1000) not null, checksum integer, installed_by varchar(100) not "
    "null, installed_on timestamp not null default now(), execution_time integer not null, success boolean not null",
    query="""
    select coalesce(version, 'R ' || description), checksum::text,
           case when not success then 'failed'
                when type = 'DELETE' or type like 'UNDO%' then 'undone'
                when type like '%BASELINE' then 'baseline' else 'applied' end
      from {table}
     where type in ('SQL', 'UNDO_SQL', 'DELETE', 'BASELINE', 'SQL_BASELINE')
     order by installed_rank""",
    keys=by(_key),
    normalise=lambda key: key if key.startswith("R ") else flyway.version(key),
    checksums=_checksums,
    configured_name=_configured_name,
    repair_help="Revert its changes, then run `flyway repair`.",
    checksum_help="Restore the file, or run `flyway repair` to accept the change.",
)
