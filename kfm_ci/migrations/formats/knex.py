"""Format ``knex``: programs in JavaScript or TypeScript in the order of their names, run by Knex itself."""

from __future__ import annotations

import re

from kfm_ci.config import MigrationsTable
from kfm_ci.migrations import header, reading
from kfm_ci.migrations.files import Command, History, Migration, Tool, Tree
from kfm_ci.migrations.formats.commands import with_tool
from kfm_ci.model import Finding

_NAME = re.compile(r"^(\d+)_([^/]*)\.(?:js|cjs|mjs|ts)$")
_KNEXFILES = ("knexfile.js", "knexfile.cjs", "knexfile.mjs", "knexfile.ts")


class Knex:
    """All pending in one transaction, unless one file opts out: then each has its own."""

    name = "knex"
    confidence = 85

    def recognises(self, tree: Tree, directory: str, names: tuple[str, ...]) -> bool:
        """Whether names fit and a knexfile stands above."""
        return (
            any(_NAME.match(name) and not name.endswith(".d.ts") for name in names)
            and _home(tree, directory) is not None
        )

    def load(self, tree: Tree, directory: str, settings: MigrationsTable) -> History:
        """Read the files without running them."""
        findings: list[Finding] = []
        migrations = []
        start = "" if directory in {"", "."} else f"{directory}/"
        for path in tree.paths(directory):
            base = path.removeprefix(start)
            found = _NAME.match(base)
            if found is None or base.endswith(".d.ts"):
                continue
            file = reading.read(tree, path, findings)
            if file is not None:
                migrations.append(Migration(
                    id=base, version=found[1], sort_key=(base,), name=found[2], header=header.parse(file.text.replace("// --", "--")),
                    up=Command(file=file, argv=(), directory="."),
                ))  # fmt: skip
        history = History(format=self.name, directory=directory, migrations=tuple(migrations), findings=tuple(findings))
        return with_tool(history, Tool(
            up=("knex", "migrate:latest"), up_one=("knex", "migrate:up", "{id}"), down_one=("knex", "migrate:down", "{id}"),
            history_table="knex_migrations", directory=_home(tree, directory) or ".",
        ))  # fmt: skip


def _home(tree: Tree, directory: str) -> str | None:
    parts = [] if directory in {"", "."} else directory.split("/")
    for count in range(len(parts), -1, -1):
        for name in _KNEXFILES:
            if tree.exists("/".join([*parts[:count], name])):
                return "/".join(parts[:count]) or "."
    return None
