"""Format ``yoyo``: steps in Python or SQL, each file after those it depends on, run by yoyo itself."""

from __future__ import annotations

import re

from kfm_ci.config import MigrationsTable
from kfm_ci.migrations.files import History, Tool, Tree
from kfm_ci.migrations.formats import programs
from kfm_ci.migrations.formats.commands import with_tool

_NAME = re.compile(r"^(?P<name>\w[^/]*?)(?<!\.rollback)\.(?:py|sql)$")
_MARK = re.compile(r"^\s*from yoyo import\b|^\s*import yoyo\b", re.MULTILINE)
_SETTINGS = ("--batch", "--no-config-file", "--database", "{url}")
_OUTSIDE = "in a file of its own with `__transactional__ = False`"


class Yoyo:
    """One transaction a file and a savepoint a step; the row of the record is written on a second connection."""

    name = "yoyo"
    confidence = 80

    def recognises(self, tree: Tree, directory: str, names: tuple[str, ...]) -> bool:
        """Whether a Python file asks yoyo for its steps, or its settings stand above."""
        in_python = [name for name in names if name.endswith(".py")]
        return programs.marked(tree, directory, in_python, name=_NAME, mark=_MARK)

    def load(self, tree: Tree, directory: str, settings: MigrationsTable) -> History:
        """Read the files without running them."""
        return with_tool(programs.load(tree, directory, format=self.name, name=_NAME, outside=_OUTSIDE), Tool(
            up=("yoyo", "apply", *_SETTINGS, "{dir}"), up_one=("yoyo", "apply", *_SETTINGS, "-r", "{stem}", "{dir}"),
            down_one=("yoyo", "rollback", *_SETTINGS, "-r", "{stem}", "{dir}"),
            history_table="_yoyo_migration", own_tables=("_yoyo_log", "_yoyo_version", "yoyo_lock", "yoyo_tmp_*"),
            install="pip install yoyo-migrations psycopg2-binary",
        ))  # fmt: skip
