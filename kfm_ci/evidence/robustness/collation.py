"""A rebuild of the same files in a database with another collation: schema and rows must be the same."""

from __future__ import annotations

import re
from collections.abc import Callable, Sequence
from contextlib import AbstractContextManager
from dataclasses import dataclass

from kfm_ci.evidence.robustness import written_data
from kfm_ci.evidence.robustness.model import Databases, Pair, script_finding
from kfm_ci.evidence.robustness.rebuild import format_difference
from kfm_ci.evidence.robustness.replay import Replay, open_replay
from kfm_ci.model import Finding, Outcome, Severity
from kfm_ci.postgres import catalog, data_checksums
from kfm_ci.postgres.catalog import Catalog, Difference
from kfm_ci.postgres.data_checksums import Content
from kfm_ci.rules.server.robustness import ENVIRONMENT_DEPENDENT
from kfm_ci.sql.script import Script

_COLLATED = re.compile(
    r"\border\s+by\b|\bdistinct\s+on\b|\b(?:lower|upper|initcap|min|max|greatest|least|row_number|rank|ntile|first_value"
    r"|casefold)\s*\(|\bilike\b|\bsimilar\s+to\b|!?~~?\*?|[<>]",
    re.IGNORECASE,
)
"""SQL whose result can depend on the collation."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Probe:
    """The migrations to run under another collation, and their results under this one."""

    name: str
    """Name of the other locale."""
    base: Sequence[Script]
    """Migrations of the base."""
    pairs: Sequence[Pair]
    """New migrations."""
    merged: Catalog
    """Schema before the new migrations."""
    expected: Catalog
    """Schema after the new migrations."""
    here: str
    """Database before the new migrations; no session is connected to it."""
    after: str
    """Database after one run of them on ``here``."""


def can_depend_on_collation(script: Script) -> bool:
    """Whether the result of a script can depend on the sort order or the case of text."""
    return _COLLATED.search(script.text) is not None


def check(probe: Probe, databases: Databases, empty: Callable[[], AbstractContextManager[str]]) -> Finding | None:
    """Build everything in an ``empty`` database of another locale; return a finding when the result differs.

    Objects and columns of the base that differ already are not reported.
    """
    with empty() as database:
        replay = Replay(databases=databases, source=database, uncloned=database)
        try:
            if any(replay.run(script).outcome is Outcome.FAILED for script in probe.base):
                return None
            old = catalog.diff(probe.merged, catalog.read(replay.session)).names
            merged = data_checksums.snapshot(replay.session)
            for pair in probe.pairs:
                applied = replay.run(pair[1])
                if applied.outcome is Outcome.FAILED:
                    return _finding(probe, pair, f"line {applied.line}: {applied.error}", applied.line)
            difference = catalog.without_timestamps(catalog.diff(probe.expected, catalog.read(replay.session)))
            difference = _without(difference, frozenset(old))
            if not difference.empty:
                cause = written_data.find_cause(probe.pairs, difference.names)
                return _finding(probe, cause, format_difference(difference), None)
            columns = _collated_columns(probe, databases, merged, data_checksums.snapshot(replay.session))
        finally:
            replay.disconnect()
    if not columns:
        return None
    cause = written_data.find_cause(probe.pairs, columns)
    return _finding(probe, cause, written_data.format_columns(columns), None)


def _collated_columns(probe: Probe, databases: Databases, merged: Content, there: Content) -> tuple[str, ...]:
    """Return the columns whose values differ by the collation: not in the base, nor between two runs on ``here``."""
    with databases.connect(probe.after) as session:
        first = data_checksums.snapshot(session)
    if not written_data.differing_columns(first, there):
        return ()
    with databases.connect(probe.here) as session:
        old = written_data.differing_columns(data_checksums.snapshot(session), merged)
    with open_replay(databases, probe.here) as again:
        for _, script in probe.pairs:
            if again.run(script).outcome is Outcome.FAILED:
                return ()
        here = data_checksums.snapshot(again.session)
    volatile = written_data.differing_columns(here, first)
    return tuple(sorted(written_data.differing_columns(here, there) - volatile - old))


def _without(difference: Difference, names: frozenset[str]) -> Difference:
    return Difference(
        added=tuple(name for name in difference.added if name not in names),
        changed=tuple(change for change in difference.changed if change[0] not in names),
        removed=tuple(name for name in difference.removed if name not in names),
    )


def _finding(probe: Probe, pair: Pair, effect: str, line: int | None) -> Finding:
    migration, script = pair
    return script_finding(
        ENVIRONMENT_DEPENDENT,
        migration,
        script,
        f"The result depends on the database's collation, here `C`, there `{probe.name}`: {effect}.",
        help='Write the collation where the sort order or the case of text matters (`order by name collate "C"`), '
        "or sort by another type.",
        severity=Severity.WARNING,
        line=line or script.first_line,
    )
