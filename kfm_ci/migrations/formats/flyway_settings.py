"""Flyway's settings in a repository: placeholders, ``mixed`` and the lock, from the files that Flyway reads."""

from __future__ import annotations

import re
import tomllib
from dataclasses import dataclass, field
from typing import Any

from kfm_ci.migrations.model import Tree, Unreadable

_PLACES = ("flyway.conf", "conf/flyway.conf", "flyway.toml", "conf/flyway.toml", "flyway.user.toml")
_SPRING = ("src/main/resources/application.properties", "src/main/resources/application.yml")
_BUILDS = ("pom.xml", "build.gradle", "build.gradle.kts", *_SPRING)
_LOCK = re.compile(r"transactional[._-]?lock\W{1,4}(?:value\W{0,3})?false", re.IGNORECASE)


@dataclass(frozen=True, slots=True, kw_only=True)
class FlywaySettings:
    """The settings that decide which files Flyway runs, and how."""

    placeholders: dict[str, str] = field(default_factory=dict)
    """Values by lower-case name."""
    replaces: bool = True
    """Whether Flyway replaces placeholders."""
    mixed: bool = False
    """Whether a file may mix statements with and without a transaction."""
    transactional_lock: bool = True
    """Whether Flyway holds its lock in a transaction, for which ``CREATE INDEX CONCURRENTLY`` waits."""
    table: str | None = None
    """Name of the history table; None: the default."""
    schema: str | None = None
    """Schema of the history table; None: not set."""
    out_of_order: bool = False
    """Whether Flyway runs a version that is older than the newest one applied."""

    @property
    def late(self) -> str:
        """What Flyway does with a version older than the newest one applied, as the end of a sentence."""
        if self.out_of_order:
            return (
                "Flyway runs it after the newer ones on databases that have them (`outOfOrder`), "
                "and before them on a new database"
            )
        return "Flyway fails on databases that have the newer one"


def pairs(text: str) -> dict[str, str]:
    """Return the lower-cased keys of a properties file with their values, without the prefix ``flyway.``."""
    found = {}
    for line in text.splitlines():
        key, mark, value = line.partition("=")
        if mark and not key.lstrip().startswith(("#", "!")):
            found[key.strip().lower().removeprefix("flyway.").replace("spring.flyway.", "")] = value.strip()
    return found


def mentioned(tree: Tree, directory: str) -> bool:
    """Whether the repository uses Flyway, judged by its files or its usual directory."""
    if directory.endswith("db/migration") or any(tree.exists(path) for path in _PLACES):
        return True
    return any("flyway" in text.lower() for text in _texts(tree, directory, _BUILDS))


def read(tree: Tree, directory: str) -> FlywaySettings:
    """Return the settings of the configuration files; later files win."""
    found: dict[str, str] = {}
    for text in _texts(tree, directory, (*_PLACES, _SPRING[0])):
        found |= _toml(text) if "[flyway" in text else pairs(text)
    prefix = "placeholders."
    builds = _texts(tree, directory, (*_BUILDS, *_PLACES))
    return FlywaySettings(
        placeholders={key[len(prefix) :]: value for key, value in found.items() if key.startswith(prefix)},
        replaces=found.get("placeholderreplacement", "true").lower() != "false",
        mixed=found.get("mixed", "false").lower() == "true",
        out_of_order=found.get("outoforder", found.get("out-of-order", "false")).lower() == "true",
        table=found.get("table"),
        schema=found.get("defaultschema")
        or found.get("default-schema")
        or found.get("schemas", "").partition(",")[0].strip()
        or None,
        transactional_lock=not any(_LOCK.search(text) for text in builds),
    )


def _texts(tree: Tree, directory: str, names: tuple[str, ...]) -> list[str]:
    """Yield the settings files at the root and next to the module that holds the directory."""
    module = directory.partition("/src/")[0] if "/src/" in directory else ""
    texts = []
    for name in dict.fromkeys([*names, *(f"{module}/{name}" for name in names if module)]):
        try:
            if tree.exists(name):
                texts.append(tree.read(name).decode("utf-8", "replace"))
        except Unreadable:
            continue
    return texts


def _toml(text: str) -> dict[str, str]:
    try:
        table = tomllib.loads(text).get("flyway", {})
    except tomllib.TOMLDecodeError:
        return {}
    return dict(_flat(table, ""))


def _flat(table: Any, prefix: str) -> list[tuple[str, str]]:
    found: list[tuple[str, str]] = []
    for key, value in table.items() if isinstance(table, dict) else ():
        name = f"{prefix}{key}".lower()
        if isinstance(value, dict):
            found += _flat(value, f"{name}.")
        else:
            found.append((name, str(value).lower() if isinstance(value, bool) else str(value)))
    return found
