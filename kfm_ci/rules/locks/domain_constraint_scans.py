"""Rule ``domain-constraint-scans``: scans every table that uses a domain."""

from __future__ import annotations

from collections.abc import Iterator

from kfm_ci.analysis.change import Change
from kfm_ci.analysis.object_names import spelled
from kfm_ci.model import Finding, Hazard
from kfm_ci.rule_info import RuleInfo
from kfm_ci.rules.rule import statement_finding

_NOT_NULL = "O"
_ADD = "C"


DOMAIN_CONSTRAINT_SCANS = RuleInfo(
    id="domain-constraint-scans",
    hazard=Hazard.FULL_SCAN,
    title="Scans every table that uses a domain",
    why=(
        "`alter domain … add constraint` and `set not null` scan each table with a column of the "
        "domain and hold ShareLock on it. Writes to these tables are blocked. Add the constraint as "
        "`not valid` and validate it in the next migration."
    ),
    bad="alter domain email add constraint email_has_at check (value like '%@%');\n",
    good="alter domain email add constraint email_has_at check (value like '%@%') not valid;\n",
)


class DomainConstraintScans:
    """Finds domain constraints that are validated immediately."""

    info = DOMAIN_CONSTRAINT_SCANS

    def check(self, change: Change) -> Iterator[Finding]:
        """Yield a finding for each constraint that is added to an existing domain without ``NOT VALID``."""
        for statement in change.statements.of("AlterDomainStmt"):
            names, what = statement.tree.strings("type_name"), statement.tree.text("subtype")
            definition = statement.tree.one("def")
            late = definition is not None and definition.flag("skip_validation")
            if what not in {_ADD, _NOT_NULL} or late or change.statements.is_new(statement, names):
                continue
            name = spelled(names)
            yield statement_finding(
                DOMAIN_CONSTRAINT_SCANS,
                statement,
                f"`ALTER DOMAIN` scans every table with a column of domain `{name}` and blocks writes to these tables.",
                help=f"Write `alter domain {name} add constraint … check (…) not valid;` and, in the next migration, "
                f"`alter domain {name} validate constraint …;`.",
            )
