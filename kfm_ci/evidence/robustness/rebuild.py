"""The same files on another machine: whatever the session's settings, schema and rows must come out the same."""

from __future__ import annotations

from collections.abc import Container, Sequence

from kfm_ci.evidence.robustness import written_data
from kfm_ci.evidence.robustness.model import Databases, Pair, script_finding
from kfm_ci.evidence.robustness.replay import walk
from kfm_ci.evidence.robustness.written_data import WrittenData
from kfm_ci.evidence.schema_diff import apart
from kfm_ci.migrations.model import Migration
from kfm_ci.model import Finding, Outcome, Severity
from kfm_ci.postgres import catalog, data_checksums
from kfm_ci.postgres.catalog import Catalog, Difference
from kfm_ci.rules.server.robustness import ENVIRONMENT_DEPENDENT, REBUILD_DIFFERS
from kfm_ci.sql.script import Script

ELSEWHERE = {
    "timezone": "Pacific/Kiritimati",
    "datestyle": "SQL, DMY",
    "intervalstyle": "sql_standard",
    "lc_monetary": "C",
    "search_path": "public, pg_temp",
}
"""Settings that another server, role or driver may well have; all at once, and one by one only when that differs."""

CHOSEN = """
select name from pg_catalog.pg_settings where name = any (%s) and source in ('database', 'user', 'database user')
"""


def elsewhere(
    ground: Databases, database: str, rows: WrittenData, expected: Catalog, *, configured: Container[str] = ()
) -> Finding | None:
    """Apply migrations on copies of ``database`` under other settings; return what depends on them, or None.

    What the repository configures, or an earlier migration set for the role or the database, holds everywhere and is
    left as it is.
    """
    with ground.connect(database) as connection:
        chosen = {name.lower() for (name,) in connection.execute(CHOSEN, [_named(ELSEWHERE)]).fetchall()}
    settings = {name: value for name, value in ELSEWHERE.items() if name not in chosen and name not in configured}
    found = _first_difference(ground, database, rows, expected, settings)
    if found is None:
        return rows.changing()
    (migration, script), what, line = found
    guilty = [
        name
        for name, value in settings.items()
        if _first_difference(ground, database, rows, expected, {name: value}) is not None
    ]
    names = ", ".join(guilty or settings)
    return script_finding(
        ENVIRONMENT_DEPENDENT,
        migration,
        script,
        f"The result depends on the session's {names}: {what}.",
        help="Write timestamps with their time zone (`'2026-01-31 00:00+00'`), dates as year-month-day, and names with "
        "their schema.",
        severity=Severity.WARNING,
        line=line or script.first_line,
    )


def afresh(ground: Databases, empty: str, pairs: Sequence[Pair], expected: Catalog) -> Finding | None:
    """Apply all migrations in their order to a copy of an empty database; return how the schema differs, or None."""
    with walk(ground, empty) as copy:
        for migration, script in pairs:
            done = copy.run(script)
            if done.outcome is Outcome.FAILED:
                return _rebuilt(migration, script, f"line {done.line}: {done.error}", done.line)
        difference = catalog.without_timestamps(catalog.diff(expected, catalog.read(copy.session)))
    migration, script = pairs[-1]
    return None if difference.empty else _rebuilt(migration, script, told(difference), None)


def _named(settings: dict[str, str]) -> list[str]:
    spelt = {"timezone": "TimeZone", "datestyle": "DateStyle", "intervalstyle": "IntervalStyle"}
    return [spelt.get(name, name) for name in settings]


def _rebuilt(migration: Migration, script: Script, told: str, line: int | None) -> Finding:
    return script_finding(
        REBUILD_DIFFERS,
        migration,
        script,
        f"All files in order build a different schema on an empty database than the base with the new files: {told}.",
        help="Number the new migration after all merged ones, and leave merged files unchanged.",
        severity=Severity.ERROR,
        line=line,
    )


def _first_difference(
    ground: Databases, database: str, rows: WrittenData, expected: Catalog, settings: dict[str, str]
) -> tuple[Pair, str, int | None] | None:
    with walk(ground, database, settings=settings) as copy:
        for pair in rows.pairs:
            done = copy.run(pair[1])
            if done.outcome is Outcome.FAILED:
                return pair, f"line {done.line}: {done.error}", done.line
        difference = catalog.without_timestamps(catalog.diff(expected, catalog.read(copy.session)))
        if not difference.empty:
            return written_data.culprit(rows.pairs, difference.names), told(difference), None
        columns = rows.depend(data_checksums.snapshot(copy.session))
    if not columns:
        return None
    pair = rows.origin(columns, settings)
    return pair, written_data.told(columns), written_data.line_of(pair[1], columns)


def told(difference: Difference) -> str:
    """Return a difference as one line: what is other than here."""
    changed = ((name, *apart(before, after)) for name, before, after in difference.changed)
    found = [f"{name} is {now!r} instead of {was!r}" for name, was, now in changed]
    found += [f"{name} comes too" for name in difference.added] + [f"{name} is missing" for name in difference.removed]
    return "; ".join(found[:4])
