"""Format ``typeorm``: classes in TypeScript or JavaScript ordered by timestamp, run by TypeORM itself."""

from __future__ import annotations

import re

from kfm_ci.config import MigrationsTable
from kfm_ci.migrations.layouts import program_files
from kfm_ci.migrations.model import History, Tool, ToolCommands, ToolEnvironment, ToolInstallation, ToolTableNames, Tree
from kfm_ci.migrations.tools.command_lines import with_tool

_NAME = re.compile(r"^\d{10,}-(?P<name>[^/]*)\.(?:js|cjs|mjs|ts)$")
_MARK = re.compile(r"\bQueryRunner\b|\bqueryRunner\b")
_SOURCES = tuple(
    f"{folder}{name}.{ending}"
    for folder in ("", "src/", "server/", "src/db/", "src/database/", "src/config/", "config/", "dist/")
    for name in ("data-source", "datasource", "data_source", "ormconfig", "typeorm.config")
    for ending in ("js", "cjs", "mjs", "ts")
)
_SAID = re.compile(r"\btypeorm\b[^\n\"]*\s(?:-d|--dataSource)[ =]([\w./-]+\.[cm]?[jt]s)\b")
_TABLE = re.compile(r"\bmigrationsTableName\s*:\s*[\"'`](\w+)[\"'`]")
_MODULES = re.compile(r"\"type\"\s*:\s*\"(module)\"")
_OUTSIDE = "in a migration of its own with `transaction = false;`"


class TypeOrm:
    """One transaction for all pending migrations, unless the data source sets ``each`` or ``none``; no single steps."""

    name = "typeorm"
    confidence = 80

    def recognises(self, tree: Tree, directory: str, names: tuple[str, ...]) -> bool:
        """Whether a file uses TypeORM's query runner."""
        return program_files.has_marker(tree, directory, names, name=_NAME, mark=_MARK)

    def load(self, tree: Tree, directory: str, settings: MigrationsTable) -> History:
        """Read the files without running them."""
        home = program_files.nearest_directory(tree, directory, ("package.json",)) or "."
        start = "" if home == "." else f"{home}/"
        said = program_files.first_match(tree, home, ("package.json",), _SAID)
        sources = (*((said,) if said else ()), *_SOURCES)
        source = next((name for name in sources if tree.exists(f"{start}{name}")), "data-source.js")
        typed = source.endswith(".ts")
        kind = "esm" if program_files.first_match(tree, home, ("package.json",), _MODULES) else "commonjs"
        program = f"typeorm-ts-node-{kind}" if typed else "typeorm"
        return with_tool(
            program_files.load(tree, directory, format=self.name, name=_NAME, outside=_OUTSIDE),
            Tool(
                commands=ToolCommands(
                    up=(program, "migration:run", "-d", source),
                    down_one=(program, "migration:revert", "-d", source),
                ),
                tables=ToolTableNames(
                    history=program_files.first_match(tree, home, (source,), _TABLE) or "migrations",
                    own=("typeorm_metadata",),
                ),
                environment=ToolEnvironment(directory=home),
                installation=ToolInstallation(
                    help="npm ci, with ts-node" if typed else "npm ci",
                    check=("node", "-e", "require.resolve('ts-node')") if typed else (),
                ),
            ),
        )
