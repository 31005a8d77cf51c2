"""Rule ``role-switched``: switches the role."""

from __future__ import annotations

from collections.abc import Iterator

from kfm_ci.analysis.change import Change
from kfm_ci.analysis.excerpt import shown
from kfm_ci.model import Finding, Hazard, Verdict
from kfm_ci.rule_info import RuleInfo
from kfm_ci.rules.rule import statement_finding

_SETTINGS = frozenset({"role", "session_authorization"})


ROLE_SWITCHED = RuleInfo(
    id="role-switched",
    hazard=Hazard.PRIVILEGE,
    title="Switches the role",
    why=(
        "After `set role` the following statements create objects that another role owns, and the "
        "tool's own history rows can be affected. Run the migration as the role that should own the "
        "objects, or use `alter table … owner to`."
    ),
    bad="set role admin;\ncreate table widgets (id bigint primary key);\n",
    good="create table widgets (id bigint primary key);\nalter table widgets owner to shop;\n",
)


class RoleSwitched:
    """Finds ``SET ROLE``, after which another role owns the created objects."""

    info = ROLE_SWITCHED

    def check(self, change: Change) -> Iterator[Finding]:
        """Yield a finding for each switch of the role."""
        for statement in change.statements.of("VariableSetStmt", downs=True):
            name = statement.tree.text("name").lower()
            if name not in _SETTINGS or statement.tree.choice("kind") != "VAR_SET_VALUE":
                continue
            value = next((item.one("sval") for item in statement.tree.many("args")), None)
            role = shown(value.text("sval")) if value is not None else "another role"
            if role == "none":
                continue
            yield statement_finding(
                ROLE_SWITCHED,
                statement,
                f"The following statements run as `{role}`.",
                help="Run the migration as the role that should own the objects, or use `alter … owner to`.",
                verdict=Verdict.FACT,
            )
