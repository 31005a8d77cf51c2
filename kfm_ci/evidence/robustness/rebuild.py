"""A rebuild with the same files: under other session settings, or from an empty database."""

from __future__ import annotations

from collections.abc import Container, Sequence

from kfm_ci.evidence.robustness import written_data
from kfm_ci.evidence.robustness.model import Databases, Pair, script_finding
from kfm_ci.evidence.robustness.replay import open_replay
from kfm_ci.evidence.robustness.written_data import WrittenData
from kfm_ci.evidence.schema_diff import excerpts
from kfm_ci.migrations.model import Migration
from kfm_ci.model import Finding, Outcome, Severity
from kfm_ci.postgres import catalog, data_checksums
from kfm_ci.postgres.catalog import Catalog, Difference
from kfm_ci.rules.server.robustness import ENVIRONMENT_DEPENDENT, REBUILD_DIFFERS
from kfm_ci.sql.script import Script

OTHER_SETTINGS = {
    "timezone": "Pacific/Kiritimati",
    "datestyle": "SQL, DMY",
    "intervalstyle": "sql_standard",
    "lc_monetary": "C",
    "search_path": "public, pg_temp",
}
"""Settings of another server, role or driver; applied together, and one by one when the result differs."""

PERMANENT_SETTINGS = """
select s.name from pg_catalog.pg_settings s where s.name operator(pg_catalog.=) any (%s::pg_catalog.text[])
   and s.source operator(pg_catalog.=) any ('{database,user,"database user"}'::pg_catalog.text[])
"""
_SHOWN = 4
"""Objects in a message."""


def check_settings(
    databases: Databases, database: str, rows: WrittenData, expected: Catalog, *, configured: Container[str] = ()
) -> Finding | None:
    """Apply migrations on clones of ``database`` under other settings; return a finding when the result differs.

    Settings that the repository configures, or that an earlier migration set for the role or the database, are the
    same everywhere and stay unchanged.
    """
    with databases.connect(database) as connection:
        names = [_server_spelling(name) for name in OTHER_SETTINGS]
        permanent = {name.lower() for (name,) in connection.execute(PERMANENT_SETTINGS, [names]).fetchall()}
    settings = {
        name: value for name, value in OTHER_SETTINGS.items() if name not in permanent and name not in configured
    }
    found = _first_difference(databases, database, rows, expected, settings)
    if found is None:
        return rows.volatile_finding()
    (migration, script), effect, line = found
    causes = [
        name
        for name, value in settings.items()
        if _first_difference(databases, database, rows, expected, {name: value}) is not None
    ]
    return script_finding(
        ENVIRONMENT_DEPENDENT,
        migration,
        script,
        f"The result depends on the session's {', '.join(causes or settings)}: {effect}.",
        help="Write timestamps with their time zone (`'2026-01-31 00:00+00'`), dates as year-month-day, and names with "
        "their schema.",
        severity=Severity.WARNING,
        line=line or script.first_line,
    )


def check_rebuild(databases: Databases, empty: str, pairs: Sequence[Pair], expected: Catalog) -> Finding | None:
    """Apply all migrations in order on a clone of an empty database; return a finding when the schema differs."""
    with open_replay(databases, empty) as clone:
        for migration, script in pairs:
            applied = clone.run(script)
            if applied.outcome is Outcome.FAILED:
                return _finding(migration, script, f"line {applied.line}: {applied.error}", applied.line)
        difference = catalog.without_timestamps(catalog.diff(expected, catalog.read(clone.session)))
    migration, script = pairs[-1]
    return None if difference.empty else _finding(migration, script, format_difference(difference), None)


def format_difference(difference: Difference) -> str:
    """Return a difference as one line: what the rebuild gives instead."""
    changed = ((name, *excerpts(before, after)) for name, before, after in difference.changed)
    sentences = [f"{name} is {now!r} instead of {was!r}" for name, was, now in changed]
    sentences += [f"{name} is added" for name in difference.added]
    sentences += [f"{name} is missing" for name in difference.removed]
    return "; ".join(sentences[:_SHOWN])


def _server_spelling(setting: str) -> str:
    spelling = {"timezone": "TimeZone", "datestyle": "DateStyle", "intervalstyle": "IntervalStyle"}
    return spelling.get(setting, setting)


def _finding(migration: Migration, script: Script, effect: str, line: int | None) -> Finding:
    return script_finding(
        REBUILD_DIFFERS,
        migration,
        script,
        f"All files in order build a different schema on an empty database than the base with the new files: {effect}.",
        help="Number the new migration after all merged ones, and leave merged files unchanged.",
        severity=Severity.ERROR,
        line=line,
    )


def _first_difference(
    databases: Databases, database: str, rows: WrittenData, expected: Catalog, settings: dict[str, str]
) -> tuple[Pair, str, int | None] | None:
    """Return the migration whose result depends on settings, the effect, and the line if known; None when none does."""
    with open_replay(databases, database, settings=settings) as clone:
        for pair in rows.pairs:
            applied = clone.run(pair[1])
            if applied.outcome is Outcome.FAILED:
                return pair, f"line {applied.line}: {applied.error}", applied.line
        difference = catalog.without_timestamps(catalog.diff(expected, catalog.read(clone.session)))
        if not difference.empty:
            return written_data.find_cause(rows.pairs, difference.names), format_difference(difference), None
        columns = rows.environment_dependent(data_checksums.snapshot(clone.session))
    if not columns:
        return None
    pair = rows.find_origin(columns, settings)
    return pair, written_data.format_columns(columns), written_data.find_line(pair[1], columns)
