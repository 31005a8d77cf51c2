"""The base commit of a change."""

from __future__ import annotations

from dataclasses import dataclass

from kfm_ci.errors import UsageError
from kfm_ci.migrations.git import Repository


@dataclass(frozen=True, slots=True, kw_only=True)
class Base:
    """Base of the comparison."""

    tip: str
    """Newest commit of the base."""
    merge_base: str
    """Newest common ancestor of head and base."""


def find_base(repository: Repository, ref: str | None, *, pull_request_base: str | None) -> Base | None:
    """Return the base of the comparison: the given ref, the pull request's base, or the default branch.

    If ``ref`` is ``none``, all migrations are new. Raises UsageError if the base commit is missing in the clone.
    """
    if ref == "none":
        return None
    head = repository.head
    if head is None:
        return None
    wanted = ref or pull_request_base
    if wanted is None:
        default = repository.default_branch()
        common = repository.merge_base(default, "HEAD") if default else None
        if default and common is None:
            raise _history_missing(repository, default)
        return Base(tip=common, merge_base=common) if common else None
    tip = repository.resolve(wanted)
    if tip is None:
        raise _history_missing(repository, wanted)
    common = repository.merge_base(tip, head)
    if common is None:
        raise _history_missing(repository, wanted)
    return Base(tip=tip, merge_base=common)


def _history_missing(repository: Repository, ref: str) -> UsageError:
    if repository.shallow:
        return UsageError(
            code="KFM-U11",
            message="The clone is shallow, so the base commit is missing.",
            where=f"--base {ref}",
            help="Set `fetch-depth: 0` for actions/checkout, or run `git fetch --unshallow`.",
        )
    return UsageError(
        code="KFM-U10",
        message="The commit does not exist, or has no common ancestor with the head.",
        where=f"--base {ref}",
        help="Fetch the commit and name it as `git rev-parse` knows it, or use `--base none`.",
    )
