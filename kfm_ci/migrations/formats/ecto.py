"""Format ``ecto``: modules in Elixir in the order of their versions, run by Ecto itself."""

from __future__ import annotations

import re

from kfm_ci.config import MigrationsTable
from kfm_ci.migrations.layouts import program_files
from kfm_ci.migrations.model import History, Tool, ToolCommands, ToolEnvironment, ToolInstallation, ToolTableNames, Tree
from kfm_ci.migrations.tools.command_lines import with_tool

_NAME = re.compile(r"^(?P<version>\d+)_(?P<name>\w+)\.exs$")
_MARK = re.compile(r"^\s*use\s+[\w.]*\bMigration\b", re.MULTILINE)
_SETTINGS = ("config/config.exs", "config/dev.exs", "config/test.exs", "config/runtime.exs")
_TABLE = re.compile(r"\bmigration_source:\s*\"(\w+)\"")
_OURS = "kfm_ci_ecto.exs"
_POINTED = """# The project's own settings with the URL of the throwaway server; most set a URL in production only.
for repo <- Mix.Ecto.parse_repo([]) do
  app = Keyword.fetch!(repo.config(), :otp_app)
  given = Keyword.drop(Application.get_env(app, repo, []), [:socket, :socket_dir, :ssl, :ssl_opts])
  Application.put_env(app, repo, Keyword.merge(given, url: "{url}", ssl: false))
end

[task | arguments] = System.argv()
Mix.Task.run(task, arguments)
"""
_MIX = ("mix", "run", "--no-start", _OURS)
_THERE = 'Enum.any?(["deps", "../../deps"], &File.dir?("#{&1}/ecto_sql")) || Code.ensure_loaded!(Ecto.Migration)'
_OUTSIDE = "in a migration of its own with `@disable_ddl_transaction true` and `@disable_migration_lock true`"


class Ecto:
    """One transaction per migration, unless it sets ``@disable_ddl_transaction true``."""

    name = "ecto"
    confidence = 90

    def recognises(self, tree: Tree, directory: str, names: tuple[str, ...]) -> bool:
        """Whether a file is an Ecto migration and ``mix.exs`` is in a directory above."""
        return (
            program_files.has_marker(tree, directory, names, name=_NAME, mark=_MARK)
            and program_files.nearest_directory(tree, directory, ("mix.exs",)) is not None
        )

    def load(self, tree: Tree, directory: str, settings: MigrationsTable) -> History:
        """Read the files without running them."""
        home = program_files.nearest_directory(tree, directory, ("mix.exs",)) or "."
        start = "" if home == "." else f"{home}/"
        own = ("--migrations-path", "{dir}")
        return with_tool(
            program_files.load(tree, directory, format=self.name, name=_NAME, outside=_OUTSIDE),
            Tool(
                commands=ToolCommands(
                    up=(*_MIX, "ecto.migrate", *own),
                    up_one=(*_MIX, "ecto.migrate", "--to", "{version}", *own),
                    down_one=(*_MIX, "ecto.rollback", "--step", "1", *own),
                    down_to=(*_MIX, "ecto.rollback", "--to", "{version}", *own),
                ),
                tables=ToolTableNames(
                    history=program_files.first_match(tree, home, _SETTINGS, _TABLE) or "schema_migrations"
                ),
                environment=ToolEnvironment(
                    directory=home,
                    generated_files={f"{start}{_OURS}": _POINTED},
                    variables={"MIX_HOME": "{home}/.mix", "HEX_HOME": "{home}/.hex"},
                    pass_env=("MIX_ENV", "MIX_HOME", "HEX_HOME"),
                ),
                installation=ToolInstallation(
                    help="mix deps.get, and mix compile",
                    check=("elixir", "-e", _THERE),
                ),
            ),
        )
