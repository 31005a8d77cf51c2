"""Prisma: ``_prisma_migrations``, sha256 of the file; a row that is not finished blocks all later migrations."""

from __future__ import annotations

import hashlib

from kfm_ci.migrations.history_tables.base import HistoryTable, by
from kfm_ci.migrations.model import History


def _checksums(history: History) -> dict[str, tuple[str, ...]]:
    found = {}
    for item in history.migrations:
        plain = item.up.file.data.replace(b"\r\n", b"\n")
        texts = (item.up.file.data, plain, plain.replace(b"\n", b"\r\n"))
        found[item.id] = tuple(hashlib.sha256(text).hexdigest() for text in texts)
    return found


PRISMA = HistoryTable(
    format="prisma",
    name="_prisma_migrations",
    columns=frozenset({"migration_name", "finished_at", "rolled_back_at"}),
    definition="id varchar(36) primary key, checksum varchar(64) not null, finished_at timestamptz, migration_name "
    "varchar(255) not null, logs text, rolled_back_at timestamptz, started_at timestamptz not null default "
    "now(), applied_steps_count integer not null default 0",
    query="""
    select migration_name, checksum,
           case when rolled_back_at is not null then 'undone' when finished_at is null then 'failed' else 'applied' end
      from {table} order by started_at""",
    keys=by(lambda item: item.id),
    checksums=_checksums,
    rejects_changed_files=False,
    repair_help='Revert its changes and run `prisma migrate resolve --rolled-back "{key}"`, or complete them and use '
    "`--applied`.",
)
