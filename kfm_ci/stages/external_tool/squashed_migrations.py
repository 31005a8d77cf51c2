"""Squashed migrations of a tool: they build new databases in place of older migrations of the base."""

from __future__ import annotations

from kfm_ci.evidence.robustness import rebuild
from kfm_ci.migrations.model import Tool
from kfm_ci.model import Finding, Place
from kfm_ci.postgres import catalog
from kfm_ci.postgres.catalog import Catalog
from kfm_ci.rules.server.robustness import REBUILD_DIFFERS
from kfm_ci.stages.external_tool import tool_run, workspace
from kfm_ci.stages.results import Provisioned


def are_squashed(base: Provisioned) -> bool:
    """Whether new migrations replace migrations of the base."""
    merged, head = base.change.base, base.change.head
    return merged is not None and bool({item.id for item in merged.migrations} - {item.id for item in head.migrations})


def check_rebuild(base: Provisioned, tool: Tool, final: Catalog, empty: str) -> Finding | None:
    """Let the tool run all files on an empty database; return a finding when the schema differs from ``final``."""
    with workspace.opened(base.change.tree, tool, base.server, base.root, base.change.head.directory) as files:
        ended = files.start(tool.commands.up, empty)
    if ended.code:
        return _differs(base, f"the tool fails: {tool_run.decisive_line(ended.tail)}")
    with base.connect(empty) as connection:
        difference = catalog.without_timestamps(catalog.diff(final, catalog.read(connection)))
    return None if difference.empty else _differs(base, rebuild.format_difference(difference))


def _differs(base: Provisioned, difference: str) -> Finding:
    migration = base.new[-1]
    return REBUILD_DIFFERS.finding(
        "The squashed migrations build a different schema on an empty database than the base with the new files: "
        f"{difference}.",
        help="Make the squashed migration build everything that the replaced migrations build.",
        place=Place(file=migration.up_path, line=1),
        migration=migration.id,
    )
