"""Rights in a database at one moment, and their difference."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass


@dataclass(frozen=True, slots=True, kw_only=True)
class Right:
    """One aspect of an object's security: the privileges of one holder, its owner, a policy …"""

    aspect: str
    """``privileges``, ``owner``, ``row security``, ``policy``, ``role``, ``remote`` …"""
    key: str
    """Identity of the object, which a rename does not change."""
    object: str
    """``<kind> <name>``."""
    holder: str
    """Role, or ``public``; name of a policy; empty where an object has one right of this aspect."""
    values: tuple[str, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class RightChange:
    """A right before and after a migration; None where it did not exist."""

    before: Right | None
    after: Right | None
    existing: bool
    """Whether the object existed before."""

    @property
    def right(self) -> Right:
        """The right after the migration; the one before where it was removed."""
        found = self.after or self.before
        assert found is not None
        return found

    @property
    def gained(self) -> tuple[str, ...]:
        """Values that the migration added."""
        return _without(self.after, self.before)

    @property
    def lost(self) -> tuple[str, ...]:
        """Values that the migration removed."""
        return _without(self.before, self.after)


@dataclass(frozen=True, slots=True, kw_only=True)
class Rights:
    """All rights before and after a migration."""

    before: tuple[Right, ...] = ()
    after: tuple[Right, ...] = ()

    def changes(self) -> Iterator[RightChange]:
        """Yield each right that differs; an object that was dropped and created again is compared by its name."""
        if self.before == self.after:
            return
        old, new = _by_holder(self.before), _by_holder(self.after)
        names = {(right.aspect, right.object, right.holder): right for right in self.before}
        old_objects = {right.key for right in self.before} | {right.object for right in self.before}
        new_objects = {right.key for right in self.after} | {right.object for right in self.after}
        for key, after in new.items():
            before = old.get(key) or names.get((after.aspect, after.object, after.holder))
            if before is None or set(before.values) != set(after.values):
                existing = bool({after.key, after.object, _relation_of(after)} & old_objects)
                yield RightChange(before=before, after=after, existing=existing)
        present = {(right.aspect, right.object, right.holder) for right in self.after}
        for key, before in old.items():
            is_missing = key not in new and (before.aspect, before.object, before.holder) not in present
            if is_missing and (
                before.aspect in _SERVER_WIDE or {before.key, before.object, _relation_of(before)} & new_objects
            ):
                yield RightChange(before=before, after=None, existing=True)


_SERVER_WIDE = frozenset({"role", "membership", "setting"})
"""Aspects whose removal is a change of its own; other objects that were dropped are reported as dropped."""


def _relation_of(right: Right) -> str:
    """Return the key of the relation that a column belongs to; a column without grants has no right of its own."""
    kind, _, rest = right.key.partition(" ")
    return f"relation {rest.partition('.')[0]}" if kind == "column" else right.key


def _by_holder(rights: tuple[Right, ...]) -> dict[tuple[str, str, str], Right]:
    return {(right.aspect, right.key, right.holder): right for right in rights}


def _without(right: Right | None, other: Right | None) -> tuple[str, ...]:
    values = other.values if other is not None else ()
    return tuple(value for value in right.values if value not in values) if right is not None else ()
