"""``kfm-ci doctor``: the available engines, and the migration tool of the repository."""

from __future__ import annotations

import platform
import shutil
from collections.abc import Iterator
from pathlib import Path

from kfm_ci import __version__, phrases
from kfm_ci.cli import subject
from kfm_ci.config import Config, environment
from kfm_ci.errors import CannotCheck, KfmError
from kfm_ci.github import context
from kfm_ci.migrations import detection
from kfm_ci.migrations.formats import ALL
from kfm_ci.migrations.model import Tool
from kfm_ci.migrations.tools import command_lines, process
from kfm_ci.migrations.tools.process import places
from kfm_ci.migrations.work_tree import WorkTree
from kfm_ci.postgres.engines import installations
from kfm_ci.stages.external_tool.tool_run import decisive_line

PATIENCE = 20
"""Time-out in seconds for a tool's check of its dependencies."""


def lines(directory: Path, config_file: str | None) -> Iterator[str]:
    """Yield one line per fact."""
    yield f"kfm-ci     {__version__}, Python {platform.python_version()} on {platform.system()} {platform.machine()}"
    found = installations.find()
    for item in found:
        yield f"embedded   PostgreSQL {item.version} from {item.source}: {item.bindir}"
    if not found:
        yield "embedded   none: install PostgreSQL, or `pip install kfm-ci[embedded]`"
    yield f"docker     {_containers()}"
    yield f"git        {shutil.which('git') or 'not found'}"
    yield f"squawk     {shutil.which('squawk') or 'in the package'}"
    event = context.read()
    yield f"github     {event.event or 'not in a workflow'}"
    yield f"formats    {', '.join(item.name for item in ALL)}"
    try:
        yield from _repository(directory.resolve(), subject.settings_of(directory, config_file))
    except KfmError as error:
        yield f"migrations {error.sentence}"


def _repository(root: Path, settings: Config) -> Iterator[str]:
    """Yield the detected tool, the reason, and whether its program is installed."""
    tree, table = WorkTree(root), settings.migrations
    found = detection.locate(tree, directory=table.dir, format=table.format)
    history = command_lines.instead(found.format.load(tree, found.directory, table), table.command)
    why = "kfm-ci.toml sets it" if table.format != "auto" else detection.sign(found.format)
    number = phrases.count(len(history.migrations), "migration")
    yield f"migrations {found.directory}: {found.format.name}, {number}, because {why}"
    if table.format == "auto":
        yield '           for another tool, set [migrations] format = "…" in kfm-ci.toml'
    for finding in history.findings[:3]:
        yield f"           {finding.severity.value}: {finding.place.file}: {finding.message}"
    if history.tool is not None:
        yield f"tool       {_program(root, history.tool)}"
        command, table_name = " ".join(history.tool.commands.up), history.tool.tables.history
        yield f"           runs `{command}` in {history.tool.environment.directory}, records migrations in {table_name}"
    else:
        yield "tool       not run: kfm-ci runs the SQL files as the tool does; set [migrations.command] to run the tool"


def _program(root: Path, tool: Tool) -> str:
    where = places(root, tool.environment.directory)
    path = shutil.which(tool.commands.up[0], path=where)
    if path is None:
        return f"{tool.commands.up[0]} is NOT INSTALLED: {tool.installation.help}"
    found = f"{tool.commands.up[0]}: {path}"
    missing = _missing_dependency(root, tool, where)
    return f"{found}, but a dependency is NOT INSTALLED ({missing}): {tool.installation.help}" if missing else found


def _missing_dependency(root: Path, tool: Tool, where: str) -> str | None:
    """Return a tool's missing dependency, from its own check; None without one."""
    program = shutil.which(tool.installation.check[0], path=where) if tool.installation.check else None
    if program is None:
        return None
    ended = process.run(
        (program, *tool.installation.check[1:]),
        directory=root / tool.environment.directory,
        environment={**environment(), "PATH": where},
        timeout=PATIENCE,
    )
    return decisive_line(ended.tail)[:120] if ended.code else None


def _containers() -> str:
    from kfm_ci.postgres.engines import containers

    try:
        with containers.daemon() as client:
            return f"engine {client.version()['Version']}"
    except CannotCheck as error:
        return f"no engine is available: {error.got}"
