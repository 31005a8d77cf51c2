"""Format ``yoyo``: steps in Python or SQL, each file after its dependencies, run by yoyo itself."""

from __future__ import annotations

import configparser
import posixpath
import re
from dataclasses import replace

from kfm_ci.config import MigrationsTable
from kfm_ci.migrations.layouts import program_files
from kfm_ci.migrations.model import History, Tool, ToolCommands, ToolInstallation, ToolTableNames, Tree
from kfm_ci.migrations.tools.command_lines import with_tool

_NAME = re.compile(r"^(?P<name>\w[^/]*?)(?<!\.rollback)\.(?:py|sql)$")
_MARK = re.compile(r"^\s*from yoyo import\b|^\s*import yoyo\b", re.MULTILINE)
_SETTINGS = ("--batch", "--no-config-file", "--database", "{url}")
_OUTSIDE = "in a file of its own with `__transactional__ = False`"


class Yoyo:
    """One transaction per file and one savepoint per step; a second connection writes the history row."""

    name = "yoyo"
    confidence = 80

    def recognises(self, tree: Tree, directory: str, names: tuple[str, ...]) -> bool:
        """Whether a Python file imports yoyo, or ``yoyo.ini`` names the directory first."""
        sources = _sources(tree, directory)
        if sources:
            return directory == sources[0] and any(_NAME.match(name) for name in names)
        in_python = [name for name in names if name.endswith(".py")]
        return program_files.has_marker(tree, directory, in_python, name=_NAME, mark=_MARK)

    def load(self, tree: Tree, directory: str, settings: MigrationsTable) -> History:
        """Read the files of all sources without running them."""
        named = _sources(tree, directory)
        sources = named if directory in named else (directory,)
        parts = [program_files.load(tree, place, format=self.name, name=_NAME, outside=_OUTSIDE) for place in sources]
        history = replace(
            parts[0],
            directory=directory,
            migrations=tuple(
                sorted((item for part in parts for item in part.migrations), key=lambda item: item.sort_key)
            ),
            findings=tuple(found for part in parts for found in part.findings),
        )
        return with_tool(
            history,
            Tool(
                commands=ToolCommands(
                    up=("yoyo", "apply", *_SETTINGS, *sources),
                    up_one=("yoyo", "apply", *_SETTINGS, "-r", "{stem}", *sources),
                    down_one=("yoyo", "rollback", *_SETTINGS, "-r", "{stem}", *sources),
                ),
                tables=ToolTableNames(
                    history="_yoyo_migration",
                    own=("_yoyo_log", "_yoyo_version", "yoyo_lock", "yoyo_tmp_*"),
                ),
                installation=ToolInstallation(help="pip install yoyo-migrations psycopg2-binary"),
            ),
        )


def _sources(tree: Tree, directory: str) -> tuple[str, ...]:
    """Return the source directories of the nearest ``yoyo.ini`` inside the repository; empty without the file."""
    home = program_files.nearest_directory(tree, directory, ("yoyo.ini",))
    if home is None:
        return ()
    parser = configparser.ConfigParser(interpolation=None, strict=False)
    try:
        parser.read_string(program_files.read_text(tree, posixpath.normpath(f"{home}/yoyo.ini")))
    except configparser.Error:
        return ()
    written = parser.defaults().get("sources", "").replace("%(here)s", ".").split()
    places = (posixpath.normpath(posixpath.join(home, one)) for one in written)
    return tuple(dict.fromkeys(place for place in places if not place.startswith(("/", ".."))))
