"""Format ``golang-migrate``: numbered pairs; each file is one message."""

from __future__ import annotations

import re
from dataclasses import replace

from kfm_ci.config import MigrationsTable
from kfm_ci.migrations.files import History, Tree
from kfm_ci.migrations.formats.pairs import Named, assemble

_NAME = re.compile(r"^(\d+)_(.*)\.(up|down)\.sql$")


def _name(path: str) -> Named | None:
    match = _NAME.match(path)
    if match is None:
        return None
    number = str(int(match[1]))
    return Named(
        id=f"{match[1]}_{match[2]}", version=number, sort_key=(int(match[1]),), name=match[2], direction=match[3]
    )


class GolangMigrate:
    """``000123_name.up.sql`` and ``.down.sql``, ordered by number."""

    name = "golang-migrate"
    confidence = 50

    def recognises(self, tree: Tree, directory: str, names: tuple[str, ...]) -> bool:
        """Whether one name is a numbered up file."""
        return any(name.endswith(".up.sql") and _name(name) for name in names)

    def load(self, tree: Tree, directory: str, settings: MigrationsTable) -> History:
        """Read the directory; names outside the grammar are ignored, as the tool does."""
        history = assemble(tree, directory, format=self.name, name=_name, paths=tree.paths(directory), whole=True)
        return replace(
            history, late="golang-migrate keeps one number and skips it silently on databases that are past it"
        )
