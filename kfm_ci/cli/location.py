"""Where the migrations of a change are: as the base finds them, and as the head does."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass

from kfm_ci.analysis.excerpt import shown
from kfm_ci.cli.settings_files import Settings
from kfm_ci.config import FILE_NAME, Config
from kfm_ci.errors import UsageError
from kfm_ci.migrations import detection
from kfm_ci.migrations.commit_tree import CommitTree
from kfm_ci.migrations.detection import Found
from kfm_ci.migrations.model import History, Tree, Unreadable, files_of
from kfm_ci.migrations.moved_tree import MovedTree
from kfm_ci.model import Finding, Place, Severity
from kfm_ci.rules.server.settings import MIGRATIONS_MOVED, MIGRATIONS_UNCHECKED

Load = Callable[[Found, Tree], History]
_DISTINCTIVE = 50
"""Confidence from which files in a second directory are those of a tool, not only names with numbers."""
_HELP = (
    "Put the migrations into the checked directory. To check another one, merge a change of `[migrations]` in "
    "kfm-ci.toml first."
)


@dataclass(frozen=True, slots=True, kw_only=True)
class Location:
    """The directory and format to check, and how the base has them."""

    found: Found
    moved_from: str | None = None
    """The directory of the same migrations on the base; None: it is the same."""
    is_first: bool = True
    """Whether the base has no migrations, so that the head's settings decide where they are."""
    notices: tuple[Finding, ...] = ()

    def base(self, tree: Tree) -> Tree:
        """Return a tree of the base with the migrations where the head has them."""
        return tree if self.moved_from is None else MovedTree(tree=tree, old=self.moved_from, new=self.found.directory)


def locate(
    tree: Tree, base: CommitTree | None, merge_base: CommitTree | None, settings: Settings, *, format: str, load: Load
) -> Location:
    """Return where the migrations are; raises UsageError if there are none, or more than one directory.

    If the base has migrations, they are checked where the base finds them. What only the head finds is reported.
    ``format`` is that of the command line, and ``load`` reads a directory.
    """
    own, error = _find(tree, settings.head, format)
    before = None if base is None else _find(base, settings.base or Config(), format)[0]
    history = load(before, base) if before is not None and base is not None else None
    if base is None or merge_base is None or before is None or history is None or not history.migrations:
        if own is None:
            raise error or AssertionError
        return Location(found=own)
    trees = _Trees(head=tree, base=base, merge_base=merge_base)
    if own is not None and own != before and _is_move(trees, before, own, load):
        return Location(
            found=own, moved_from=before.directory, is_first=False, notices=(_moved(before, own, settings),)
        )
    is_adopting = settings.base is None and own is not None and settings.head != Config()
    found, other = (own, before) if is_adopting and own is not None else (before, own)
    notices = [*_unchecked(trees, found, other, load), *_second(trees, found, other, settings)]
    if not notices and error is not None:
        message = f"The head's settings do not find the migrations: {error.message}"
        notices.append(_finding(message, settings.file, is_error=True))
    return Location(found=found, is_first=False, notices=tuple(notices))


@dataclass(frozen=True, slots=True, kw_only=True)
class _Trees:
    head: Tree
    base: CommitTree
    merge_base: CommitTree

    def is_edited(self, path: str) -> bool:
        """Whether the change adds, edits or deletes a file."""
        now = _bytes(self.head, path)
        return now != _bytes(self.base, path) and now != _bytes(self.merge_base, path)


def _bytes(tree: Tree, path: str) -> bytes | str | None:
    try:
        return tree.read(path)
    except Unreadable as error:
        # a file that cannot be read differs from one that is not there
        return f"{error}" if tree.exists(path) else None


def _find(tree: Tree, settings: Config, format: str) -> tuple[Found | None, UsageError | None]:
    table = settings.migrations
    try:
        return detection.locate(tree, directory=table.dir, format=format if format != "auto" else table.format), None
    except UsageError as error:
        return None, error


def _is_move(trees: _Trees, before: Found, own: Found, load: Load) -> bool:
    """Whether the head has all migrations of the base with the same bytes in another directory, and none in the old."""
    if own.format is not before.format or own.directory == before.directory:
        return False
    if load(before, trees.head).migrations:
        return False
    there = {item.id: item for item in load(own, trees.head).migrations}
    return all(
        item.id in there
        and [file.sha256 for file in files_of(item)] == [file.sha256 for file in files_of(there[item.id])]
        for item in load(before, trees.base).migrations
    )


def _unchecked(trees: _Trees, found: Found, other: Found | None, load: Load) -> Iterator[Finding]:
    """Yield a finding if the other side's settings find migrations that the change edits and that are not checked."""
    if other is None or other == found:
        return
    checked = _paths(load(found, trees.head)) | _paths(load(found, trees.base))
    edited = sorted(
        path
        for path in (_paths(load(other, trees.head)) | _paths(load(other, trees.base))) - checked
        if trees.is_edited(path)
    )
    if edited:
        yield _unchecked_finding(other, tuple(edited), is_error=True)


def _second(trees: _Trees, found: Found, other: Found | None, settings: Settings) -> Iterator[Finding]:
    """Yield a finding for each other directory of migrations to which the change adds files."""
    known = {*trees.base.paths("."), *trees.merge_base.paths(".")}
    added = frozenset(path for path in trees.head.paths(".") if path not in known)
    table = settings.used.migrations
    for item, files in detection.others(trees.head, found.directory, added):
        if other is not None and other.directory == item.directory:
            continue
        is_detected = table.dir is None and found.directory != detection.DEFAULT
        is_new = not any(detection.is_below(path, item.directory) for path in known)
        is_error = is_detected or (table.dir is None and is_new and item.format.confidence >= _DISTINCTIVE)
        yield _unchecked_finding(item, files, is_error=is_error)


def _paths(history: History) -> set[str]:
    return {file.path for item in history.migrations for file in files_of(item)}


def _unchecked_finding(item: Found, files: tuple[str, ...], *, is_error: bool) -> Finding:
    count = "1 file" if len(files) == 1 else f"{len(files)} files"
    message = (
        f"This change edits {count} of format `{item.format.name}` in `{shown(item.directory, 200)}` that the base "
        f"commit's settings do not find, such as `{shown(files[0], 200)}`; they were not checked."
    )
    return _finding(message, files[0], is_error=is_error)


def _finding(message: str, path: str | None, *, is_error: bool) -> Finding:
    return MIGRATIONS_UNCHECKED.finding(
        message,
        help=_HELP,
        place=Place(file=path, line=1 if path else None),
        severity=Severity.ERROR if is_error else Severity.WARNING,
    )


def _moved(before: Found, own: Found, settings: Settings) -> Finding:
    return MIGRATIONS_MOVED.finding(
        f"This change moves the migrations from `{shown(before.directory, 200)}` to `{shown(own.directory, 200)}`.",
        help="Change the settings of the migration tool and of kfm-ci in the same change.",
        place=Place(file=settings.file or FILE_NAME, line=1),
    )
