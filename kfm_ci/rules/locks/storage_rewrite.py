"""Rule ``storage-rewrite``: rewrites a table to change its storage."""

from __future__ import annotations

from collections.abc import Iterator

from kfm_ci.analysis.change import Change
from kfm_ci.analysis.object_names import written
from kfm_ci.model import Finding, Hazard
from kfm_ci.rule_info import RuleInfo
from kfm_ci.rules.rule import statement_finding

_CHANGES = {
    "AT_SetLogged": "set logged",
    "AT_SetUnLogged": "set unlogged",
    "AT_SetTableSpace": "set tablespace",
    "AT_SetAccessMethod": "set access method",
}


STORAGE_REWRITE = RuleInfo(
    id="storage-rewrite",
    hazard=Hazard.TABLE_REWRITE,
    title="Rewrites a table to change its storage",
    why=(
        "`set logged`, `set unlogged`, `set tablespace` and `set access method` rewrite the table "
        "while reads and writes are blocked. Copy the rows to a new table and swap the two, or "
        "declare a maintenance window."
    ),
    bad="alter table widgets set unlogged;\n",
    good="create unlogged table widgets_staging (like widgets);\n",
)


class StorageRewrite:
    """Finds changes of storage, which rewrite the table under an exclusive lock."""

    info = STORAGE_REWRITE

    def check(self, change: Change) -> Iterator[Finding]:
        """Yield a finding for each change of an existing table's storage."""
        for item in change.statements.alterations(*_CHANGES):
            if change.statements.is_existing(item.statement, item.relation):
                what = _CHANGES[item.command.choice("subtype")]
                yield statement_finding(
                    STORAGE_REWRITE,
                    item.statement,
                    f"`{what}` rewrites `{written(item.relation)}` and blocks reads and writes.",
                    help="Copy the rows to a new table and swap the two, or declare "
                    "`rollout: requires-maintenance-window`.",
                )
