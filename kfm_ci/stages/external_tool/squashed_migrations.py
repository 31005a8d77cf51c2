"""New migrations of a tool that stand for old ones: a new database is built by them, and none of those that were watched."""

from __future__ import annotations

from kfm_ci.evidence.robustness import rebuild
from kfm_ci.migrations.model import Tool
from kfm_ci.model import Finding, Hazard, Place, Severity
from kfm_ci.postgres import catalog
from kfm_ci.stages.external_tool import tool_run, workspace
from kfm_ci.stages.run import Run


def stand_in(run: Run) -> bool:
    """Whether migrations of the base are none any more, because new ones take their place."""
    base, head = run.change.base, run.change.head
    return base is not None and bool({item.id for item in base.migrations} - {item.id for item in head.migrations})


def rebuilt(run: Run, tool: Tool, empty: str) -> Finding | None:
    """Let the tool run all files on an empty database; return how the schema differs from the base's with the new ones, or None."""
    if run.server is None or run.final_catalog is None:
        return None
    with workspace.opened(run.change.tree, tool, run.server, run.root, run.change.head.directory) as shop:
        ended = shop.start(tool.up, empty)
    if ended.code:
        return _differs(run, f"the tool fails: {tool_run.last(ended.tail)}")
    with run.connect(empty) as connection:
        difference = catalog.timeless(catalog.diff(run.final_catalog, catalog.read(connection)))
    return None if difference.empty else _differs(run, rebuild.told(difference))


def _differs(run: Run, told: str) -> Finding:
    migration = run.new[-1]
    return Finding(
        rule="rebuild-differs", hazard=Hazard.NOT_REPEATABLE, severity=Severity.ERROR, migration=migration.id,
        message=f"all files on an empty database, where the new stand for old ones, do not give what the base and the new files give: {told}",
        help="let the migration that stands for others do all that they did", place=Place(file=migration.up_path, line=1),
    )  # fmt: skip
