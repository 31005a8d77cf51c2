"""Rule ``json-column``: new column of type json instead of jsonb."""

from __future__ import annotations

from collections.abc import Iterator

from kfm_ci.analysis import added_columns
from kfm_ci.analysis.change import Change
from kfm_ci.model import Finding, Hazard, Severity, Verdict
from kfm_ci.rule_info import RuleInfo
from kfm_ci.rules.rule import statement_finding

JSON_COLUMN = RuleInfo(
    id="json-column",
    hazard=Hazard.BREAKS_CLIENTS,
    title="New column of type json instead of jsonb",
    why=(
        "Type `json` has no equality operator: `select distinct`, `group by` and `union` over the table's "
        "rows fail once the column exists. Queries that do not name the column are affected too. Use `jsonb`."
    ),
    severities=(Severity.WARNING,),
    bad="alter table widgets add column details json;\n",
    good="alter table widgets add column details jsonb;\n",
)


class JsonColumn:
    """Finds new columns of type ``json``, which has no equality operator."""

    info = JSON_COLUMN

    def check(self, change: Change) -> Iterator[Finding]:
        """Yield a finding for each json column that is added to an existing table."""
        for column in added_columns.added(change):
            if column.type == "json":
                yield statement_finding(
                    JSON_COLUMN,
                    column.alteration.statement,
                    (
                        f"`{column.table}.{column.name}` has type json: `select distinct` over `{column.table}` "
                        "fails from now on."
                    ),
                    help=f"Write `alter table {column.table} add column {column.name} jsonb;`.",
                    verdict=Verdict.FACT,
                )
