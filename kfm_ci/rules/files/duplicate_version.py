"""Rule ``duplicate-version``: two migrations have the same version."""

from __future__ import annotations

from collections.abc import Iterator

from kfm_ci.analysis.change import Change
from kfm_ci.analysis.excerpt import shown
from kfm_ci.analysis.renumbering import renumbering
from kfm_ci.analysis.version_order import has_version, same_version
from kfm_ci.migrations.model import Migration
from kfm_ci.migrations.problems.file_order import DUPLICATE_VERSION
from kfm_ci.model import Finding, Hazard, Place
from kfm_ci.rules.rule import migration_finding


class DuplicateVersion:
    """Compares versions with the head and with the tip of the base."""

    info = DUPLICATE_VERSION

    def check(self, change: Change) -> Iterator[Finding]:
        """Yield a finding for each new migration whose version is used twice."""
        takers: dict[str, dict[str, Migration]] = {}
        for history in (change.base, change.head):
            for migration in history.migrations if history else ():
                if history and has_version(migration):
                    takers.setdefault(same_version(migration), {}).setdefault(migration.id, migration)
        reported = {found.place.file for found in change.head.findings if found.hazard is Hazard.ORDER}
        for migration in change.new:
            others = [other for other in takers.get(same_version(migration), {}).values() if other.id != migration.id]
            if not others or migration.up_path in reported or not has_version(migration):
                continue
            yield migration_finding(
                DUPLICATE_VERSION,
                f"Version {shown(migration.version)} is used twice: by `{shown(migration.up_path, 200)}` "
                f"and by `{shown(others[0].up_path, 200)}`.",
                help=renumbering(change, migration),
                place=Place(file=migration.up_path, line=1),
                migration=migration,
            )
