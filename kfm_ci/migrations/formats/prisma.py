"""Format ``prisma``: one directory per migration with ``migration.sql``; Prisma's version decides how it is sent."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator
from dataclasses import replace
from typing import Any

from kfm_ci.config import MigrationsTable
from kfm_ci.migrations.layouts.program_files import TESTS
from kfm_ci.migrations.layouts.sections import problem
from kfm_ci.migrations.layouts.up_down_pairs import FileName, assemble, relative
from kfm_ci.migrations.model import History, RowDeletion, Tree, Unreadable
from kfm_ci.migrations.problems.transaction_modes import MIGRATION_NOT_SQL
from kfm_ci.model import Finding, Mode
from kfm_ci.sql import transactions
from kfm_ci.sql.script import Script, SourceFile

Version = tuple[int, int]

_PROGRAM = re.compile(r"^[^/]+/.*\.[cm]?[jt]s$")

_NAME = re.compile(r"^([^/]+)/(migration|down)\.sql$")
_SPLITS: Version = (7, 4)
"""From this version on the engine sends each statement separately, without a transaction."""
# Prisma's SQL splitter does not parse this, and sends a file that it cannot parse as one message.
_UNREAD = re.compile(r"\bdrop\s+index\s+concurrently\b", re.IGNORECASE)
_LOCKS = {
    "package-lock.json": re.compile(r'"node_modules/prisma":\s*\{\s*"version":\s*"(\d+)\.(\d+)'),
    "pnpm-lock.yaml": re.compile(r"^\s+'?/?prisma@(\d+)\.(\d+)", re.MULTILINE),
    "yarn.lock": re.compile(r'^"?prisma@[^\n]*:\n\s+version:?\s+"?(\d+)\.(\d+)', re.MULTILINE),
    "bun.lock": re.compile(r'"prisma":\s*\["prisma@(\d+)\.(\d+)'),
}


def _name(path: str) -> FileName | None:
    match = _NAME.match(path)
    if match is None:
        return None
    version, _, name = match[1].partition("_")
    return FileName(
        id=match[1],
        version=match[1],
        sort_key=(match[1],),
        name=name or version,
        direction="up" if match[2] == "migration" else "down",
    )


class Prisma:
    """``<version>_name/migration.sql``, ordered by directory name; one message per file or per statement."""

    name = "prisma"
    confidence = 60

    def recognises(self, tree: Tree, directory: str, names: tuple[str, ...]) -> bool:
        """Whether a subdirectory holds a migration."""
        return any(name.endswith("/migration.sql") and _name(name) for name in names)

    def load(self, tree: Tree, directory: str, settings: MigrationsTable) -> History:
        """Read each subdirectory; Prisma's version is that of the lock file, else of package.json."""
        history = assemble(tree, directory, format=self.name, name=_name, paths=tree.paths(directory), whole=True)
        used = version(tree, directory)
        splits = used is not None and used >= _SPLITS
        migrations = tuple(
            replace(item, up=_split(item.up)) if splits and isinstance(item.up, Script) else item
            for item in history.migrations
        )
        return replace(
            history,
            migrations=migrations,
            semantics=replace(
                history.semantics,
                row_deletion=RowDeletion(sql="delete from _prisma_migrations where migration_name = {id}"),
                non_transactional=splits,
                records_before_run=True,
                how_to_disable_transaction="in a migration of its own with no other statement",
                out_of_order_behaviour="Prisma runs it after them on databases that have them, and before "
                "them on a new database",
            ),
            findings=(*history.findings, *_programs(history)),
        )


def _programs(history: History) -> Iterator[Finding]:
    """Return one finding for the programs in a migration's directory, such as a data migration in TypeScript."""
    there = {item.up_path.rpartition("/")[0] for item in history.migrations}
    beside: dict[str, list[SourceFile]] = {}
    for file in history.other_files:
        inside = relative(file.path, history.directory)
        if _PROGRAM.search(inside) and not TESTS.search(inside):
            beside.setdefault(file.path.removesuffix(inside) + inside.partition("/")[0], []).append(file)
    for folder, files in beside.items():
        main = min(
            files, key=lambda file: ("migration" not in file.path[len(folder) :], file.path.count("/"), file.path)
        )
        alone = "" if folder in there else ", and `migrate deploy` fails on a directory without `migration.sql` (P3015)"
        yield problem(
            main,
            MIGRATION_NOT_SQL,
            f"Prisma does not run this program{alone}; kfm-ci neither ran nor checked it.",
            "Write it as SQL in `migration.sql`, or run it on every database in the deployment.",
        )


def _split(script: Script) -> Script:
    if _UNREAD.search(script.text):
        return script
    return transactions.unwrapped(
        replace(script, text=script.file.text, implicit_transaction=False, mode=Mode.AUTOCOMMIT)
    )


def version(tree: Tree, directory: str) -> Version | None:
    """Return major and minor version of the repository's Prisma; None when it is not known."""
    parts = directory.split("/")
    above = ["/".join(parts[:count]) for count in range(len(parts) - 1, -1, -1)]
    asked = next((found for place in above if (found := _asked(tree, place))), None)
    locked = next((found for place in above for found in _locked(tree, place)), None)
    return locked or asked


def _locked(tree: Tree, place: str) -> list[Version]:
    texts = ((pattern, _text(tree, _in(place, name))) for name, pattern in _LOCKS.items())
    return [(int(found[1]), int(found[2])) for pattern, text in texts if text and (found := pattern.search(text))]


def _asked(tree: Tree, place: str) -> Version | None:
    """Return the version in package.json; a range counts as its newest minor version."""
    try:
        document: Any = json.loads(_text(tree, _in(place, "package.json")) or "{}")
        wanted = next(
            (
                str(table[name])
                for key in ("devDependencies", "dependencies")
                if isinstance(table := document.get(key), dict)
                for name in ("prisma", "@prisma/client")
                if name in table
            ),
            "",
        )
    except (ValueError, AttributeError, RecursionError):
        return None
    found = re.match(r"([~^>=]*)\s*v?(\d+)\.(\d+)", wanted)
    if found is None:
        return None
    newest = found[1].startswith(("^", ">"))
    return int(found[2]), 999 if newest else int(found[3])


def _text(tree: Tree, path: str) -> str | None:
    try:
        return tree.read(path).decode("utf-8", "replace") if tree.exists(path) else None
    except Unreadable:
        return None


def _in(place: str, name: str) -> str:
    return f"{place}/{name}" if place else name
