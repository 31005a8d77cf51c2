"""Rule ``granted-to-public``: grants privileges to PUBLIC."""

from __future__ import annotations

from collections.abc import Iterator

from kfm_ci.analysis.change import Change
from kfm_ci.model import Finding, Hazard, Severity, Verdict
from kfm_ci.rule_info import RuleInfo
from kfm_ci.rules.rule import statement_finding

GRANTED_TO_PUBLIC = RuleInfo(
    id="granted-to-public",
    hazard=Hazard.PRIVILEGE,
    title="Grants privileges to PUBLIC",
    why=(
        "`public` is every role that can connect, now and later. A new reporting user then sees "
        "everything that was granted. Grant to the role that needs the privilege."
    ),
    severities=(Severity.WARNING,),
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
                    verdict=Verdict.FACT,
                )
