"""Rule ``history-row-not-atomic``: history row is written in another transaction."""

from __future__ import annotations

from collections.abc import Iterator

from kfm_ci.analysis.change import Change
from kfm_ci.model import Finding, Hazard, Severity
from kfm_ci.rule_info import RuleInfo
from kfm_ci.rules.rule import migration_finding

HISTORY_ROW_NOT_ATOMIC = RuleInfo(
    id="history-row-not-atomic",
    hazard=Hazard.TRANSACTION,
    title="History row is written in another transaction",
    why=(
        "Flyway, Liquibase and refinery commit a migration first and its history row second. If the process "
        "is killed in between, the change is applied but not recorded, and the next run usually fails. The "
        "note shows how to repair the history table."
    ),
    severities=(Severity.NOTE,),
    bad="create table widgets (id bigint primary key);\n",
    good="create table if not exists widgets (id bigint primary key);\n",
)


class HistoryRowNotAtomic:
    """Reports once per change that the tool commits its history row separately."""

    info = HISTORY_ROW_NOT_ATOMIC

    def check(self, change: Change) -> Iterator[Finding]:
        """Yield one note for the last new migration."""
        if change.new and change.head.semantics.history_row_repair:
            yield migration_finding(
                HISTORY_ROW_NOT_ATOMIC,
                f"{change.head.format} commits the migration before its history row: killed in between, it "
                "leaves the change applied but not recorded, and the next run applies it again.",
                help=change.head.semantics.history_row_repair,
                migration=change.new[-1],
            )
