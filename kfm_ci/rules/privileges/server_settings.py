"""Rule ``server-settings``: changes roles, databases or server settings."""

from __future__ import annotations

from collections.abc import Iterator

from kfm_ci.analysis.change import Change
from kfm_ci.model import Finding, Hazard, Verdict
from kfm_ci.rule_info import RuleInfo
from kfm_ci.rules.rule import statement_finding

_MESSAGES = {
    "AlterSystemStmt": "The statement changes settings of the whole server.",
    "AlterDatabaseSetStmt": "The statement changes settings of a database for every session.",
    "AlterDatabaseStmt": "The statement changes a database as a whole.",
    "CreatedbStmt": "The statement creates a database.",
    "DropdbStmt": "The statement drops a database.",
    "CreateTableSpaceStmt": "The statement creates a tablespace.",
    "DropTableSpaceStmt": "The statement drops a tablespace.",
    "CreateRoleStmt": "The statement creates a role of the whole server.",
    "AlterRoleStmt": "The statement changes a role of the whole server.",
    "AlterRoleSetStmt": "The statement changes a role's settings for every session.",
    "DropRoleStmt": "The statement drops a role of the whole server.",
    "GrantRoleStmt": "The statement makes a role a member of another.",
}


SERVER_SETTINGS = RuleInfo(
    id="server-settings",
    hazard=Hazard.PRIVILEGE,
    title="Changes roles, databases or server settings",
    why=(
        "Roles, tablespaces and `alter system` belong to the whole cluster, so the change affects other "
        "databases. Manage them in the infrastructure's code. The gate resets roles between its databases; "
        "changes of tablespaces, databases, replication and server settings are not reset."
    ),
    bad="alter system set work_mem = '1GB';\n",
    good="grant select on widgets to reporting;\n",
)


class ServerSettings:
    """Finds changes that affect the whole cluster and that no rollback reverts."""

    info = SERVER_SETTINGS

    def check(self, change: Change) -> Iterator[Finding]:
        """Yield a finding for each change of a role, database, tablespace or server setting."""
        for statement in change.statements.of(*_MESSAGES, downs=True):
            yield statement_finding(
                SERVER_SETTINGS,
                statement,
                _MESSAGES[statement.tree.tag],
                help="Do it in the infrastructure's code, not in a migration.",
                verdict=Verdict.FACT,
            )
