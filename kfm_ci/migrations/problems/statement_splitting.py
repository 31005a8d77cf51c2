"""Reading rules on how a tool splits a file into statements."""

from __future__ import annotations

from kfm_ci.model import Hazard, Severity
from kfm_ci.rule_info import DecidedBy, ReadingExample, RuleInfo

_BODY = "create function f() returns int language plpgsql as $$\nbegin\n  return 1;\nend $$;\n"
_TWO = "create index concurrently widgets_a on widgets (a);\ncreate index concurrently widgets_b on widgets (b);\n"

GOOSE_IMPLICIT_TRANSACTION = RuleInfo(
    id="goose-implicit-transaction",
    hazard=Hazard.TRANSACTION,
    decided_by=DecidedBy.READING,
    title="goose runs a statement in an implicit transaction",
    why=(
        "Several statements in one simple-query message run in one implicit transaction block, "
        "whatever the annotation says. A statement that cannot run in a transaction block fails "
        "there. Give each statement its own lines, outside `StatementBegin`."
    ),
    severities=(Severity.ERROR,),
    reading_example=ReadingExample(
        format="goose",
        breaks={
            "m/1_i.sql": "-- +goose NO TRANSACTION\n-- +goose Up\n-- +goose StatementBegin\n"
            f"{_TWO}-- +goose StatementEnd\n"
        },
        keeps={
            "m/1_i.sql": f"-- +goose NO TRANSACTION\n-- +goose Up\n{_TWO}-- +goose Down\n"
            "drop index concurrently widgets_a;\n"
        },
    ),
)

SQL_MIGRATE_IMPLICIT_TRANSACTION = RuleInfo(
    id="sql-migrate-implicit-transaction",
    hazard=Hazard.TRANSACTION,
    decided_by=DecidedBy.READING,
    title="sql-migrate runs an implicit transaction",
    why=(
        "Several statements in one simple-query message run in one implicit transaction block, also "
        "with `notransaction`. A statement that cannot run in a transaction block fails there. Give "
        "each statement its own lines, outside `StatementBegin`."
    ),
    severities=(Severity.ERROR,),
    reading_example=ReadingExample(
        format="sql-migrate",
        breaks={
            "m/1_i.sql": f"-- +migrate Up notransaction\n-- +migrate StatementBegin\n{_TWO}-- +migrate StatementEnd\n"
        },
        keeps={
            "m/1_i.sql": f"-- +migrate Up notransaction\n{_TWO}-- +migrate Down notransaction\n"
            "drop index concurrently widgets_a;\n"
        },
    ),
)

SQL_MIGRATE_STATEMENT_SPLIT = RuleInfo(
    id="sql-migrate-statement-split",
    hazard=Hazard.MIGRATION_ERROR,
    decided_by=DecidedBy.READING,
    title="sql-migrate splits a statement",
    why=(
        "sql-migrate ends a statement at each semicolon at the end of a line, also inside a "
        "dollar-quoted body. The server then gets an incomplete statement. Write `StatementBegin` and"
        " `StatementEnd` around it."
    ),
    severities=(Severity.ERROR,),
    reading_example=ReadingExample(
        format="sql-migrate",
        breaks={"m/1_f.sql": f"-- +migrate Up\n{_BODY}-- +migrate Down\ndrop function f;\n"},
        keeps={
            "m/1_f.sql": f"-- +migrate Up\n-- +migrate StatementBegin\n{_BODY}-- +migrate StatementEnd\n"
            "-- +migrate Down\ndrop function f;\n"
        },
    ),
)

SQL_MIGRATE_STATEMENT_UNTERMINATED = RuleInfo(
    id="sql-migrate-statement-unterminated",
    hazard=Hazard.MIGRATION_ERROR,
    decided_by=DecidedBy.READING,
    title="sql-migrate statement without a final semicolon",
    why=(
        "sql-migrate expects a semicolon at the end of a line and rejects a file whose last statement"
        " has none. End the statement with a semicolon."
    ),
    severities=(Severity.ERROR,),
    reading_example=ReadingExample(
        format="sql-migrate",
        breaks={"m/1_w.sql": "-- +migrate Up\ncreate table widgets (id bigint)\n"},
        keeps={
            "m/1_w.sql": "-- +migrate Up\ncreate table widgets (id bigint);\n-- +migrate Down\ndrop table widgets;\n"
        },
    ),
)

SPLITTING_RULES: tuple[RuleInfo, ...] = (
    GOOSE_IMPLICIT_TRANSACTION,
    SQL_MIGRATE_IMPLICIT_TRANSACTION,
    SQL_MIGRATE_STATEMENT_SPLIT,
    SQL_MIGRATE_STATEMENT_UNTERMINATED,
)
