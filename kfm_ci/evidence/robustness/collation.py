"""The same files in a database that sorts and changes case by other rules: schema and rows must come out the same."""

from __future__ import annotations

import re
from collections.abc import Callable, Sequence
from contextlib import AbstractContextManager
from dataclasses import dataclass

from kfm_ci.evidence.robustness import written_data
from kfm_ci.evidence.robustness.model import Databases, Pair, script_finding
from kfm_ci.evidence.robustness.rebuild import told as tell
from kfm_ci.evidence.robustness.replay import Replay, walk
from kfm_ci.model import Finding, Outcome, Severity
from kfm_ci.postgres import catalog, data_checksums
from kfm_ci.postgres.catalog import Catalog, Difference
from kfm_ci.postgres.data_checksums import Content
from kfm_ci.rules.server.robustness import ENVIRONMENT_DEPENDENT
from kfm_ci.sql.script import Script

_SORTS = re.compile(
    r"\border\s+by\b|\bdistinct\s+on\b|\b(?:lower|upper|initcap|min|max|greatest|least|row_number|rank|ntile|first_value"
    r"|casefold)\s*\(|\bilike\b|\bsimilar\s+to\b|!?~~?\*?|[<>]",
    re.IGNORECASE,
)
"""What can come out in another way under another collation; a schema made without it cannot."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Probe:
    """What is run elsewhere, and what came out here."""

    name: str
    """Of the other locale."""
    base: Sequence[Script]
    pairs: Sequence[Pair]
    merged: Catalog
    """Schema before the new migrations."""
    expected: Catalog
    here: str
    """Database before the new migrations; nobody is connected to it."""
    after: str
    """Database after one run of them on ``here``."""


def concerns(script: Script) -> bool:
    """Whether what a script makes can depend on how texts are sorted or change case."""
    return _SORTS.search(script.text) is not None


def rehearse(probe: Probe, ground: Databases, empty: Callable[[], AbstractContextManager[str]]) -> Finding | None:
    """Build all from nothing in an ``empty`` database of another locale; return what depends on it, or None.

    What is merged and differs there already is nobody's finding now.
    """
    with empty() as database:
        there = Replay(ground=ground, source=database, at=database)
        try:
            if any(there.run(script).outcome is Outcome.FAILED for script in probe.base):
                return None
            old = catalog.diff(probe.merged, catalog.read(there.session)).names
            merged = data_checksums.snapshot(there.session)
            for pair in probe.pairs:
                done = there.run(pair[1])
                if done.outcome is Outcome.FAILED:
                    return _finding(probe, pair, f"line {done.line}: {done.error}", done.line)
            difference = _without(
                catalog.without_timestamps(catalog.diff(probe.expected, catalog.read(there.session))), frozenset(old)
            )
            if not difference.empty:
                return _finding(probe, written_data.culprit(probe.pairs, difference.names), tell(difference), None)
            columns = _rows(probe, ground, merged, data_checksums.snapshot(there.session))
        finally:
            there.leave()
    return (
        _finding(probe, written_data.culprit(probe.pairs, columns), written_data.told(columns), None)
        if columns
        else None
    )


def _rows(probe: Probe, ground: Databases, merged: Content, there: Content) -> tuple[str, ...]:
    """Return the columns whose new values follow from the locale: not from the base, the moment or a run before."""
    with ground.connect(probe.after) as session:
        first = data_checksums.snapshot(session)
    if not written_data.differing(first, there):
        return ()
    with ground.connect(probe.here) as session:
        old = written_data.differing(data_checksums.snapshot(session), merged)
    with walk(ground, probe.here) as again:
        for _, script in probe.pairs:
            if again.run(script).outcome is Outcome.FAILED:
                return ()
        here = data_checksums.snapshot(again.session)
    return tuple(sorted(written_data.differing(here, there) - written_data.differing(here, first) - old))


def _without(difference: Difference, names: frozenset[str]) -> Difference:
    return Difference(
        added=tuple(name for name in difference.added if name not in names),
        changed=tuple(change for change in difference.changed if change[0] not in names),
        removed=tuple(name for name in difference.removed if name not in names),
    )


def _finding(probe: Probe, pair: Pair, what: str, line: int | None) -> Finding:
    migration, script = pair
    return script_finding(
        ENVIRONMENT_DEPENDENT,
        migration,
        script,
        f"The result depends on the database's collation, here `C`, there `{probe.name}`: {what}.",
        help='Write the collation where the sort order or the case of text matters (`order by name collate "C"`), '
        "or sort by another type.",
        severity=Severity.WARNING,
        line=line or script.first_line,
    )
