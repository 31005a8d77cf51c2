"""Migrations that the tool itself runs: which command lines, from the format or from ``[migrations.command]``."""

from __future__ import annotations

import shlex
from dataclasses import replace

from kfm_ci.config import CommandTable, MigrationsTable
from kfm_ci.errors import UsageError
from kfm_ci.migrations import header, reading
from kfm_ci.migrations.files import Command, History, Migration, Tool, Tree
from kfm_ci.model import Finding

SUFFIXES = (".sql", ".py", ".js", ".cjs", ".mjs", ".ts", ".rb", ".exs", ".xml", ".yaml", ".yml", ".json", ".php")


class AnyTool:
    """Format ``command``: files in the order of their names, run by ``[migrations.command]``."""

    name = "command"
    confidence = 0

    def recognises(self, tree: Tree, directory: str, names: tuple[str, ...]) -> bool:
        """Never: it must be named."""
        return False

    def load(self, tree: Tree, directory: str, settings: MigrationsTable) -> History:
        """Read every file of a suffix that tools use, one migration each."""
        if settings.command is None:
            raise UsageError(code="KFM-U35", message="format `command` needs to know what to run", where="[migrations.command]",
                             help='write at least: [migrations.command] up = "…", up-one = "…", history-table = "…"')  # fmt: skip
        migrations: list[Migration] = []
        findings: list[Finding] = []
        for path in tree.paths(directory):
            base = path.rpartition("/")[2]
            if not base.endswith(SUFFIXES) or base.startswith(("_", ".")):
                continue
            file = reading.read(tree, path, findings)
            if file is not None:
                stem = base.rpartition(".")[0]
                migrations.append(Migration(id=stem, version=stem, sort_key=(path,), name=stem, header=header.parse(file.text),
                                            up=Command(file=file, argv=(), directory=".")))  # fmt: skip
        return History(format=self.name, directory=directory, migrations=tuple(migrations), findings=tuple(findings))


def with_tool(history: History, tool: Tool) -> History:
    """Return the history with every migration run by a tool, one step each."""
    before = ""
    migrations = []
    for item in history.migrations:
        names = {"id": item.id, "version": item.version, "previous": before, "file": item.up_path}
        before = item.id
        down = _filled(tool.down_one, names) if tool.down_one else None
        up = Command(file=item.up.file, argv=_filled(tool.up_one, names), directory=tool.directory, down=down)
        migrations.append(replace(item, up=up, down=None))
    return replace(history, migrations=tuple(migrations), tool=tool)


def instead(history: History, table: CommandTable | None) -> History:
    """Return the history run by the configured command, where there is one; what it leaves out stays the format's."""
    if table is None:
        return history
    own = history.tool
    tool = Tool(
        up=_argv(table.up) or (own.up if own else ()), up_one=_argv(table.up_one) or (own.up_one if own else ()),
        down_one=_argv(table.down_one) or (own.down_one if own else None),
        history_table=table.history_table or (own.history_table if own else ""), directory=table.directory or (own.directory if own else "."),
        environment={**(own.environment if own else {}), **table.env}, passes=table.pass_env, timeout=table.timeout,
        settings_file=own.settings_file if own else None,
    )  # fmt: skip
    missing = [
        name
        for name, value in (("up", tool.up), ("up-one", tool.up_one), ("history-table", tool.history_table))
        if not value
    ]
    if missing:
        raise UsageError(code="KFM-U35", message=f"the tool's command is not complete: {', '.join(missing)}", where="[migrations.command]",
                         help='write at least: [migrations.command] up = "…", up-one = "…", history-table = "…"')  # fmt: skip
    return with_tool(history, tool)


def _argv(text: str | None) -> tuple[str, ...]:
    return tuple(shlex.split(text)) if text else ()


def _filled(argv: tuple[str, ...], names: dict[str, str]) -> tuple[str, ...]:
    def fill(part: str) -> str:
        for name, value in names.items():
            part = part.replace("{" + name + "}", value)
        return part

    return tuple(fill(part) for part in argv)
