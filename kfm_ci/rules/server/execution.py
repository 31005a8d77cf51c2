"""What went wrong while the change ran: forwards, backwards, again, and against what the header says."""

from __future__ import annotations

from kfm_ci.model import Hazard, Severity
from kfm_ci.rule_info import DecidedBy, RuleInfo

_WIDGETS = "create table widgets (id bigint primary key, name text);\ninsert into widgets values (1, 'a');"
_GOOD = "alter table widgets add column title text;\n-- down:\nalter table widgets drop column title;"

_NUMBERS = """create table numbers (widget bigint primary key, number integer not null);
do $$ declare w widgets; begin
  for w in select * from widgets loop
    begin
      insert into numbers values (w.id, w.code::integer);
    exception when {condition} then null;
    end;
  end loop;
end $$;
-- down:
drop table numbers;"""

MIGRATION_FAILED = RuleInfo(
    id="migration-failed",
    hazard=Hazard.MIGRATION_ERROR,
    decided_by=DecidedBy.SERVER,
    title="Migration fails on the server",
    why=(
        "PostgreSQL returned an error for a statement. The message is the server's, the place is the "
        "statement. Correct the statement."
    ),
    base=_WIDGETS,
    bad="alter table widgits add column title text;\n-- down:\nselect 1;",
    good=_GOOD,
)

DATA_DEPENDENT_FAILURE = RuleInfo(
    id="data-dependent-failure",
    hazard=Hazard.DATA_DEPENDENT,
    decided_by=DecidedBy.SERVER,
    title="Fails on existing rows",
    why=(
        "The statement succeeds on an empty table and fails on synthetic rows that satisfy the "
        "constraints: NULLs, duplicates, empty and long texts, zero, large numbers. Production can "
        "contain such rows. Run the query in the finding there, and clean the data first."
    ),
    severities=(
        Severity.ERROR,
        Severity.NOTE,
    ),
    base="create table widgets (id bigint primary key, name text);",
    bad='-- kfm:allow blocks-reads reason="small"\n-- kfm:allow full-scan reason="small"\n'
    "alter table widgets alter column name set not null;\n-- down:\n"
    "alter table widgets alter column name drop not null;",
    good="alter table widgets add constraint name_there check (name is not null) not valid;\n-- down:\n"
    "alter table widgets drop constraint name_there;",
)

DATA_DEPENDENT_SCHEMA = RuleInfo(
    id="data-dependent-schema",
    hazard=Hazard.DATA_DEPENDENT,
    decided_by=DecidedBy.SERVER,
    title="Resulting schema depends on the rows",
    why=(
        "A block that swallows an error reports success but skips the change, so production can get a"
        " different schema than the one that was tested. kfm-ci compares the schemas on synthetic "
        "rows and on empty tables. Let the error abort the migration; additional objects, such as one"
        " partition per month, are a note."
    ),
    severities=(
        Severity.ERROR,
        Severity.NOTE,
    ),
    base="create table widgets (id bigint primary key, name text);",
    bad='-- kfm:allow blocks-reads reason="small"\n-- kfm:allow full-scan reason="small"\n'
    "do $$ begin\n  alter table widgets alter column name set not null;\nexception when others then null;\nend $$;\n"
    "-- down:\nalter table widgets alter column name drop not null;",
    good="do $$ begin\n  alter table widgets add column title text;\nexception when duplicate_column then null;\nend $$;\n"
    "-- down:\nalter table widgets drop column title;",
)

EXCEPTION_SWALLOWED = RuleInfo(
    id="exception-swallowed",
    hazard=Hazard.DATA_DEPENDENT,
    decided_by=DecidedBy.SERVER,
    title="`EXCEPTION WHEN OTHERS` hides an error",
    why=(
        "A handler of `others` catches every error, including unexpected ones. kfm-ci counts the "
        "exceptions on synthetic rows and on empty tables: one that only rows cause, and that is "
        "ignored, is an error; with a message it is a warning. Catch a condition by its name; "
        "handlers that set a value, write a row or raise are not reported."
    ),
    severities=(
        Severity.ERROR,
        Severity.WARNING,
    ),
    base="create table widgets (id bigint primary key, code text);",
    bad=_NUMBERS.format(condition="others"),
    good=_NUMBERS.format(condition="invalid_text_representation or numeric_value_out_of_range or not_null_violation"),
)

NOT_ALLOWED_IN_TRANSACTION = RuleInfo(
    id="not-allowed-in-transaction",
    hazard=Hazard.TRANSACTION,
    decided_by=DecidedBy.SERVER,
    title="Statement cannot run in its transaction",
    why=(
        "Some statements cannot run in a transaction block, and a file that commits or rolls back "
        "ends the transaction that makes the change and its history row atomic. Run the statement in "
        "its own file, without a transaction."
    ),
)

DRY_RUN_NOT_ROLLED_BACK = RuleInfo(
    id="dry-run-not-rolled-back",
    hazard=Hazard.TRANSACTION,
    decided_by=DecidedBy.SERVER,
    title="Rollback of the transaction leaves changes",
    why=(
        "The migration was rolled back, but the schema was different afterwards. A procedure with "
        "COMMIT or dblink escapes the transaction. Remove it from the migration."
    ),
)

SMOKE_FAILED = RuleInfo(
    id="smoke-failed",
    hazard=Hazard.SMOKE,
    decided_by=DecidedBy.SERVER,
    title="Smoke test fails",
    why=(
        "An assertion of `[smoke] sql` failed, or the command of `[smoke] command` exited with an "
        "error. The application may not work on the new schema. Correct the migration or the test."
    ),
    severities=(
        Severity.ERROR,
        Severity.WARNING,
    ),
)

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

UNDERSTATED_RISK = RuleInfo(
    id="understated-risk",
    hazard=Hazard.UNDERSTATED_RISK,
    decided_by=DecidedBy.SERVER,
    title="Header declares less risk than observed",
    why=(
        "Reviewers and release engineers decide by `risk` and `rollout`. The server did more than the"
        " header declares. Correct the header or make the change safer."
    ),
    base=_WIDGETS,
    bad="alter table widgets drop column name;\n-- down:\nalter table widgets add column name text;",
    good=_GOOD,
)

OVERSTATED_RISK = RuleInfo(
    id="overstated-risk",
    hazard=Hazard.UNDERSTATED_RISK,
    decided_by=DecidedBy.SERVER,
    title="Header declares more risk than observed",
    why=(
        "A harmless change that is declared as dangerous teaches reviewers to ignore the declaration."
        " Lower `risk` or `rollout`; this is a note."
    ),
    severities=(Severity.NOTE,),
)

ROLLBACK_FAILED = RuleInfo(
    id="rollback-failed",
    hazard=Hazard.ROLLBACK_UNPROVEN,
    decided_by=DecidedBy.SERVER,
    title="Rollback fails",
    why=(
        "kfm-ci runs the rollback on rows right after the up migration and compares every object and "
        "row. PostgreSQL returned an error. Correct the down migration, or declare `rollback: manual`"
        " with a runbook."
    ),
    base=_WIDGETS,
    bad="alter table widgets add column title text;\n-- down:\nalter table widgets drop column titel;",
    good=_GOOD,
)

ROLLBACK_NOT_RUN = RuleInfo(
    id="rollback-not-run",
    hazard=Hazard.ROLLBACK_UNPROVEN,
    decided_by=DecidedBy.SERVER,
    title="Rollback was not run",
    why=(
        "Too many rollbacks of the tool failed, so those of earlier migrations were not run. Nothing "
        "is proven for them. Correct the failed ones; this is a warning."
    ),
    severities=(Severity.WARNING,),
)

ROLLBACK_SCHEMA_DIFFERS = RuleInfo(
    id="rollback-schema-differs",
    hazard=Hazard.ROLLBACK_UNPROVEN,
    decided_by=DecidedBy.SERVER,
    title="Rollback does not restore the schema",
    why=(
        "kfm-ci runs the rollback on rows right after the up migration and compares every object. "
        "Leftovers of a later rollback are not reported here, and an extension or schema created with"
        " `if not exists` may stay. Revert exactly what the up migration does."
    ),
    base=_WIDGETS,
    bad="alter table widgets add column title text;\ncreate index on widgets (name, title);\ncreate table titles (id bigint);\n"
    "-- down:\nalter table widgets drop column title;",
    good=_GOOD,
)

ROLLBACK_DATA_LOST = RuleInfo(
    id="rollback-data-lost",
    hazard=Hazard.ROLLBACK_UNPROVEN,
    decided_by=DecidedBy.SERVER,
    title="Rollback loses or changes existing rows",
    why=(
        "kfm-ci runs the rollback on rows right after the up migration and compares every row that "
        "existed before. Rows written since are listed as data loss on rollback. Keep the old values "
        "until they are not needed, or declare `rollback: manual`."
    ),
    base=_WIDGETS,
    bad="alter table widgets add column title text;\n-- down:\nalter table widgets drop column title;\ndelete from widgets;",
    good=_GOOD,
)

ROLLBACK_DATA_NOT_COMPARED = RuleInfo(
    id="rollback-data-not-compared",
    hazard=Hazard.ROLLBACK_UNPROVEN,
    decided_by=DecidedBy.SERVER,
    title="Rows could not be compared after the rollback",
    why=(
        "Rows that the migrations' role cannot read are not compared. Nothing is proven for them. "
        "Grant SELECT to that role."
    ),
    severities=(Severity.WARNING,),
)

ROLLBACK_COLUMN_ORDER = RuleInfo(
    id="rollback-column-order",
    hazard=Hazard.ROLLBACK_UNPROVEN,
    decided_by=DecidedBy.SERVER,
    title="Rollback changes the order of columns",
    why=(
        "A dropped and re-added column becomes the last one. `insert into t values (…)`, `select *` "
        "by position and `copy` without a list are affected. Name the columns; this is a note."
    ),
    severities=(Severity.NOTE,),
    base="create table widgets (id bigint, name text, n integer);",
    bad="alter table widgets drop column name;\n-- down:\nalter table widgets add column name text;",
    good=_GOOD,
)

ROLLBACK_FAILS_ON_NEW_ROWS = RuleInfo(
    id="rollback-fails-on-new-rows",
    hazard=Hazard.ROLLBACK_UNPROVEN,
    decided_by=DecidedBy.SERVER,
    title="Rollback fails on rows allowed only by the new schema",
    why=(
        "kfm-ci runs a proven rollback again with a row that only the new schema allows, such as a "
        "null, a duplicate or a longer text. Production can have such rows minutes after the "
        "deployment. Convert them in the down migration; this is a note."
    ),
    severities=(Severity.NOTE,),
    base="create table widgets (id bigint primary key, name text not null);\ninsert into widgets values (1, 'a');",
    bad="alter table widgets alter column name drop not null;\n-- down:\n"
    "alter table widgets alter column name set not null;",
    good="alter table widgets alter column name drop not null;\n-- down:\n"
    "update widgets set name = '' where name is null;\nalter table widgets alter column name set not null;",
)

REAPPLY_DIFFERS = RuleInfo(
    id="reapply-differs",
    hazard=Hazard.ROLLBACK_UNPROVEN,
    decided_by=DecidedBy.SERVER,
    title="Migration cannot be applied again after its rollback",
    why=(
        "After a rollback the second attempt in production meets what the first one left. The "
        "migration failed or gave a different schema. Make the up migration independent of leftovers."
    ),
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

POLICY_CHANGED = RuleInfo(
    id="policy-changed",
    hazard=Hazard.HEADER,
    decided_by=DecidedBy.SERVER,
    title="Pull request changes the policy",
    why=(
        "kfm-ci checks a pull request with the policy of its base, so that it cannot loosen its own "
        "check. The new policy applies after the merge; this is a note."
    ),
    severities=(Severity.NOTE,),
)

RUNS: tuple[RuleInfo, ...] = (
    MIGRATION_FAILED,
    DATA_DEPENDENT_FAILURE,
    DATA_DEPENDENT_SCHEMA,
    EXCEPTION_SWALLOWED,
    NOT_ALLOWED_IN_TRANSACTION,
    DRY_RUN_NOT_ROLLED_BACK,
    SMOKE_FAILED,
    VERIFY_SCRIPT_SKIPPED,
    PROGRAM_READS_ROWS,
    UNDERSTATED_RISK,
    OVERSTATED_RISK,
    ROLLBACK_FAILED,
    ROLLBACK_NOT_RUN,
    ROLLBACK_SCHEMA_DIFFERS,
    ROLLBACK_DATA_LOST,
    ROLLBACK_DATA_NOT_COMPARED,
    ROLLBACK_COLUMN_ORDER,
    ROLLBACK_FAILS_ON_NEW_ROWS,
    REAPPLY_DIFFERS,
    BATCH_RUN_DIFFERS,
    ERROR_SUPPRESSED,
    PENDING_AFTER_RUN,
    SINGLE_TRANSACTION_RUN,
    POLICY_CHANGED,
)
