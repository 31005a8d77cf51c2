"""Flyway's settings in a repository: placeholders, ``mixed`` and the lock, from the files that Flyway reads."""

from __future__ import annotations

import posixpath
import re
from dataclasses import dataclass, field
from typing import Any

from kfm_ci import toml
from kfm_ci.migrations.formats import flyway_names
from kfm_ci.migrations.formats.flyway_names import FlywayNames
from kfm_ci.migrations.model import Tree, Unreadable
from kfm_ci.migrations.problems.tool_plan import TOOL_SETTING_UNCHECKED
from kfm_ci.model import Finding, Place, Severity

_PLACES = ("flyway.conf", "conf/flyway.conf", "flyway.toml", "conf/flyway.toml", "flyway.user.toml")
_SPRING = ("src/main/resources/application.properties", "src/main/resources/application.yml")
_BUILDS = ("pom.xml", "build.gradle", "build.gradle.kts", *_SPRING)
_LOCK = re.compile(r"transactional[._-]?lock\W{1,4}(?:value\W{0,3})?false", re.IGNORECASE)


_LOCATIONS = frozenset({"locations", "callbacklocations"})
_CODE = frozenset({"initsql", "callbacks", "resolvers"})
"""Settings that run SQL or programs which no file of the directory holds."""
_DASHED = frozenset({"init-sql", "callback-locations", *(f"sql-migration-{item}" for item in ("prefix", "separator"))})
_DASHED |= {"sql-migration-suffixes", "repeatable-sql-migration-prefix", "undo-sql-migration-prefix"}
_MIGRATION = re.compile(r"\.(?:sql|java|kt|class|sh|py|ps1|bat|cmd)$", re.IGNORECASE)


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
    names: FlywayNames
    """How Flyway's files are named."""
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
    return any("flyway" in text.lower() for _, text in _texts(tree, directory, _BUILDS))


def read(tree: Tree, directory: str) -> FlywaySettings:
    """Return the settings of the configuration files; later files win."""
    found: dict[str, str] = {}
    for _, text in _texts(tree, directory, (*_PLACES, _SPRING[0])):
        found |= _values(text)
    prefix = "placeholders."
    builds = _texts(tree, directory, (*_BUILDS, *_PLACES))
    return FlywaySettings(
        placeholders={key[len(prefix) :]: value for key, value in found.items() if key.startswith(prefix)},
        replaces=found.get("placeholderreplacement", "true").lower() != "false",
        names=flyway_names.names(found),
        mixed=found.get("mixed", "false").lower() == "true",
        out_of_order=found.get("outoforder", found.get("out-of-order", "false")).lower() == "true",
        table=found.get("table"),
        schema=found.get("defaultschema")
        or found.get("default-schema")
        or found.get("schemas", "").partition(",")[0].strip()
        or None,
        transactional_lock=not any(_LOCK.search(text) for _, text in builds),
    )


def unchecked(tree: Tree, directory: str) -> list[Finding]:
    """Return findings on settings by which Flyway runs more than the files of the directory."""
    found = []
    for path, text in _texts(tree, directory, (*_PLACES, _SPRING[0])):
        for key, value in _values(text).items():
            if key in _CODE and value:
                found.append(_unchecked(path, f"Flyway runs `{key}` ({value[:80]}) on each connection or migration"))
            for place in _outside(tree, directory, path, value) if key in _LOCATIONS else ():
                found.append(_unchecked(path, f"Flyway also runs the migrations in `{place}` (`{key}`)"))
    return found


def _unchecked(path: str, what: str) -> Finding:
    return TOOL_SETTING_UNCHECKED.finding(
        f"{what}; kfm-ci did not check it.",
        place=Place(file=path, line=1),
        help="Keep all migrations in one directory, and SQL in its files.",
        severity=Severity.ERROR,
    )


def _outside(tree: Tree, directory: str, path: str, value: str) -> list[str]:
    """Return the directories with files that a list of locations names, outside the migrations directory."""
    module = directory.partition("/src/")[0] if "/src/" in directory else ""
    found = []
    for location in value.strip("[]").replace('"', "").replace("'", "").split(","):
        kind, _, place = location.strip().rpartition(":")
        place = re.split(r"[*?{$]", place)[0].removesuffix("/")
        if kind not in {"", "classpath", "filesystem"} or not place or place.startswith("/"):
            continue
        roots = ("src/main/resources", "src/main/java", "src/main/kotlin", "resources", "")
        starts: tuple[str, ...] = ("", posixpath.dirname(path), module)
        if kind != "filesystem":
            starts = tuple(posixpath.join(start, root) for start in starts for root in roots)
        for full in dict.fromkeys(posixpath.normpath(posixpath.join(start, place)) for start in starts):
            is_inside = directory == "." or f"{full}/".startswith(f"{directory}/")
            if not is_inside and not full.startswith("..") and _has_other_files(tree, full, directory):
                found.append(full)
    return found


def _has_other_files(tree: Tree, place: str, directory: str) -> bool:
    return any(not path.startswith(f"{directory}/") and _MIGRATION.search(path) for path in tree.paths(place))


def _values(text: str) -> dict[str, str]:
    found = _toml(text) if "[flyway" in text or "[environments" in text else pairs(text)
    return {key.replace("-", "") if key in _DASHED else key: value for key, value in found.items()}


def _texts(tree: Tree, directory: str, names: tuple[str, ...]) -> list[tuple[str, str]]:
    """Return paths and texts of the settings files at the root and next to the module that holds the directory."""
    module = directory.partition("/src/")[0] if "/src/" in directory else ""
    texts = []
    for name in dict.fromkeys([*names, *(f"{module}/{name}" for name in names if module)]):
        try:
            if tree.exists(name):
                texts.append((name, tree.read(name).decode("utf-8", "replace")))
        except Unreadable:
            continue
    return texts


def _toml(text: str) -> dict[str, str]:
    try:
        table = toml.loads(text).get("flyway", {})
    except toml.InvalidToml:
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
