"""Format ``sequelize``: programs in JavaScript in the order of their names, run by sequelize-cli."""

from __future__ import annotations

import re
from dataclasses import replace

from kfm_ci.config import MigrationsTable
from kfm_ci.migrations.layouts import program_files
from kfm_ci.migrations.model import History, Tool, ToolCommands, ToolEnvironment, ToolInstallation, ToolTableNames, Tree
from kfm_ci.migrations.tools.command_lines import with_tool

_NAME = re.compile(r"^\d+-(?P<name>[^/]*)\.(?:js|cjs|mjs)$")
_FILE = re.compile(r"^(?P<name>[^/]*)\.(?:js|cjs|mjs|cts|ts)$")
_SETTINGS = (".sequelizerc", "config/config.json", "config/config.js", "config/database.js")
_MARK = re.compile(r"\bqueryInterface\b")
_RUN = ("sequelize-cli", "db:migrate", "--url", "{url}", "--migrations-path", "{dir}")
_OUTSIDE = "in a file of its own"
_INSIDE = "`queryInterface.sequelize.transaction`, handed to each call as `{ transaction }`"


class Sequelize:
    """No transaction: statements before a failure stay applied."""

    name = "sequelize"
    confidence = 80

    def recognises(self, tree: Tree, directory: str, names: tuple[str, ...]) -> bool:
        """Whether a file uses Sequelize's query interface."""
        return program_files.has_marker(tree, directory, names, name=_NAME, mark=_MARK)

    def load(self, tree: Tree, directory: str, settings: MigrationsTable) -> History:
        """Read the files without running them."""
        home = program_files.nearest_directory(tree, directory, (*_SETTINGS, "package.json"))
        history = program_files.load(tree, directory, format=self.name, name=_FILE, outside=_OUTSIDE)
        semantics = replace(history.semantics, how_to_enable_transaction=_INSIDE)
        return with_tool(
            replace(history, semantics=semantics),
            Tool(
                commands=ToolCommands(
                    up=_RUN,
                    up_one=(*_RUN, "--to", "{id}"),
                    down_one=(
                        "sequelize-cli",
                        "db:migrate:undo",
                        "--url",
                        "{url}",
                        "--migrations-path",
                        "{dir}",
                        "--name",
                        "{id}",
                    ),
                    down_to=(
                        "sequelize-cli",
                        "db:migrate:undo:all",
                        "--url",
                        "{url}",
                        "--migrations-path",
                        "{dir}",
                        "--to",
                        "{id}",
                    ),
                ),
                tables=ToolTableNames(
                    # with a URL sequelize-cli reads no settings, so the history table has its default name
                    history="SequelizeMeta",
                ),
                environment=ToolEnvironment(directory=home or "."),
                installation=ToolInstallation(help="npm ci"),
            ),
        )
