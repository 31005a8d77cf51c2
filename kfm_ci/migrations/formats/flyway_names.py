"""Names of Flyway's files, with the prefixes, separator and suffixes of its settings."""

from __future__ import annotations

import re
from dataclasses import dataclass

DEFAULTS = {
    "sqlmigrationprefix": "V",
    "undosqlmigrationprefix": "U",
    "baselinemigrationprefix": "B",
    "repeatablesqlmigrationprefix": "R",
    "sqlmigrationseparator": "__",
    "sqlmigrationsuffixes": ".sql",
}
SCRIPTS = re.compile(r"\.(?:sh|bash|ps1|bat|cmd|py|exe)$", re.IGNORECASE)
"""Suffixes of scripts, which Flyway starts as programs."""


@dataclass(frozen=True, slots=True, kw_only=True)
class FlywayNames:
    """Patterns of a file's name; prefixes are case-sensitive, suffixes are not."""

    versioned: re.Pattern[str]
    """Groups: one of ``V``, ``U``, ``B`` by its setting, version, description."""
    repeatable: re.Pattern[str]
    nearly: re.Pattern[str]
    suffixes: tuple[str, ...]
    kinds: dict[str, str]
    """``V``, ``U`` or ``B`` of each prefix."""

    def is_sql(self, path: str) -> bool:
        """Whether Flyway reads a file as SQL; it skips hidden directories."""
        hidden = any(part.startswith(".") and part not in {".", ".."} for part in path.split("/")[:-1])
        return path.lower().endswith(self.suffixes) and not hidden


def names(found: dict[str, str]) -> FlywayNames:
    """Return the patterns for settings by lower-case key."""
    values = {key: found.get(key) or default for key, default in DEFAULTS.items()}
    written = re.sub(r"[\[\]'\"\s]", "", values["sqlmigrationsuffixes"]).lower()
    suffixes = tuple(item for item in written.split(",") if item)
    prefixes = {
        values["sqlmigrationprefix"]: "V",
        values["undosqlmigrationprefix"]: "U",
        values["baselinemigrationprefix"]: "B",
    }
    prefix = "|".join(map(re.escape, prefixes))
    end = f"(?i:{'|'.join(map(re.escape, suffixes))})$"
    mark, again = re.escape(values["sqlmigrationseparator"]), re.escape(values["repeatablesqlmigrationprefix"])
    return FlywayNames(
        versioned=re.compile(rf"^({prefix})([0-9]+(?:[._][0-9]+)*)(?:{mark}(.*?))?{end}"),
        repeatable=re.compile(rf"^{again}{mark}(.*?){end}"),
        nearly=re.compile(rf"^(?:(?:{prefix}|{again})_?[0-9._]*_{{0,2}}[^/]*|[vurb](?:[0-9]|__)[^/]*){end}"),
        suffixes=suffixes,
        kinds=prefixes,
    )
