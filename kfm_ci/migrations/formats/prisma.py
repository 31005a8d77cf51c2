"""Format ``prisma``: one directory a migration, with ``migration.sql``."""

from __future__ import annotations

import re

from kfm_ci.config import MigrationsTable
from kfm_ci.migrations.files import History, Tree
from kfm_ci.migrations.formats.pairs import Named, assemble

_NAME = re.compile(r"^([^/]+)/(migration|down)\.sql$")


def _name(path: str) -> Named | None:
    match = _NAME.match(path)
    if match is None:
        return None
    version, _, name = match[1].partition("_")
    return Named(id=match[1], version=match[1], sort_key=(match[1],), name=name or version,
                 direction="up" if match[2] == "migration" else "down")  # fmt: skip


class Prisma:
    """``<version>_name/migration.sql``, ordered by directory name; the whole file is one message."""

    name = "prisma"
    confidence = 60

    def recognises(self, tree: Tree, directory: str, names: tuple[str, ...]) -> bool:
        """Whether a directory below holds a migration."""
        return any(name.endswith("/migration.sql") and _name(name) for name in names)

    def load(self, tree: Tree, directory: str, settings: MigrationsTable) -> History:
        """Read every directory below."""
        return assemble(tree, directory, format=self.name, name=_name, paths=tree.paths(directory), whole=True)
