"""Reading rules on the tool's history table compared with the files."""

from __future__ import annotations

from kfm_ci.model import Hazard, Severity
from kfm_ci.rule_info import DecidedBy, RuleInfo

HISTORY_ROW_FAILED = RuleInfo(
    id="history-row-failed",
    hazard=Hazard.DRIFT,
    decided_by=DecidedBy.SERVER,
    title="History table has a failed migration",
    why=(
        "kfm-ci reads the tool's history table in the baseline. Flyway, Prisma, golang-migrate, sqlx and "
        "Atlas stop at a failed row until it is repaired. Run the command in the finding."
    ),
)

HISTORY_CHECKSUM_MISMATCH = RuleInfo(
    id="history-checksum-mismatch",
    hazard=Hazard.DRIFT,
    decided_by=DecidedBy.SERVER,
    title="Checksum differs from the history table",
    why=(
        "kfm-ci computes the tool's checksum of each file and compares it with the history table in the "
        "baseline. If the file was edited, Flyway, Liquibase, sqlx and Atlas fail; Prisma, Drizzle and Sqitch "
        "continue, which is a warning. Restore the file."
    ),
)

MIGRATION_FILE_MISSING = RuleInfo(
    id="migration-file-missing",
    hazard=Hazard.DRIFT,
    decided_by=DecidedBy.SERVER,
    title="Migration in the history table has no file",
    why=(
        "The history table in the baseline has a row without a file. That migration cannot be "
        "reviewed or run again, and some tools fail. Restore the file or remove the row."
    ),
)

MIGRATION_IGNORED = RuleInfo(
    id="migration-ignored",
    hazard=Hazard.ORDER,
    decided_by=DecidedBy.SERVER,
    title="Tool skips the migration silently",
    why=(
        "golang-migrate, Drizzle and graphile-migrate look only at files after the last row of their "
        "history table. A file that sorts before it never runs on existing databases, but runs on new"
        " ones. Give it a later version."
    ),
    severities=(
        Severity.ERROR,
        Severity.NOTE,
    ),
)

HISTORY_TABLE_RULES: tuple[RuleInfo, ...] = (
    HISTORY_ROW_FAILED,
    HISTORY_CHECKSUM_MISMATCH,
    MIGRATION_FILE_MISSING,
    MIGRATION_IGNORED,
)
