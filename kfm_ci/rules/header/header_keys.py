"""Rule ``header-keys``: missing, repeated or unknown header key."""

from __future__ import annotations

import difflib
from collections.abc import Collection, Iterator

from kfm_ci.analysis.change import Change
from kfm_ci.analysis.excerpt import shown
from kfm_ci.analysis.header_keys import EXAMPLE, KNOWN, REQUIRED, headed, key_place, required
from kfm_ci.migrations.model import Header, Migration
from kfm_ci.model import Finding, Hazard, Place
from kfm_ci.rule_info import RuleInfo
from kfm_ci.rules.rule import migration_finding

HEADER_KEYS = RuleInfo(
    id="header-keys",
    hazard=Hazard.HEADER,
    title="Missing, repeated or unknown header key",
    why=(
        "A missing key is an unanswered question, and a misspelt key is never read. Both are easy to "
        "overlook in review. Write each required key once."
    ),
    bad=EXAMPLE.replace("-- owner: payments-team\n", "-- ownr: payments-team\n"),
    good=EXAMPLE,
)


class HeaderKeys:
    """Requires each key once, and only known keys."""

    info = HEADER_KEYS

    def check(self, change: Change) -> Iterator[Finding]:
        """Yield a finding for each missing, empty, repeated or unknown key."""
        for migration, header in headed(change):
            for line, problem in header.problems:
                place = Place(file=migration.up_path, line=line, column=1)
                yield migration_finding(
                    HEADER_KEYS, shown(problem, 200), help="Correct the header.", place=place, migration=migration
                )
            meant = {key: _meant(key) for key in header.values if key not in KNOWN}
            if required(change):
                yield from self._missing(migration, header, meant.values())
            for key, near in meant.items():
                yield migration_finding(
                    HEADER_KEYS,
                    f"The header has the unknown key `{shown(key)}`.",
                    help=f"Write `{near}` if that is meant." if near else f"Use one of the keys {', '.join(KNOWN)}.",
                    place=key_place(migration, header, key),
                    migration=migration,
                )

    def _missing(self, migration: Migration, header: Header, misspelt: Collection[str | None]) -> Iterator[Finding]:
        for key in REQUIRED:
            if not header.values.get(key, "").strip() and key not in misspelt:
                state = "is empty" if key in header.values else "is missing"
                yield migration_finding(
                    HEADER_KEYS,
                    f"The key `{key}` {state} in the header.",
                    help=f"Add a line `-- {key}: …`.",
                    place=key_place(migration, header, key),
                    migration=migration,
                )


def _meant(key: str) -> str | None:
    near = difflib.get_close_matches(key.lower()[:60], KNOWN, n=1, cutoff=0.5)
    return near[0] if near else None
