"""The base commit of a change."""

from __future__ import annotations

import re
from dataclasses import dataclass

from kfm_ci.errors import CannotCheck, UsageError
from kfm_ci.migrations.git import Repository

_OBJECT_ID = re.compile(r"[0-9a-fA-F]{7,64}")


@dataclass(frozen=True, slots=True, kw_only=True)
class Base:
    """Base of the comparison."""

    tip: str
    """Newest commit of the base."""
    merge_base: str
    """Newest common ancestor of head and base."""


def find_base(repository: Repository, ref: str | None, *, pull_request_base: str | None) -> Base | None:
    """Return the base of the comparison: the given ref, the pull request's base, or the default branch.

    If ``ref`` is ``none``, or if there is no commit and no base is given, all migrations are new. Raises UsageError
    for a name that does not exist, and CannotCheck if the base is not known or missing in the clone.
    """
    if ref == "none":
        return None
    head, wanted = repository.head, ref or pull_request_base
    if wanted is None:
        return _default(repository) if head is not None else None
    tip = repository.resolve(wanted)
    common = repository.merge_base(tip, head) if tip is not None and head is not None else None
    if tip is None and ref and not repository.shallow and not _OBJECT_ID.fullmatch(ref):
        raise UsageError(
            code="KFM-U10",
            message="The commit does not exist.",
            where=f"--base {ref}",
            help="Fetch the commit and name it as `git rev-parse` knows it, or use `--base none`.",
        )
    if tip is None or common is None:
        raise _history_missing(repository, wanted)
    return Base(tip=tip, merge_base=common)


def _default(repository: Repository) -> Base:
    default = repository.default_branch()
    if default is None:
        raise CannotCheck(
            code="KFM-C18",
            message="The default branch is not known, so there is no base.",
            expected="`origin/HEAD`, `main` or `master`",
            help="Name the base by `--base`, or use `--base none` to check all migrations as new.",
        )
    common = repository.merge_base(default, "HEAD")
    if common is None:
        raise _history_missing(repository, default)
    return Base(tip=common, merge_base=common)


def _history_missing(repository: Repository, ref: str) -> CannotCheck:
    if repository.shallow:
        return CannotCheck(
            code="KFM-C19",
            message="The clone is shallow, so the base commit is missing.",
            where=f"--base {ref}",
            help="Set `fetch-depth: 0` for actions/checkout, or run `git fetch --unshallow`.",
        )
    return CannotCheck(
        code="KFM-C28",
        message="The base commit is missing in the clone, or has no common ancestor with the head.",
        where=f"--base {ref}",
        help="Fetch the commit, for example by `fetch-depth: 0` for actions/checkout.",
    )
