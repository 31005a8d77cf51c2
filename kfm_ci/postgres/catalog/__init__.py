"""The schema of a database as sorted text, so that two states compare object by object."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import replace

from kfm_ci.postgres.catalog.model import Catalog, ColumnIdentity, Difference, Identity
from kfm_ci.postgres.catalog.reader import follow, read
from kfm_ci.postgres.catalog.relation_queries import OWN_SCHEMAS, SETTINGS

__all__ = [
    "OWN_SCHEMAS",
    "SETTINGS",
    "Catalog",
    "ColumnIdentity",
    "Difference",
    "Identity",
    "diff",
    "fold",
    "follow",
    "read",
    "without_timestamps",
]

_MOMENT = re.compile(r"'\d{4}-\d\d-\d\d \d\d:\d\d:\d\d\.\d{3,6}(?:[+-]\d\d(?::\d\d)?)?'")


def diff(before: Catalog, after: Catalog) -> Difference:
    """Return the objects that were added, changed or removed, sorted by name."""
    old, new = dict(before.entries), dict(after.entries)
    return Difference(
        added=tuple(name for name in new if name not in old),
        changed=tuple((name, old[name], text) for name, text in new.items() if name in old and old[name] != text),
        removed=tuple(name for name in old if name not in new),
    )


def without_timestamps(difference: Difference) -> Difference:
    """Return a difference without objects that differ only in timestamp constants.

    PostgreSQL replaces ``'now'`` in a view or a default by the time of its creation, which differs in every run.
    """
    changed = tuple(
        (name, was, now) for name, was, now in difference.changed if _MOMENT.sub("", was) != _MOMENT.sub("", now)
    )
    return replace(difference, changed=changed)


def fold(difference: Difference, *, before: Catalog, after: Catalog) -> Difference:
    """Return a difference without the parts of added and removed objects, such as the columns of a table."""
    return Difference(
        added=_fold(difference.added, after.parents),
        changed=difference.changed,
        removed=_fold(difference.removed, before.parents),
    )


def _fold(names: tuple[str, ...], parents: Mapping[str, str]) -> tuple[str, ...]:
    listed = frozenset(names)
    return tuple(name for name in names if parents.get(name) not in listed)
