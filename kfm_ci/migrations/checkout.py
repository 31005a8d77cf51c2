"""Check that the checkout is complete, so that an omitted migration is not taken for a deleted one."""

from __future__ import annotations

from pathlib import Path

from kfm_ci.errors import CannotCheck, UsageError
from kfm_ci.migrations.git import IndexEntry, Repository


def complete(root: Path, directory: str | None, *, compared: bool) -> None:
    """Raise UsageError or CannotCheck if the checkout omits migrations, or if they belong to a submodule.

    ``directory`` is the migrations directory below ``root``, None if there is none. ``compared`` is True if there is a
    base, which has no files of a submodule.
    """
    entries = Repository.index_entries(root)
    omitted = [item.path for item in entries if item.omitted and _is_migration(item.path, directory)]
    if omitted:
        folder = directory or omitted[0].rpartition("/")[0] or "."
        raise UsageError(
            code="KFM-U13",
            message=f"The sparse checkout omits {len(omitted)} files.",
            where=folder,
            expected="every migration in the work tree",
            got=f"{omitted[0]} is missing",
            help=f"Run `git sparse-checkout add {folder}`, or remove `sparse-checkout` from actions/checkout.",
        )
    modules = [item.path for item in entries if item.submodule]
    if directory is None and modules:
        raise CannotCheck(
            code="KFM-C97",
            message="The checkout has no migrations.",
            expected="migrations in the checkout",
            got=f"submodules that may be empty: {', '.join(modules[:3])}",
            help="Set `submodules: true` for actions/checkout, or run `git submodule update --init`.",
        )
    inner = _submodule_among(root, directory, entries)
    if inner is not None:
        raise CannotCheck(
            code="KFM-C98",
            message="The migrations directory contains a submodule, whose files this repository does not contain.",
            where=inner,
            help="Move the migrations of the submodule into this repository.",
        )
    owner = next((path for path in modules if directory is not None and _inside(directory, path)), None)
    if owner is not None and compared:
        raise UsageError(
            code="KFM-U14",
            message="The migrations are in a submodule, whose files the base commit does not contain.",
            where=directory,
            help=f"Run the gate in the repository of {owner}, or here with `--base none`.",
        )


def _submodule_among(root: Path, directory: str | None, entries: tuple[IndexEntry, ...]) -> str | None:
    """Return a submodule below the migrations directory, or a link in it that leads to one."""
    if directory in {None, "."}:
        return None
    modules = {item.path for item in entries if item.submodule}
    below = f"{directory}/"
    for item in entries if modules else ():
        if not item.path.startswith(below):
            continue
        target = (root / item.path).resolve()
        if item.submodule or (item.link and any(target.is_relative_to(root / path) for path in modules)):
            return item.path
    return None


def _is_migration(path: str, directory: str | None) -> bool:
    """Whether a file may belong to a migration: any file of the directory, or SQL where the directory is not known."""
    return _inside(path, directory) and (directory not in {None, "."} or path.endswith(".sql"))


def _inside(path: str, directory: str | None) -> bool:
    return directory in {None, "."} or path == directory or path.startswith(f"{directory}/")
