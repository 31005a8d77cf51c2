"""Rule ``statements-rolled-back``: ROLLBACK in an up migration."""

from __future__ import annotations

from collections.abc import Iterator

from kfm_ci.analysis.change import Change
from kfm_ci.model import Finding, Hazard, Verdict
from kfm_ci.rule_info import RuleInfo
from kfm_ci.rules.rule import statement_finding

STATEMENTS_ROLLED_BACK = RuleInfo(
    id="statements-rolled-back",
    hazard=Hazard.TRANSACTION,
    title="ROLLBACK in an up migration",
    why=(
        "`rollback` undoes all statements of the transaction above it. The tool sees no error and records the "
        "migration as applied, so the schema lacks it forever. Remove the statement."
    ),
    bad="begin;\ncreate table widgets (id bigint primary key);\nrollback;\n",
    good="create table widgets (id bigint primary key);\n",
)


class StatementsRolledBack:
    """Finds ``ROLLBACK`` in up migrations, which undoes them while the tool records them as applied."""

    info = STATEMENTS_ROLLED_BACK

    def check(self, change: Change) -> Iterator[Finding]:
        """Yield a finding for each statement that rolls a transaction back; those to a savepoint are fine."""
        for statement in change.statements.of("TransactionStmt"):
            if statement.tree.choice("kind") == "TRANS_STMT_ROLLBACK" and not statement.script.recorded:
                yield statement_finding(
                    STATEMENTS_ROLLED_BACK,
                    statement,
                    "`ROLLBACK` undoes the statements above it, but the migration counts as applied.",
                    help="Remove the statement.",
                    verdict=Verdict.FACT,
                )
