"""The checkout: whether the work tree holds what the repository has, so that nothing missing looks deleted."""

from __future__ import annotations

from pathlib import Path

from kfm_ci.errors import UsageError
from kfm_ci.migrations.git import Repository


def complete(root: Path, directory: str | None, *, compared: bool) -> None:
    """Raise UsageError when migrations were left out of the work tree, or belong to another repository.

    ``directory`` is where the migrations are, seen from ``root``; None when none were found. ``compared`` tells
    whether there is a base, in which a submodule's files would be missing.
    """
    entries = Repository.listed(root)
    omitted = [item.path for item in entries if item.omitted and _inside(item.path, directory) and _is_sql(item.path)]
    if omitted:
        folder = directory or omitted[0].rpartition("/")[0] or "."
        raise UsageError(
            code="KFM-U13", message=f"the checkout is sparse and leaves out {len(omitted)} files", where=folder,
            expected="every migration in the work tree", got=f"{omitted[0]} is not there",
            help=f"run `git sparse-checkout add {folder}`, or take sparse-checkout out of the workflow's actions/checkout",
        )  # fmt: skip
    modules = [item.path for item in entries if item.submodule]
    if directory is None and modules:
        raise UsageError(
            code="KFM-U31", message="no migrations found", expected="migrations in the checkout",
            got=f"submodules that may be empty: {', '.join(modules[:3])}",
            help="check them out: `submodules: true` for actions/checkout, or `git submodule update --init`",
        )  # fmt: skip
    owner = next((path for path in modules if directory is not None and _inside(directory, path)), None)
    if owner is not None and compared:
        raise UsageError(
            code="KFM-U14", message="the migrations are in a submodule, whose files the base commit does not hold",
            where=directory, help=f"run the gate in the repository of {owner}, or here with `--base none`",
        )  # fmt: skip


def _inside(path: str, directory: str | None) -> bool:
    return directory in {None, "."} or path == directory or path.startswith(f"{directory}/")


def _is_sql(path: str) -> bool:
    return path.endswith(".sql")
