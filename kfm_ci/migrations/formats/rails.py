"""Format ``rails``: classes in Ruby in the order of their versions, run by Rails itself."""

from __future__ import annotations

import re

from kfm_ci.config import MigrationsTable
from kfm_ci.migrations.layouts import program_files
from kfm_ci.migrations.model import History, Tool, ToolCommands, ToolEnvironment, ToolInstallation, ToolTableNames, Tree
from kfm_ci.migrations.tools.command_lines import with_tool

_NAME = re.compile(r"^(?P<version>\d+)_(?P<name>\w+)\.rb$")
_MARK = re.compile(r"<\s*ActiveRecord::Migration\b")
_SIGNS = ("bin/rails", "Rakefile", "Gemfile")
_SETTINGS = ("config/application.rb", "config/environments/test.rb", "config/initializers/active_record.rb")
_TABLE = re.compile(r"\bschema_migrations_table_name\s*=\s*[\"'](\w+)[\"']")
_SCHEMAS = ("db/schema.rb", "db/structure.sql")
_NO_SCHEMA = "SCHEMA=tmp/no_schema"
"""From Rails 8 on `db:migrate` loads the schema instead of running the migrations of an empty database."""
_TASKS = """# A dump of the schema needs a pg_dump of the server's version, and is not used here.
Rake::Task.tasks.each { |task| task.clear if task.name.match?(/(\\A|:)db:_dump\\b/) }
"""
_OUTSIDE = "in a migration of its own with `disable_ddl_transaction!`"


class Rails:
    """One transaction per migration, unless it calls ``disable_ddl_transaction!``."""

    name = "rails"
    confidence = 90

    def recognises(self, tree: Tree, directory: str, names: tuple[str, ...]) -> bool:
        """Whether a file is an Active Record migration below ``bin/rails``, a Rakefile or a Gemfile."""
        return (
            program_files.has_marker(tree, directory, names, name=_NAME, mark=_MARK)
            and program_files.nearest_directory(tree, directory, _SIGNS) is not None
        )

    def load(self, tree: Tree, directory: str, settings: MigrationsTable) -> History:
        """Read the files without running them."""
        home = program_files.nearest_directory(tree, directory, _SIGNS) or "."
        start = "" if home == "." else f"{home}/"
        rails = ("ruby", "bin/rails") if tree.exists(f"{start}bin/rails") else ("bundle", "exec", "rake")
        kept = any(tree.exists(f"{start}{name}") for name in _SCHEMAS)
        return with_tool(
            program_files.load(tree, directory, format=self.name, name=_NAME, outside=_OUTSIDE),
            Tool(
                commands=ToolCommands(
                    up=(*rails, "db:migrate", _NO_SCHEMA),
                    up_one=(*rails, "db:migrate:up", "VERSION={version}"),
                    down_one=(*rails, "db:migrate:down", "VERSION={version}"),
                    down_to=(*rails, "db:rollback", "STEP={count}"),
                    status=(*rails, "db:abort_if_pending_migrations"),
                    load_schema=(*rails, "db:schema:load") if kept else (),
                ),
                tables=ToolTableNames(
                    history=program_files.first_match(tree, home, _SETTINGS, _TABLE) or "schema_migrations",
                    own=("ar_internal_metadata",),
                ),
                environment=ToolEnvironment(
                    directory=home,
                    variables={"RAILS_ENV": "test", "DISABLE_SPRING": "1"},
                    generated_files={f"{start}lib/tasks/kfm_ci.rake": _TASKS},
                    pass_env=("BUNDLE_PATH", "BUNDLE_WITHOUT", "BUNDLE_GEMFILE", "GEM_HOME", "GEM_PATH"),
                ),
                installation=ToolInstallation(
                    help="bundle install",
                    check=("bundle", "check") if tree.exists(f"{start}Gemfile") else ("ruby", "-e", 'require "rails"'),
                ),
            ),
        )
