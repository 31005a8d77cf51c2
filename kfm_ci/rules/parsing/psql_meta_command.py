"""Rule ``psql-meta-command``: psql meta-command in a migration."""

from __future__ import annotations

from collections.abc import Iterator

from kfm_ci.analysis.change import Change
from kfm_ci.analysis.excerpt import shown
from kfm_ci.model import Finding, Hazard
from kfm_ci.rule_info import RuleInfo
from kfm_ci.rules.rule import migration_finding

PSQL_META_COMMAND = RuleInfo(
    id="psql-meta-command",
    hazard=Hazard.UNANALYSABLE,
    title="psql meta-command in a migration",
    why=(
        "psql reads lines that start with a backslash; the server does not. The effects of `\\i`, `\\copy` or "
        "`\\gexec` are not checked, and most tools fail on them. Write plain SQL."
    ),
    bad="\\i more.sql\n",
    good="create table widgets (id bigint primary key);\n",
)


class PsqlMetaCommand:
    """Finds commands that psql runs itself, which the server does not know."""

    info = PSQL_META_COMMAND

    def check(self, change: Change) -> Iterator[Finding]:
        """Yield a finding for each meta-command."""
        for item in change.statements.unread:
            if item.kind == "meta-command":
                yield migration_finding(
                    PSQL_META_COMMAND,
                    f"`{shown(item.reason)}` is a psql meta-command, which was not checked.",
                    place=item.place,
                    migration=item.migration,
                    help="Write plain SQL in this file.",
                )
