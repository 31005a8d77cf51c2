"""Rule ``volatile-value``: writes values that differ between databases."""

from __future__ import annotations

from collections.abc import Iterator

from kfm_ci.analysis.change import Change
from kfm_ci.analysis.changed_statement import ChangeStatement
from kfm_ci.model import Finding, Hazard, Severity, Verdict
from kfm_ci.rule_info import RuleInfo
from kfm_ci.rules.rule import spread, statement_finding
from kfm_ci.sql.parse_tree import Node

_FUNCTIONS = frozenset(
    {
        "now",
        "clock_timestamp",
        "statement_timestamp",
        "transaction_timestamp",
        "timeofday",
        "random",
        "random_normal",
        "gen_random_uuid",
        "gen_random_bytes",
        "uuid_generate_v1",
        "uuid_generate_v1mc",
        "uuid_generate_v4",
        "uuidv4",
        "uuidv7",
    }
)
_CLOCKS = ("SVFOP_CURRENT_DATE", "SVFOP_CURRENT_TIME", "SVFOP_LOCALTIME")


VOLATILE_VALUE = RuleInfo(
    id="volatile-value",
    hazard=Hazard.NOT_REPEATABLE,
    title="Writes values that differ between databases",
    why=(
        "`now()`, `random()` and `gen_random_uuid()` in a statement that writes rows give each "
        "database different rows. A staging database then differs from production. Write a constant "
        "where the databases must agree; a creation time may differ, so this is a note."
    ),
    severities=(Severity.NOTE,),
    bad="insert into tenants (id, name) values (gen_random_uuid(), 'acme');\n",
    good="alter table tenants add column id uuid default gen_random_uuid();\n",
)


class VolatileValue:
    """Finds volatile functions in statements that write rows."""

    info = VOLATILE_VALUE

    def check(self, change: Change) -> Iterator[Finding]:
        """Yield one note for each up migration that writes or selects rows by volatile values."""
        found: dict[str, list[tuple[ChangeStatement, set[str]]]] = {}
        for statement in change.statements.of("InsertStmt", "UpdateStmt", "DeleteStmt", "MergeStmt"):
            if names := set(_made(statement.tree)):
                found.setdefault(statement.migration.id, []).append((statement, names))
        for statements in found.values():
            names = set().union(*(names for _, names in statements))
            yield statement_finding(
                VOLATILE_VALUE,
                statements[0][0],
                (
                    f"The statement uses {', '.join(sorted(names))}, so the rows differ between "
                    f"databases{spread([statement.line for statement, _ in statements])}."
                ),
                help="Write a constant if all databases must agree (`'2026-02-25 12:00+00'`, a fixed uuid).",
                verdict=Verdict.FACT,
            )


def _made(tree: Node) -> Iterator[str]:
    for call in tree.find("FuncCall"):
        name = call.strings("funcname")[-1:]
        if name and name[0] in _FUNCTIONS:
            yield f"{name[0]}()"
    for value in tree.find("SQLValueFunction"):
        if value.choice("op").startswith(_CLOCKS):
            yield value.choice("op").removeprefix("SVFOP_").removesuffix("_N").lower()
