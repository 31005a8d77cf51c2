"""Rule ``constrained-domain-column``: rewrites a table to add a column of a domain."""

from __future__ import annotations

import re
from collections.abc import Iterator

from kfm_ci.analysis import added_columns
from kfm_ci.analysis.change import Change
from kfm_ci.analysis.object_names import quote
from kfm_ci.model import Finding, Hazard
from kfm_ci.rule_info import RuleInfo
from kfm_ci.rules.rule import statement_finding
from kfm_ci.sql.script import Script

_DOMAIN = re.compile(
    r"create\s+domain\s+(?:\"?\w+\"?\.)?\"?(\w+)\"?\s(?:[^;']|'(?:[^']|'')*')*?(?:\bcheck\b|\bnot\s+null\b)",
    re.IGNORECASE,
)


CONSTRAINED_DOMAIN_COLUMN = RuleInfo(
    id="constrained-domain-column",
    hazard=Hazard.TABLE_REWRITE,
    title="Rewrites a table to add a column of a domain",
    why=(
        "A column whose type is a domain with a constraint makes PostgreSQL rewrite the table, even "
        "without a default. Reads and writes are blocked meanwhile. Use the base type and a `not "
        "valid` check, and validate it in the next migration."
    ),
    bad="create domain positive as integer check (value > 0);\nalter table widgets add column weight positive;\n",
    good="alter table widgets add column weight integer;\n",
)


class ConstrainedDomainColumn:
    """Finds new columns of a domain with a constraint, which rewrite the table."""

    info = CONSTRAINED_DOMAIN_COLUMN

    def check(self, change: Change) -> Iterator[Finding]:
        """Yield a finding for each column of a domain that a migration creates with a constraint."""
        checked: frozenset[str] | None = None
        for column in added_columns.added(change):
            if checked is None:
                checked = _checked(change)
            if column.type in checked:
                yield statement_finding(
                    CONSTRAINED_DOMAIN_COLUMN,
                    column.alteration.statement,
                    f"`{column.table}.{column.name}` has the constrained domain `{quote(column.type)}`: "
                    f"PostgreSQL rewrites `{column.table}` and blocks reads and writes.",
                    help=f"Add `{column.name}` with the domain's base type and a `not valid` check constraint.",
                )


def _checked(change: Change) -> frozenset[str]:
    texts = (item.up.text for item in change.head.migrations if isinstance(item.up, Script))
    return frozenset(match[1].lower() for text in texts if "domain" in text.lower() for match in _DOMAIN.finditer(text))
