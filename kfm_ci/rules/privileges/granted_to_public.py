"""Rule ``granted-to-public``: grants privileges to PUBLIC."""

from __future__ import annotations

from collections.abc import Iterator

from kfm_ci.analysis.change import Change
from kfm_ci.analysis.changed_statement import ChangeStatement
from kfm_ci.model import Finding, Hazard, Severity, Verdict
from kfm_ci.rule_info import RuleInfo
from kfm_ci.rules.rule import statement_finding
from kfm_ci.sql.parse_tree import Node

_READING = frozenset({"select", "usage"})
_WITH_ROWS = frozenset({"OBJECT_TABLE", "OBJECT_SEQUENCE"})

GRANTED_TO_PUBLIC = RuleInfo(
    id="granted-to-public",
    hazard=Hazard.PRIVILEGE,
    title="Grants privileges to PUBLIC",
    why=(
        "`public` is every role that can connect, now and later. A new reporting user then sees "
        "everything that was granted. Grant to the role that needs the privilege."
    ),
    severities=(Severity.ERROR, Severity.WARNING),
    bad="grant select on widgets to public;\n",
    good="grant select on widgets to reporting;\n",
)


class GrantedToPublic:
    """Finds grants to ``PUBLIC``, which includes every present and future role."""

    info = GRANTED_TO_PUBLIC

    def check(self, change: Change) -> Iterator[Finding]:
        """Yield a finding for each grant to ``PUBLIC``, also by default privileges."""
        for statement in change.statements.of("GrantStmt", "AlterDefaultPrivilegesStmt", downs=True):
            grant = statement.tree.one("action") or statement.tree
            public = any(role.choice("roletype") == "ROLESPEC_PUBLIC" for role in grant.many("grantees"))
            if grant.flag("is_grant") and public:
                yield statement_finding(
                    GRANTED_TO_PUBLIC,
                    statement,
                    "`GRANT … TO PUBLIC` grants to every role that can connect, now and later.",
                    help="Grant to the role that needs it: `grant … to …;`.",
                    severity=Severity.ERROR if _lets_change(change, statement, grant) else Severity.WARNING,
                    verdict=Verdict.FACT,
                )


def _lets_change(change: Change, statement: ChangeStatement, grant: Node) -> bool:
    """Whether PUBLIC may then change rows of existing tables, or has a right on every later table."""
    if statement.tree.tag == "AlterDefaultPrivilegesStmt":
        return grant.choice("objtype") in _WITH_ROWS
    privileges = {item.text("priv_name").lower() for item in grant.many("privileges")}
    if grant.choice("objtype") not in _WITH_ROWS or (privileges and privileges <= _READING):
        return False
    objects = [item for item in grant.many("objects") if item.tag == "RangeVar"]
    return not objects or any(change.statements.is_existing(statement, item) for item in objects)
