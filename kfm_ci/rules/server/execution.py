"""What went wrong while the change ran: forwards, backwards, again, and against what the header says."""

from __future__ import annotations

from kfm_ci.model import Hazard, Severity
from kfm_ci.rule_info import DecidedBy, RuleInfo

_WIDGETS = "create table widgets (id bigint primary key, name text);\ninsert into widgets values (1, 'a');"
_GOOD = "alter table widgets add column title text;\n-- down:\nalter table widgets drop column title;"
_WAY_BACK = (
    "A way back that nobody ran is a wish. It is run here, on rows, right after the way forward, and what it leaves "
    "behind is compared object by object and row by row."
)

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
    title="The server accepts the migration",
    why="PostgreSQL refused a statement. The message is the server's, the place is that of the statement.",
    base=_WIDGETS,
    bad="alter table widgits add column title text;\n-- down:\nselect 1;",
    good=_GOOD,
)

DATA_DEPENDENT_FAILURE = RuleInfo(
    id="data-dependent-failure",
    hazard=Hazard.DATA_DEPENDENT,
    decided_by=DecidedBy.SERVER,
    title="A migration succeeds on every row that may be there",
    why="Every table of the base is given synthetic rows that obey its constraints and are as awkward as these "
    "allow: NULLs, duplicates, empty and long texts, zero, large numbers, several rows for a parent. What succeeds "
    "on an empty table and fails on them can fail in production; the finding has the query that tells.",
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
    title="A migration leaves the same schema whatever the rows are",
    why="A block that swallows a failure (`exception when others then null`) reports success and leaves out what "
    "failed, so that production's schema is another than the one that was tested. The new migrations are run on "
    "synthetic rows and on empty tables, and the two schemas compared object by object. What only makes more "
    "objects where there are rows, such as a partition for each month, is a note.",
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
    title="A migration passes over no failure that rows bring about",
    why="A handler of `others` catches whatever comes, also what nobody thought of. The server counts what is caught "
    "on synthetic rows and on empty tables. What comes on rows alone, and is answered by nothing, leaves rows behind "
    "that the migration says it changed: an error; answered by a message alone: a warning. A handler that names its "
    "condition, sets or returns a value, writes a row or raises is no finding.",
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
    title="A migration fits into its transaction",
    why="Some statements cannot run in a transaction block, and a file that commits or rolls back leaves the "
    "transaction that makes change and record one.",
)

DRY_RUN_NOT_ROLLED_BACK = RuleInfo(
    id="dry-run-not-rolled-back",
    hazard=Hazard.TRANSACTION,
    decided_by=DecidedBy.SERVER,
    title="What is rolled back leaves nothing behind",
    why="The new migrations were run and rolled back, and the schema's fingerprint was not what it had been.",
)

SMOKE_FAILED = RuleInfo(
    id="smoke-failed",
    hazard=Hazard.SMOKE,
    decided_by=DecidedBy.SERVER,
    title="What must work after the change works",
    why="An assertion of `[smoke] sql` was false or failed, or the command of `[smoke] command` did not end well.",
    severities=(
        Severity.ERROR,
        Severity.WARNING,
    ),
)

VERIFY_SCRIPT_SKIPPED = RuleInfo(
    id="verify-script-skipped",
    hazard=Hazard.UNANALYSABLE,
    decided_by=DecidedBy.SERVER,
    title="The tool's own verification was run",
    why="Sqitch's `verify` scripts of the new changes are run as smoke tests. One with commands of psql, or with "
    "variables that have no value, only psql could run: said as a warning, for it was not run.",
    severities=(Severity.WARNING,),
)

PROGRAM_READS_ROWS = RuleInfo(
    id="program-reads-rows",
    hazard=Hazard.UNANALYSABLE,
    decided_by=DecidedBy.SERVER,
    title="What a program does depends on no row",
    why="A migration that is a program can read rows and send what it likes for each. The tool ran it where the tables of the "
    "base were empty, so nothing was sent for any: a note names the tables, for a person has to read that part.",
    severities=(Severity.NOTE,),
)

UNDERSTATED_RISK = RuleInfo(
    id="understated-risk",
    hazard=Hazard.UNDERSTATED_RISK,
    decided_by=DecidedBy.SERVER,
    title="The header claims no less than the evidence shows",
    why="Reviewers and release engineers decide by `risk` and `rollout`. What the server did says more than what "
    "was declared.",
    base=_WIDGETS,
    bad="alter table widgets drop column name;\n-- down:\nalter table widgets add column name text;",
    good=_GOOD,
)

OVERSTATED_RISK = RuleInfo(
    id="overstated-risk",
    hazard=Hazard.UNDERSTATED_RISK,
    decided_by=DecidedBy.SERVER,
    title="The header claims no more than the evidence shows",
    why="Said as a note: a change that is called dangerous and is not teaches people to ignore the word.",
    severities=(Severity.NOTE,),
)

ROLLBACK_FAILED = RuleInfo(
    id="rollback-failed",
    hazard=Hazard.ROLLBACK_UNPROVEN,
    decided_by=DecidedBy.SERVER,
    title="The way back runs without an error",
    why=_WAY_BACK,
    base=_WIDGETS,
    bad="alter table widgets add column title text;\n-- down:\nalter table widgets drop column titel;",
    good=_GOOD,
)

ROLLBACK_NOT_RUN = RuleInfo(
    id="rollback-not-run",
    hazard=Hazard.ROLLBACK_UNPROVEN,
    decided_by=DecidedBy.SERVER,
    title="Every way back was run",
    why="Said as a warning: so many of a tool's ways back failed that those below them were not run; nothing is "
    "claimed of these.",
    severities=(Severity.WARNING,),
)

ROLLBACK_SCHEMA_DIFFERS = RuleInfo(
    id="rollback-schema-differs",
    hazard=Hazard.ROLLBACK_UNPROVEN,
    decided_by=DecidedBy.SERVER,
    title="The way back restores the schema",
    why=_WAY_BACK
    + " What a later way back left behind is not held against it. An extension or a schema that was made `if not "
    "exists` may stay: dropping it can take it from others.",
    base=_WIDGETS,
    bad="alter table widgets add column title text;\ncreate index on widgets (name, title);\ncreate table titles (id bigint);\n"
    "-- down:\nalter table widgets drop column title;",
    good=_GOOD,
)

ROLLBACK_DATA_LOST = RuleInfo(
    id="rollback-data-lost",
    hazard=Hazard.ROLLBACK_UNPROVEN,
    decided_by=DecidedBy.SERVER,
    title="The way back keeps the rows that existed before",
    why=_WAY_BACK + " Rows written since are the price of rolling back, and are listed as such; rows that were "
    "there before must be what they were.",
    base=_WIDGETS,
    bad="alter table widgets add column title text;\n-- down:\nalter table widgets drop column title;\ndelete from widgets;",
    good=_GOOD,
)

ROLLBACK_DATA_NOT_COMPARED = RuleInfo(
    id="rollback-data-not-compared",
    hazard=Hazard.ROLLBACK_UNPROVEN,
    decided_by=DecidedBy.SERVER,
    title="All rows could be compared",
    why="Rows that could not be read could not be compared, so nothing is claimed of them.",
    severities=(Severity.WARNING,),
)

ROLLBACK_COLUMN_ORDER = RuleInfo(
    id="rollback-column-order",
    hazard=Hazard.ROLLBACK_UNPROVEN,
    decided_by=DecidedBy.SERVER,
    title="Columns come back where they stood",
    why="Said as a note: a column that was dropped and added again stands last. The schema is the same for who "
    "names columns; `insert into t values (…)`, `select *` by position and `copy` without a list see another.",
    severities=(Severity.NOTE,),
    base="create table widgets (id bigint, name text, n integer);",
    bad="alter table widgets drop column name;\n-- down:\nalter table widgets add column name text;",
    good=_GOOD,
)

ROLLBACK_FAILS_ON_NEW_ROWS = RuleInfo(
    id="rollback-fails-on-new-rows",
    hazard=Hazard.ROLLBACK_UNPROVEN,
    decided_by=DecidedBy.SERVER,
    title="The way back minds rows that only the new schema lets in",
    why="Said as a note: a way back that is proven on the rows of before is run once more on a row that the change "
    "lets in, such as a null where there was a NOT NULL, a double of what was unique, or a longer text. In "
    "production such rows may be there minutes after the deployment, and then it fails.",
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
    title="After the way back the migration applies again, with the same schema",
    why="Rolled back is only what can be rolled forward again: otherwise the second attempt in production meets "
    "what the first one left.",
)

BATCH_RUN_DIFFERS = RuleInfo(
    id="batch-run-differs",
    hazard=Hazard.NOT_REPEATABLE,
    decided_by=DecidedBy.SERVER,
    title="One run of the tool leads where single steps lead",
    why="Production runs all pending migrations in one go; here they were run one by one and all at once, and the "
    "two schemas are not equal.",
)

ERROR_SUPPRESSED = RuleInfo(
    id="error-suppressed",
    hazard=Hazard.MIGRATION_ERROR,
    decided_by=DecidedBy.SERVER,
    title="A tool tells of what the server refused",
    why="Said as a warning: the server refused a statement, and the tool went on and ended well. What the program "
    "caught here it may not catch in production.",
    severities=(Severity.WARNING,),
)

PENDING_AFTER_RUN = RuleInfo(
    id="pending-after-run",
    hazard=Hazard.ORDER,
    decided_by=DecidedBy.SERVER,
    title="After all has run the tool calls nothing pending",
    why="The tool's own status, asked after its own run, names something that did not run or is wrong: it would "
    "be so in production too.",
)

SINGLE_TRANSACTION_RUN = RuleInfo(
    id="single-transaction-run",
    hazard=Hazard.LOCK_ORDER,
    decided_by=DecidedBy.SERVER,
    title="A tool that runs all pending migrations in one transaction",
    why="Said as a note: locks that the first migration takes are held until the last has committed.",
    severities=(Severity.NOTE,),
)

POLICY_CHANGED = RuleInfo(
    id="policy-changed",
    hazard=Hazard.HEADER,
    decided_by=DecidedBy.SERVER,
    title="A change of the policy is seen, and takes effect after merge",
    why="Said as a note: a pull request is judged by the policy of its base, so that it cannot loosen what judges it.",
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
