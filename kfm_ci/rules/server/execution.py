"""Rules on executing the migrations and the smoke tests."""

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

DANGEROUS_STATEMENT_NOT_RUN = RuleInfo(
    id="dangerous-statement-not-run",
    hazard=Hazard.UNANALYSABLE,
    severities=(Severity.ERROR,),
    decided_by=DecidedBy.SERVER,
    title="Dangerous statement in a branch that did not run",
    why=(
        "PostgreSQL ran the block, but not this statement, because a condition was false. In production the date, "
        "the role, the settings or the rows can differ, and the statement runs unobserved. Write the statement "
        "without a condition, or acknowledge it."
    ),
    base=_WIDGETS,
    bad="do $$ begin\n  if now() > '2099-01-01' then\n    delete from widgets where id > 0;\n  end if;\nend $$;\n"
    "-- down:\nselect 1;",
    good=_GOOD,
)

DATA_DEPENDENT_FAILURE = RuleInfo(
    id="data-dependent-failure",
    hazard=Hazard.DATA_DEPENDENT,
    decided_by=DecidedBy.SERVER,
    title="Fails on existing rows",
    why=(
        "The statement succeeds on an empty table and fails on synthetic rows such as NULLs, duplicates and "
        "long texts. Production can contain such rows. Run the query in the finding there, and clean the data "
        "first."
    ),
    severities=(
        Severity.ERROR,
        Severity.NOTE,
    ),
    base="create table widgets (id bigint primary key, name text);",
    bad='-- kfm:allow blocks-reads reason="small table"\n-- kfm:allow full-scan reason="small table"\n'
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
        "A block that swallows an error skips the change, so production can get another schema than the "
        "tested one. kfm-ci compares the schemas on synthetic rows and on empty tables. Let the error abort "
        "the migration; additional objects, such as one partition per month, are a note."
    ),
    severities=(
        Severity.ERROR,
        Severity.NOTE,
    ),
    base="create table widgets (id bigint primary key, name text);",
    bad='-- kfm:allow blocks-reads reason="small table"\n-- kfm:allow full-scan reason="small table"\n'
    "do $$ begin\n  alter table widgets alter column name set not null;\nexception when others then null;\nend $$;\n"
    "-- down:\nalter table widgets alter column name drop not null;",
    good="do $$ begin\n  alter table widgets add column title text;\n"
    "exception when duplicate_column then null;\nend $$;\n-- down:\nalter table widgets drop column title;",
)

EXCEPTION_SWALLOWED = RuleInfo(
    id="exception-swallowed",
    hazard=Hazard.DATA_DEPENDENT,
    decided_by=DecidedBy.SERVER,
    title="`EXCEPTION WHEN OTHERS` hides an error",
    why=(
        "A handler of `others` catches every error, including unexpected ones. An exception that only "
        "synthetic rows cause is an error if it is ignored, a warning if it is logged. Catch a condition by "
        "its name; handlers that set a value, write a row or raise are not reported."
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
        "Some statements cannot run in a transaction block. A file that commits or rolls back ends the tool's "
        "transaction. Run the statement in its own file, without a transaction."
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


EXECUTION_RULES: tuple[RuleInfo, ...] = (
    MIGRATION_FAILED,
    DANGEROUS_STATEMENT_NOT_RUN,
    DATA_DEPENDENT_FAILURE,
    DATA_DEPENDENT_SCHEMA,
    EXCEPTION_SWALLOWED,
    NOT_ALLOWED_IN_TRANSACTION,
    DRY_RUN_NOT_ROLLED_BACK,
    SMOKE_FAILED,
)
