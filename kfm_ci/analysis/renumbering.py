"""The help that gives a migration the last version."""

from __future__ import annotations

import shlex
from collections import Counter

from kfm_ci.analysis.change import Change
from kfm_ci.analysis.excerpt import shown
from kfm_ci.migrations.model import History, Migration

RENUMBERED = frozenset({"golang-migrate", "sqlx", "supabase"})
"""Formats other than `kfm` that `kfm-ci new --renumber` can rename: a number, an underscore and a name."""


def shared_paths(history: History) -> frozenset[str]:
    """Return the files that hold several migrations."""
    counted = Counter(migration.up_path for migration in history.migrations)
    return frozenset(path for path, count in counted.items() if count > 1)


def renumbering(change: Change, migration: Migration) -> str:
    """Return the help that makes a migration sort last."""
    if change.native_format or change.head.format in RENUMBERED:
        return f"Run `kfm-ci new --renumber {shlex.quote(shown(migration.up_path, 200))}`."
    if migration.up_path in shared_paths(change.head):
        return "Move it to the end of the file."
    return f"Give it a version after all others, with {change.head.format}'s own command or by renaming it."
