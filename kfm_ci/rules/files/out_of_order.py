"""Rule ``out-of-order``: sorts before a migration on the base."""

from __future__ import annotations

from collections.abc import Iterator

from kfm_ci.analysis.change import Change
from kfm_ci.analysis.excerpt import shown
from kfm_ci.analysis.renumbering import renumbering, shared_paths
from kfm_ci.analysis.version_order import comes_before, has_version, same_version
from kfm_ci.migrations.model import Migration
from kfm_ci.model import Finding, Hazard, Place
from kfm_ci.rule_info import RuleInfo
from kfm_ci.rules.rule import migration_finding
from kfm_ci.sql.script import Script

OUT_OF_ORDER = RuleInfo(
    id="out-of-order",
    hazard=Hazard.ORDER,
    title="Sorts before a migration on the base",
    why=(
        "Some tools skip or reject a migration that sorts before an applied one; new databases run it "
        "earlier. It happens when two pull requests race. Renumber the second one; never fill gaps in the "
        "numbering."
    ),
    bad="on main:          migrations/db/20260301_0900__add_orders.up.sql\n"
    "in pull request:  migrations/db/20260225_1200__add_widgets_table.up.sql\n",
    good="on main:          migrations/db/20260301_0900__add_orders.up.sql\n"
    "in pull request:  migrations/db/20260302_1000__add_widgets_table.up.sql\n",
)


class OutOfOrder:
    """Compares the order of new migrations with those on the base."""

    info = OUT_OF_ORDER

    def check(self, change: Change) -> Iterator[Finding]:
        """Yield a finding for each new migration that sorts before the last one on the base."""
        on_base = _versioned_on_base(change)
        versions = {same_version(migration) for migration in on_base}
        # a renamed migration has its own finding: it must be restored, not renumbered
        before = change.base.migrations if change.base is not None else ()
        renamed = {migration.up.file.sha256 for migration in before if change.head.get(migration.id) is None}
        lates = [
            (migration, last)
            for migration in change.new
            if has_version(migration)
            and same_version(migration) not in versions
            and migration.up.file.sha256 not in renamed
            and (last := _last(on_base, migration.up_path if change.head.semantics.ordered_within_file else None))
            and comes_before(migration, last)
        ]
        yield from (self._finding(change, migration, last, lates[0][0]) for migration, last in lates)

    def _finding(self, change: Change, migration: Migration, last: Migration, first: Migration) -> Finding:
        behaviour = change.head.semantics.out_of_order_behaviour
        raced = change.merge_base is not None and change.merge_base.get(last.id) is None
        return migration_finding(
            OUT_OF_ORDER,
            f"{_name(change, migration)} sorts before {_name(change, last)}, which is already on the base"
            f"{' and was merged after this change began' if raced else ''}: "
            f"expected a version after {shown(last.version)}, got {shown(migration.version)}"
            f"{f'; {behaviour}' if behaviour else ''}.",
            # the command renumbers the later new migrations too, so one is enough for all
            help=renumbering(change, first),
            place=Place(
                file=migration.up_path, line=migration.up.first_line if isinstance(migration.up, Script) else 1
            ),
            migration=migration,
        )


def _last(migrations: list[Migration], path: str | None) -> Migration | None:
    last: Migration | None = None
    for candidate in migrations:
        if (path is None or candidate.up_path == path) and (last is None or comes_before(last, candidate)):
            last = candidate
    return last


def _name(change: Change, migration: Migration) -> str:
    one = migration.up_path in shared_paths(change.head)
    return f"Changeset `{shown(migration.id, 200)}`" if one else f"`{shown(migration.up_path, 200)}`"


def _versioned_on_base(change: Change) -> list[Migration]:
    if change.base is None:
        return []
    # both sides of a comparison come from the head's order
    in_head = {migration.id: migration for migration in change.head.migrations}
    return [in_head.get(migration.id, migration) for migration in change.base.migrations if has_version(migration)]
