"""Who decides each setting, the base commit or the head, and the settings that a check of a change uses."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from enum import StrEnum
from typing import Any, TypeVar

from pydantic import BaseModel
from pydantic.fields import FieldInfo

_HIDDEN = frozenset({"env"})
"""Tables whose values may be secrets."""


class Decider(StrEnum):
    """The commit whose value a check of a change uses."""

    BASE = "base"
    """The base; without a settings file on the base, the default."""
    ADOPTION = "base, at first head"
    """The base; the head in the change that adopts kfm-ci, whose base has no settings file."""
    BOTH = "both"
    """The base; the head may set what the base does not set."""
    HEAD = "head"


@dataclass(frozen=True, slots=True, kw_only=True)
class SettingChange:
    """A setting whose value differs between the base and the head."""

    key: str
    """As in the file, such as `database.run-as`."""
    old: str
    new: str
    is_used: bool
    """Whether the check uses the head's value."""


BASE, ADOPTION, BOTH, HEAD = Decider.BASE, Decider.ADOPTION, Decider.BOTH, Decider.HEAD
Table = TypeVar("Table", bound=BaseModel)


def decider(field: FieldInfo) -> Decider | None:
    """Return who decides a setting; None for a table, whose settings have their own declarations."""
    return next((item for item in field.metadata if isinstance(item, Decider)), None)


def settings_to_use(base: Table | None, head: Table) -> Table:
    """Return the settings for a check of a change; ``base`` is None if the base has no settings."""
    defaults = type(head)()
    return _decided(base or defaults, head, is_first=base is None)


def _decided(base: Table, head: Table, *, is_first: bool) -> Table:
    values = {}
    for name, field in type(head).model_fields.items():
        old, new, chosen = getattr(base, name), getattr(head, name), decider(field)
        if old is None and isinstance(new, BaseModel) and is_first:
            old = type(new)()
        is_table = isinstance(old, BaseModel) and isinstance(new, BaseModel)
        values[name] = (
            _decided(old, new, is_first=is_first) if is_table else _value(chosen, old, new, is_first=is_first)
        )
    return head.model_copy(update=values)


def _value(chosen: Decider | None, old: Any, new: Any, *, is_first: bool) -> Any:
    if chosen is Decider.HEAD or (is_first and chosen is not Decider.BASE):
        return new
    if chosen is not Decider.BOTH:
        return old
    if isinstance(old, dict):
        return {**new, **old}
    if isinstance(old, tuple):
        known = {getattr(item, "id", item) for item in old}
        return (*old, *(item for item in new if getattr(item, "id", item) not in known))
    return new if old is None else old


def changes(base: BaseModel, head: BaseModel, used: BaseModel) -> tuple[SettingChange, ...]:
    """Return the settings that differ between base and head, sorted by key."""
    before, after, effective = dict(_leaves(base)), dict(_leaves(head)), dict(_leaves(used))
    keys = sorted(key for key in {*before, *after} if before.get(key) != after.get(key))
    return tuple(
        SettingChange(
            key=key,
            old=before.get(key, "unset"),
            new=after.get(key, "unset"),
            is_used=effective.get(key) == after.get(key),
        )
        for key in keys
    )


def _leaves(value: object, key: str = "") -> Iterator[tuple[str, str]]:
    """Yield each setting by its key, with its value as text."""
    if isinstance(value, BaseModel):
        named = {field.alias or name: getattr(value, name) for name, field in type(value).model_fields.items()}
        yield from _members(named, key)
    elif isinstance(value, Mapping):
        yield from _members(value, key)
    elif isinstance(value, tuple) and any(isinstance(item, BaseModel) for item in value):
        yield from _members({item.id: item for item in value}, key)
    elif value is not None and value != ():
        is_hidden = not _HIDDEN.isdisjoint(key.split(".")[:-1])
        text = json.dumps(value, default=list)
        yield key, f"a hidden value of {len(text)} bytes" if is_hidden else text


def _members(values: Mapping[str, object], key: str) -> Iterator[tuple[str, str]]:
    for name, value in values.items():
        yield from _leaves(value, f"{key}.{name}" if key else name)
