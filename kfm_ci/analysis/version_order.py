"""How versions of migrations compare across commits."""

from __future__ import annotations

from itertools import zip_longest

from kfm_ci.migrations.model import Migration


def has_version(migration: Migration) -> bool:
    """Whether the migration takes part in the order; what runs again whenever it changes has no place in it."""
    return bool(migration.version) and not migration.is_repeatable


def same_version(migration: Migration) -> str:
    """Return the version in a form that is equal for ``V1`` and ``V001``."""
    version = migration.version
    digits = version[1:] if version[:1] in {"V", "v"} else version
    return digits.lstrip("0") or "0" if digits.isascii() and digits.isdigit() else version


def comes_before(one: Migration, other: Migration) -> bool:
    """Whether one sorts strictly before the other; never fails on mixed styles, which are a finding of their own."""
    for left, right in zip_longest(one.sort_key, other.sort_key):
        if left == right:
            continue
        if left is None or right is None:
            return left is None
        if isinstance(left, int) and isinstance(right, int):
            return left < right
        return str(left) < str(right)
    return False
