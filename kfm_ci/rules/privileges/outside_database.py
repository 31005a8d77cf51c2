"""Rule ``outside-database``: reaches another server."""

from __future__ import annotations

import re
from collections.abc import Iterator

from kfm_ci.analysis.change import Change
from kfm_ci.model import Finding, Hazard, Verdict
from kfm_ci.rule_info import RuleInfo
from kfm_ci.rules.rule import statement_finding

_MESSAGES = {
    "CreateForeignServerStmt": "The statement connects to another server.",
    "AlterForeignServerStmt": "The statement changes a connection to another server.",
    "CreateUserMappingStmt": "The statement contains credentials for another server.",
    "AlterUserMappingStmt": "The statement contains credentials for another server.",
    "CreateFdwStmt": "The statement creates access to data outside the database.",
    "CreateSubscriptionStmt": "The statement subscribes to another server.",
    "AlterSubscriptionStmt": "The statement changes a subscription to another server.",
}
EXTENSIONS = frozenset({"dblink", "postgres_fdw", "file_fdw", "mysql_fdw", "oracle_fdw", "http", "pg_net", "adminpack"})
_DBLINK = re.compile(r"\bdblink", re.IGNORECASE)


OUTSIDE_DATABASE = RuleInfo(
    id="outside-database",
    hazard=Hazard.PRIVILEGE,
    title="Reaches another server",
    why=(
        "dblink, foreign servers, subscriptions and extensions with network access act outside the "
        "transaction and the throwaway server. Their effects are not rolled back and were not "
        "checked, and the credentials are in the file. Move the work to the application or the "
        "infrastructure."
    ),
    bad="create extension postgres_fdw;\ncreate server billing foreign data wrapper postgres_fdw options (host "
    "'billing');\n",
    good="create table billing_import (id bigint primary key, amount numeric);\n",
)


class OutsideDatabase:
    """Finds statements with effects that neither a rollback nor the gate covers."""

    info = OUTSIDE_DATABASE

    def check(self, change: Change) -> Iterator[Finding]:
        """Yield a finding for each statement that reaches another server."""
        for statement in change.statements.of(*_MESSAGES, "CreateExtensionStmt", downs=True):
            extension = statement.tree.text("extname").lower()
            if statement.tree.tag in _MESSAGES:
                message = _MESSAGES[statement.tree.tag]
            elif extension in EXTENSIONS:
                message = f"The extension `{extension}` lets SQL reach outside the database."
            else:
                continue
            yield statement_finding(
                OUTSIDE_DATABASE,
                statement,
                message,
                help="Set it up together with the server, outside of migrations.",
                verdict=Verdict.FACT,
            )
        for statement in change.statements.mentioning(_DBLINK):
            names = {(call.strings("funcname") or ("",))[-1].lower() for call in statement.tree.find("FuncCall")}
            if any(name.startswith("dblink") for name in names):
                yield statement_finding(
                    OUTSIDE_DATABASE,
                    statement,
                    "`dblink` runs SQL on another server, outside this transaction.",
                    help="Move the data with the application or a separate job.",
                    verdict=Verdict.FACT,
                )
