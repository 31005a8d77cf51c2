"""Rules on the run of an external migration tool."""

from __future__ import annotations

from kfm_ci.model import Hazard, Severity
from kfm_ci.rule_info import DecidedBy, RuleInfo

VERIFY_SCRIPT_SKIPPED = RuleInfo(
    id="verify-script-skipped",
    hazard=Hazard.UNANALYSABLE,
    decided_by=DecidedBy.SERVER,
    title="Verify script was not run",
    why=(
        "kfm-ci runs Sqitch's `verify` scripts as smoke tests. A script with psql commands or "
        "variables without a value needs psql and is skipped. Write plain SQL or set the variables; "
        "this is a warning."
    ),
    severities=(Severity.WARNING,),
)

PROGRAM_READS_ROWS = RuleInfo(
    id="program-reads-rows",
    hazard=Hazard.UNANALYSABLE,
    decided_by=DecidedBy.SERVER,
    title="Program reads rows that were not checked",
    why=(
        "A migration that is a program can read rows and send different SQL for each. The tool ran it"
        " on empty tables, so that SQL was not checked. Review it by hand; this is a note."
    ),
    severities=(Severity.NOTE,),
)

BATCH_RUN_DIFFERS = RuleInfo(
    id="batch-run-differs",
    hazard=Hazard.NOT_REPEATABLE,
    decided_by=DecidedBy.SERVER,
    title="One run for all gives a different schema",
    why=(
        "Production runs all pending migrations in one run. kfm-ci ran them in one run and one by "
        "one, and the schemas differ. Make each migration independent of the number of migrations in "
        "a run."
    ),
)

ERROR_SUPPRESSED = RuleInfo(
    id="error-suppressed",
    hazard=Hazard.MIGRATION_ERROR,
    decided_by=DecidedBy.SERVER,
    title="Tool suppresses an error of the server",
    why=(
        "PostgreSQL returned an error, but the tool continued and exited 0. The same error may not be"
        " caught in production. Check for the object first, or let the error abort the migration; "
        "this is a warning."
    ),
    severities=(Severity.WARNING,),
)

PENDING_AFTER_RUN = RuleInfo(
    id="pending-after-run",
    hazard=Hazard.ORDER,
    decided_by=DecidedBy.SERVER,
    title="Tool reports a pending migration after its run",
    why=(
        "The tool's status command reports a pending or failed migration after all have run. The same"
        " would happen in production. Run the command by hand."
    ),
)

SINGLE_TRANSACTION_RUN = RuleInfo(
    id="single-transaction-run",
    hazard=Hazard.LOCK_ORDER,
    decided_by=DecidedBy.SERVER,
    title="Tool runs all migrations in one transaction",
    why=(
        "PostgreSQL holds the locks of the first migration until the last has committed. Deploy the "
        "migrations one by one where that is too long; this is a note."
    ),
    severities=(Severity.NOTE,),
)

TOOL_RULES: tuple[RuleInfo, ...] = (
    VERIFY_SCRIPT_SKIPPED,
    PROGRAM_READS_ROWS,
    BATCH_RUN_DIFFERS,
    ERROR_SUPPRESSED,
    PENDING_AFTER_RUN,
    SINGLE_TRANSACTION_RUN,
)
