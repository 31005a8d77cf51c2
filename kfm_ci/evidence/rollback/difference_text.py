"""Differences of schema and rows as one line of text."""

from __future__ import annotations

from collections.abc import Iterable

from kfm_ci.evidence.schema_diff import excerpts
from kfm_ci.postgres.catalog import Difference


def join_limited(sentences: Iterable[str], limit: int = 8) -> str:
    """Return sentences as one line; those above the limit are counted."""
    every = tuple(sentences)
    more = (f"and {len(every) - limit} more",) if len(every) > limit else ()
    return "; ".join((*every[:limit], *more))


def format_difference(
    difference: Difference, *, added: str = "is left behind", removed: str = "is not restored"
) -> str:
    """Return a difference as one line: added, missing and changed objects."""
    sentences = (
        *(f"{name} {added}" for name in difference.added),
        *(f"{name} {removed}" for name in difference.removed),
        *(
            f"{name} was {was!r} and is {now!r}"
            for name, before, after in difference.changed
            for was, now in [excerpts(before, after)]
        ),
    )
    return join_limited(sentences)


def format_progress(difference: Difference) -> str:
    """Return a difference as one line: what a script that failed halfway has changed."""
    sentences = (
        *(f"{name} is added" for name in difference.added),
        *(f"{name} is dropped" for name in difference.removed),
        *(f"{name} is changed" for name, _, _ in difference.changed),
    )
    return join_limited(sentences)
