"""Rule ``applied-migration-changed``: changes a migration that is already on the base."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator
from dataclasses import replace

from kfm_ci.analysis.change import Change
from kfm_ci.analysis.changed_files import files
from kfm_ci.analysis.excerpt import shown
from kfm_ci.migrations.model import History, Migration, files_of
from kfm_ci.model import Digest, Finding, Hazard, Place
from kfm_ci.rule_info import RuleInfo
from kfm_ci.rules.rule import migration_finding
from kfm_ci.sql.script import Script, SourceFile

APPLIED_MIGRATION_CHANGED = RuleInfo(
    id="applied-migration-changed",
    hazard=Hazard.IMMUTABILITY,
    title="Changes a migration that is already on the base",
    why=(
        "After an edit of a migration on the base, databases that applied it differ from new ones. White "
        "space, comments and the down migration count, because checksums and the rollback drill cover them. "
        "Write a new migration instead; adding a missing down migration is allowed."
    ),
    bad="git diff main...  --  migrations/db/20260101_0900__init.up.sql\n"
    "-create table a (id int);\n+create table a (id bigint);\n",
    good="a new file migrations/db/20260302_1000__widen_a_id.up.sql\nalter table a alter column id type bigint;\n",
)


class AppliedMigrationChanged:
    """Compares the bytes of git objects, without rename detection or normalization."""

    info = APPLIED_MIGRATION_CHANGED

    def check(self, change: Change) -> Iterator[Finding]:
        """Yield a finding for each migration file of the merge base that was edited, renamed or deleted."""
        then = change.merge_base or change.base
        if then is None:
            return
        now = {path: file for path, (file, _) in files(change.head).items()}
        tip = {path: file for path, (file, _) in files(change.base).items()}
        shared = _shared(then) | _shared(change.head, companions=False)
        before = files(then)
        fresh = {file.sha256: path for path, file in now.items() if path not in before}
        judged: set[str] = set()
        for migration in then.migrations:
            if migration.is_repeatable:
                continue
            for file in files_of(migration):
                if file.path in judged or file.path in shared:
                    continue
                judged.add(file.path)
                yield from self._file(change, migration, file, now, tip, fresh)
            if migration.up_path in shared:
                yield from self._section(change, migration)

    def _file(
        self,
        change: Change,
        migration: Migration,
        file: SourceFile,
        now: dict[str, SourceFile],
        tip: dict[str, SourceFile],
        fresh: dict[Digest, str],
    ) -> Iterator[Finding]:
        if change.head.semantics.moves_applied_files and _kept(file, change.head.get(migration.id)):
            return
        found = now.get(file.path)
        # later changes on the base are not part of this change
        if change.base is not None and tip.get(file.path) == found:
            return
        if found is not None and (found.sha256 == file.sha256 or found.sha256 in migration.accepted_digests):
            return
        if found is not None:
            soft = "".join(found.text.split()) == "".join(file.text.split())
            what = f"was edited{' (only white space or line ends, which count too)' if soft else ''}: " + (
                f"expected sha256 {file.sha256.hex[:12]}…, got {found.sha256.hex[:12]}…"
            )
        elif file.sha256 in fresh:
            what = f"was renamed to {shown(fresh[file.sha256], 200)}"
        elif change.tree.exists(file.path):
            what = "is no longer part of the migration"
        else:
            what = "was deleted or renamed"
        yield self._finding(migration, file.path, what)

    def _section(self, change: Change, migration: Migration) -> Iterator[Finding]:
        """One file holds several migrations: adding another is fine, changing this one is not."""
        found = change.head.get(migration.id)
        if change.base is not None and change.base.get(migration.id) == found:
            return
        if found is None:
            yield self._finding(migration, migration.up_path, f"no longer contains migration {shown(migration.id)}")
        elif _texts(found) != _texts(migration):
            yield self._finding(migration, migration.up_path, f"was edited in migration {shown(migration.id)}")

    def _finding(self, migration: Migration, path: str, what: str) -> Finding:
        return migration_finding(
            APPLIED_MIGRATION_CHANGED,
            f"`{shown(path, 200)}` is on the base and {what}.",
            help="Restore the file as it is on the base, and make the change in a new migration.",
            place=Place(file=path, line=1),
            migration=migration,
        )


def _kept(file: SourceFile, migration: Migration | None) -> bool:
    """Whether a migration still has a file's bytes, wherever they lie."""
    return migration is not None and any(item.sha256 == file.sha256 for item in files_of(migration))


def _shared(history: History, *, companions: bool = True) -> set[str]:
    """Paths that belong to more than one migration, so that their bytes grow with each.

    ``companions``: whether what a program reads counts as well; a new migration that reads an old one's does
    not free it.
    """
    counted = Counter(
        path
        for item in history.migrations
        for path in {file.path for file in files_of(item if companions else replace(item, extra_files=()))}
    )
    return {path for path, count in counted.items() if count > 1}


def _texts(migration: Migration) -> tuple[str, str]:
    """Return what runs, without the blank lines around it: those belong to the space between two migrations."""
    if isinstance(migration.up, Script):
        up = migration.up.text
    else:
        up = migration.up.part if migration.up.part is not None else migration.up.file.text
    return up.strip(), migration.down.text.strip() if migration.down else ""
