"""Migrations of Flyway that are programs: classes beside the resources, and scripts among the SQL files."""

from __future__ import annotations

import re
from collections.abc import Iterable

from kfm_ci.migrations.formats.flyway_names import SCRIPTS, FlywayNames
from kfm_ci.migrations.model import Tree
from kfm_ci.migrations.problems.transaction_modes import MIGRATION_NOT_SQL
from kfm_ci.model import Finding, Place, Severity

_CLASS = re.compile(r"^[VURB][0-9_]*__\w+\.(?:java|kt|groovy|scala|class)$")
_LANGUAGES = ("java", "kotlin", "groovy", "scala")


def findings(tree: Tree, directory: str, inside: Iterable[str], names: FlywayNames) -> list[Finding]:
    """Return findings on the programs that Flyway runs among the SQL files."""
    found = [path for path in inside if _is_script(path.rpartition("/")[2], names)]
    places = [directory]
    if "/resources/" in f"/{directory}":
        places += [directory.replace("resources/", f"{language}/", 1) for language in _LANGUAGES]
    for place in places:
        found += [path for path in tree.paths(place) if _CLASS.match(path.rpartition("/")[2])]
    return [
        MIGRATION_NOT_SQL.finding(
            "Flyway runs this program among the other migrations; kfm-ci neither ran nor checked it.",
            place=Place(file=path, line=1),
            help="Write the migration in SQL.",
            severity=Severity.ERROR,
        )
        for path in dict.fromkeys(found)
    ]


def _is_script(name: str, names: FlywayNames) -> bool:
    stem = SCRIPTS.sub(names.suffixes[0] if names.suffixes else ".sql", name)
    return stem != name and bool(names.versioned.match(stem) or names.repeatable.match(stem))
