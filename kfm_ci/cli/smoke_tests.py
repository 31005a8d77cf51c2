"""The files of the smoke tests, and those that a change edits."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

from kfm_ci.analysis.excerpt import shown
from kfm_ci.cli.settings_files import Settings
from kfm_ci.config import Config
from kfm_ci.migrations.commit_tree import CommitTree
from kfm_ci.migrations.model import Tree, Unreadable
from kfm_ci.model import Finding, Place
from kfm_ci.rules.server.settings import SMOKE_TEST_CHANGED
from kfm_ci.stages.inputs import matching


@dataclass(frozen=True, slots=True, kw_only=True)
class SmokeFiles:
    """Paths of the SQL files of the smoke tests."""

    all: tuple[str, ...] = ()
    """Of the head and of the base."""
    base: tuple[str, ...] = ()
    """Those that the base commit has: its version runs."""
    edited: tuple[str, ...] = ()
    """Those of the base that the change edits or removes."""


def files(tree: Tree, base: CommitTree | None, merge_base: CommitTree | None, settings: Settings) -> SmokeFiles:
    """Return the smoke tests of both sides; a file that only the base has edited is not part of the change."""
    head = matching(tuple(tree.paths(".")), settings.used.smoke.sql)
    if base is None or merge_base is None:
        return SmokeFiles(all=head)
    before = matching(tuple(base.paths(".")), (settings.base or Config()).smoke.sql)
    edited = tuple(path for path in before if _bytes(tree, path) not in (_bytes(base, path), _bytes(merge_base, path)))
    return SmokeFiles(all=tuple(sorted({*head, *before})), base=before, edited=edited)


def notices(smoke: SmokeFiles) -> Iterator[Finding]:
    """Yield a finding for each smoke test that the change edits or removes."""
    for path in smoke.edited:
        yield SMOKE_TEST_CHANGED.finding(
            f"This change edits or removes the smoke test `{shown(path, 200)}`; the base commit's version runs.",
            help="Review the edit: the base commit's version is dropped after the merge.",
            place=Place(file=path, line=1),
        )


def _bytes(tree: Tree, path: str) -> bytes | str | None:
    try:
        return tree.read(path)
    except Unreadable as error:
        return str(error) if tree.exists(path) else None
