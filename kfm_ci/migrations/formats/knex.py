"""Format ``knex``: programs in JavaScript or TypeScript in the order of their names, run by Knex itself."""

from __future__ import annotations

import re

from kfm_ci.config import MigrationsTable
from kfm_ci.migrations.layouts import program_files
from kfm_ci.migrations.model import History, Tool, ToolCommands, ToolEnvironment, ToolInstallation, ToolTableNames, Tree
from kfm_ci.migrations.tools.command_lines import with_tool

_NAME = re.compile(r"^\d+[_-](?P<name>[^/]*)\.(?:js|cjs|mjs|ts)$")
_FILE = re.compile(r"^(?P<name>[^/]*)\.(?:js|cjs|mjs|ts|co|coffee|eg|iced|ls)$")
_KNEXFILES = ("knexfile.js", "knexfile.cjs", "knexfile.mjs", "knexfile.ts")
_TABLE = re.compile(r"\btableName\s*:\s*[\"'`]([\w.]+)[\"'`]")
_OUTSIDE = "in a file of its own with `exports.config = { transaction: false }`"


class Knex:
    """One transaction for all pending migrations, or one for each if a file disables its transaction."""

    name = "knex"
    confidence = 85

    def recognises(self, tree: Tree, directory: str, names: tuple[str, ...]) -> bool:
        """Whether names have Knex's form and a knexfile is in a directory above."""
        return (
            any(_NAME.match(name) and not name.endswith(".d.ts") for name in names)
            and program_files.nearest_directory(tree, directory, _KNEXFILES) is not None
        )

    def load(self, tree: Tree, directory: str, settings: MigrationsTable) -> History:
        """Read the files without running them."""
        home = program_files.nearest_directory(tree, directory, _KNEXFILES)
        return with_tool(
            program_files.load(tree, directory, format=self.name, name=_FILE, outside=_OUTSIDE),
            Tool(
                commands=ToolCommands(
                    up=("knex", "migrate:latest"),
                    up_one=("knex", "migrate:up", "{id}"),
                    down_one=("knex", "migrate:down", "{id}"),
                    # all migrations of one run are one batch
                    down_to=("knex", "migrate:rollback"),
                ),
                tables=ToolTableNames(
                    history=program_files.first_match(tree, home, _KNEXFILES, _TABLE) or "knex_migrations"
                ),
                environment=ToolEnvironment(directory=home or "."),
                installation=ToolInstallation(help="npm ci"),
            ),
        )
