"""Format ``command``: any tool, run by the command line of ``[migrations.command]``."""

from __future__ import annotations

from kfm_ci.config import MigrationsTable
from kfm_ci.migrations import source_files
from kfm_ci.migrations.layouts import program_metadata
from kfm_ci.migrations.model import Command, History, Migration, Tree
from kfm_ci.migrations.tools.command_lines import _incomplete
from kfm_ci.model import Finding

SUFFIXES = (".sql", ".py", ".js", ".cjs", ".mjs", ".ts", ".rb", ".exs", ".xml", ".yaml", ".yml", ".json", ".php")


class AnyTool:
    """Files ordered by name, run by ``[migrations.command]``."""

    name = "command"
    confidence = 0

    def recognises(self, tree: Tree, directory: str, names: tuple[str, ...]) -> bool:
        """Return False: the format must be named."""
        return False

    def load(self, tree: Tree, directory: str, settings: MigrationsTable) -> History:
        """Read each file with a suffix that migration tools use as one migration."""
        if settings.command is None:
            raise _incomplete("format `command` has no command line")
        migrations: list[Migration] = []
        findings: list[Finding] = []
        for path in tree.paths(directory):
            base = path.rpartition("/")[2]
            if not base.endswith(SUFFIXES) or base.startswith(("_", ".")):
                continue
            file = source_files.read(tree, path, findings)
            if file is not None:
                stem = base.rpartition(".")[0]
                migrations.append(
                    Migration(
                        id=stem,
                        version=stem,
                        sort_key=(path,),
                        name=stem,
                        header=program_metadata.parse(file.text, id=stem),
                        up=Command(file=file, argv=(), directory="."),
                    )
                )
        return History(format=self.name, directory=directory, migrations=tuple(migrations), findings=tuple(findings))
