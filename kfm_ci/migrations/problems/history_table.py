"""What the tool's own history table says, held against the files."""

from __future__ import annotations

from kfm_ci.model import Hazard, Severity
from kfm_ci.rule_info import DecidedBy, RuleInfo

_TABLE = (
    "Every tool notes in a table of its own what it ran. Where a baseline brings that table along, its rows are read, "
    "each is matched with its file by the tool's own key, and checksums are computed anew as the tool does it. "
)

HISTORY_ROW_FAILED = RuleInfo(
    id="history-row-failed",
    hazard=Hazard.DRIFT,
    decided_by=DecidedBy.SERVER,
    title="No migration is noted as begun and not ended",
    why=_TABLE + "Flyway (`success` is false), Prisma (`finished_at` is null), golang-migrate (`dirty`), sqlx and "
    "Atlas refuse to go on after such a row until somebody has put the database right and has cleared it; the "
    "finding has the command to type.",
)

HISTORY_CHECKSUM_MISMATCH = RuleInfo(
    id="history-checksum-mismatch",
    hazard=Hazard.DRIFT,
    decided_by=DecidedBy.SERVER,
    title="The file is the one that ran",
    why=_TABLE + "Another checksum means that the file was edited after it had run: Flyway, Liquibase, sqlx and "
    "Atlas then refuse the database; Prisma, Drizzle and Sqitch go on, and new databases differ from old ones. "
    "Said as a warning for the latter.",
)

MIGRATION_FILE_MISSING = RuleInfo(
    id="migration-file-missing",
    hazard=Hazard.DRIFT,
    decided_by=DecidedBy.SERVER,
    title="What ran is still there as a file",
    why=_TABLE + "A row without a file is a migration that nobody can read or run again; some tools refuse it.",
)

MIGRATION_IGNORED = RuleInfo(
    id="migration-ignored",
    hazard=Hazard.ORDER,
    decided_by=DecidedBy.SERVER,
    title="The tool does not pass over a migration in silence",
    why=_TABLE + "golang-migrate, Drizzle and graphile-migrate look only at what comes after the last row: a file "
    "that sorts before it never runs on databases that are past it, and runs on new ones. Asked too after the tool "
    "itself has run: a migration without a row was passed over.",
    severities=(
        Severity.ERROR,
        Severity.NOTE,
    ),
)

HISTORIES: tuple[RuleInfo, ...] = (
    HISTORY_ROW_FAILED,
    HISTORY_CHECKSUM_MISMATCH,
    MIGRATION_FILE_MISSING,
    MIGRATION_IGNORED,
)
