"""Rule ``header-dialect``: header dialect is not postgresql."""

from __future__ import annotations

from collections.abc import Iterator

from kfm_ci.analysis.change import Change
from kfm_ci.analysis.excerpt import shown
from kfm_ci.analysis.header_keys import EXAMPLE, headed, key_place
from kfm_ci.model import Finding, Hazard
from kfm_ci.rule_info import RuleInfo
from kfm_ci.rules.rule import migration_finding

DIALECT = "postgresql"


HEADER_DIALECT = RuleInfo(
    id="header-dialect",
    hazard=Hazard.HEADER,
    title="Header dialect is not postgresql",
    why=(
        "kfm-ci runs the SQL on PostgreSQL, where SQL for another database may have a different "
        "meaning. Set `dialect: postgresql`, or move the file to the migrations of the other server."
    ),
    bad=EXAMPLE.replace("dialect: postgresql", "dialect: mysql"),
    good=EXAMPLE,
)


class HeaderDialect:
    """Requires ``dialect: postgresql``; kfm-ci checks on a PostgreSQL server only."""

    info = HEADER_DIALECT

    def check(self, change: Change) -> Iterator[Finding]:
        """Yield a finding for each header with another dialect."""
        for migration, header in headed(change):
            value = header.values.get("dialect", "").strip()
            if value and value != DIALECT:
                yield migration_finding(
                    HEADER_DIALECT,
                    f"`dialect`: expected `{DIALECT}`, got `{shown(value)}`.",
                    help=f"Write `-- dialect: {DIALECT}`, or move the file to the directory of its own database.",
                    place=key_place(migration, header, "dialect"),
                    migration=migration,
                )
