"""Liquibase: ``databasechangelog``, MD5 of the text without its white space (version 9)."""

from __future__ import annotations

import hashlib
import re

from kfm_ci.migrations.formats import liquibase
from kfm_ci.migrations.history_tables.base import HistoryTable, by, names_in_settings
from kfm_ci.migrations.model import Command, History, Migration

_SPACE = re.compile(r"[ \n\r\t]")


def _md5(text: str) -> str:
    return "9:" + hashlib.md5(text.encode(), usedforsecurity=False).hexdigest()


def checksum(text: str) -> str:
    """Return the checksum of a changeset that is one piece of SQL."""
    return _md5(_md5(_SPACE.sub("", text)) + ":")


def _checksums(history: History) -> dict[str, tuple[str, ...]]:
    # Liquibase alone can compute the checksum of a changeset in XML, YAML or JSON
    return {
        item.id: (checksum(text),)
        for item in history.migrations
        if not isinstance(item.up, Command) and (text := liquibase.written(item.up)) is not None
    }


def _key(migration: Migration) -> str:
    identity = migration.id[: -len("@12345678")] if migration.is_repeatable else migration.id
    identity = identity.removesuffix(f"@{migration.up_path}")
    return f"{identity}@{migration.up_path.rpartition('/')[2]}"


def _normal(key: str) -> str:
    identity, _, path = key.rpartition("@")
    return f"{identity}@{path.rpartition('/')[2]}"


LIQUIBASE = HistoryTable(
    format="liquibase",
    name="databasechangelog",
    columns=frozenset({"author", "md5sum", "exectype"}),
    query="""
    select author || ':' || id || '@' || filename, md5sum,
           case exectype when 'FAILED' then 'failed' when 'SKIPPED' then 'undone'
                           when 'MARK_RAN' then 'passed' else 'applied' end
      from {table} order by orderexecuted""",
    keys=by(_key),
    normalise=_normal,
    checksums=_checksums,
    configured_name=names_in_settings(
        ("liquibase.properties", "src/main/resources/application.properties"),
        table=r"(?i)database-?change-?log-?table(?:-?name)?\s*[=:]\s*(\w+)",
        schema=r"(?i)liquibase-?schema(?:-?name)?\s*[=:]\s*(\w+)",
    ),
    after_failure="runs it again each time",
    repair_help="Fix the cause, then run `liquibase update`.",
    checksum_help="Restore the changeset, or write `--validCheckSum: <new checksum>` below its line to "
    "accept the change.",
)
