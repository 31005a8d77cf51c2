"""Statements that a tool cuts at the end of a line, or sends as one."""

from __future__ import annotations

from kfm_ci.model import Hazard, Severity
from kfm_ci.rule_info import DecidedBy, ReadingExample, RuleInfo

_BODY = "create function f() returns int language plpgsql as $$\nbegin\n  return 1;\nend $$;\n"
_TWO = "create index concurrently widgets_a on widgets (a);\ncreate index concurrently widgets_b on widgets (b);\n"
_TOGETHER = (
    "A message of several statements is one transaction on the server, whatever the tool was told: what cannot run in one is "
    "refused there. Each statement on lines of its own is a message of its own."
)

GOOSE_IMPLICIT_TRANSACTION = RuleInfo(
    id="goose-implicit-transaction",
    hazard=Hazard.TRANSACTION,
    decided_by=DecidedBy.READING,
    title="goose sends alone what cannot run in a transaction",
    why=_TOGETHER,
    severities=(Severity.ERROR,),
    reading_example=ReadingExample(
        format="goose",
        breaks={
            "m/1_i.sql": f"-- +goose NO TRANSACTION\n-- +goose Up\n-- +goose StatementBegin\n{_TWO}-- +goose StatementEnd\n"
        },
        keeps={
            "m/1_i.sql": f"-- +goose NO TRANSACTION\n-- +goose Up\n{_TWO}-- +goose Down\ndrop index concurrently widgets_a;\n"
        },
    ),
)

SQL_MIGRATE_IMPLICIT_TRANSACTION = RuleInfo(
    id="sql-migrate-implicit-transaction",
    hazard=Hazard.TRANSACTION,
    decided_by=DecidedBy.READING,
    title="sql-migrate sends alone what cannot run in a transaction",
    why=_TOGETHER,
    severities=(Severity.ERROR,),
    reading_example=ReadingExample(
        format="sql-migrate",
        breaks={
            "m/1_i.sql": f"-- +migrate Up notransaction\n-- +migrate StatementBegin\n{_TWO}-- +migrate StatementEnd\n"
        },
        keeps={
            "m/1_i.sql": f"-- +migrate Up notransaction\n{_TWO}-- +migrate Down notransaction\ndrop index concurrently widgets_a;\n"
        },
    ),
)

SQL_MIGRATE_STATEMENT_SPLIT = RuleInfo(
    id="sql-migrate-statement-split",
    hazard=Hazard.MIGRATION_ERROR,
    decided_by=DecidedBy.READING,
    title="sql-migrate sends a function's body whole",
    why="sql-migrate ends a statement at each semicolon at the end of a line, also inside a body between dollars, unless "
    "`StatementBegin` and `StatementEnd` stand around it.",
    severities=(Severity.ERROR,),
    reading_example=ReadingExample(
        format="sql-migrate",
        breaks={"m/1_f.sql": f"-- +migrate Up\n{_BODY}-- +migrate Down\ndrop function f;\n"},
        keeps={
            "m/1_f.sql": f"-- +migrate Up\n-- +migrate StatementBegin\n{_BODY}-- +migrate StatementEnd\n-- +migrate Down\ndrop function f;\n"
        },
    ),
)

SQL_MIGRATE_STATEMENT_UNTERMINATED = RuleInfo(
    id="sql-migrate-statement-unterminated",
    hazard=Hazard.MIGRATION_ERROR,
    decided_by=DecidedBy.READING,
    title="sql-migrate sees where the last statement ends",
    why="sql-migrate looks for a semicolon at the end of a line, and refuses a file whose last statement has none.",
    severities=(Severity.ERROR,),
    reading_example=ReadingExample(
        format="sql-migrate",
        breaks={"m/1_w.sql": "-- +migrate Up\ncreate table widgets (id bigint)\n"},
        keeps={
            "m/1_w.sql": "-- +migrate Up\ncreate table widgets (id bigint);\n-- +migrate Down\ndrop table widgets;\n"
        },
    ),
)

MESSAGES: tuple[RuleInfo, ...] = (
    GOOSE_IMPLICIT_TRANSACTION,
    SQL_MIGRATE_IMPLICIT_TRANSACTION,
    SQL_MIGRATE_STATEMENT_SPLIT,
    SQL_MIGRATE_STATEMENT_UNTERMINATED,
)
