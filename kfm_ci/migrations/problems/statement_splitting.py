"""Statements that a tool cuts at the end of a line, or sends as one."""

from __future__ import annotations

from kfm_ci.migrations.problems.base import Read
from kfm_ci.model import Hazard

_BODY = "create function f() returns int language plpgsql as $$\nbegin\n  return 1;\nend $$;\n"
_TWO = "create index concurrently widgets_a on widgets (a);\ncreate index concurrently widgets_b on widgets (b);\n"
_TOGETHER = (
    "A message of several statements is one transaction on the server, whatever the tool was told: what cannot run in one is "
    "refused there. Each statement on lines of its own is a message of its own."
)

MESSAGES = (
    Read(
        id="goose-implicit-transaction", hazard=Hazard.TRANSACTION, title="goose sends alone what cannot run in a transaction", why=_TOGETHER,
        format="goose",
        breaks={"m/1_i.sql": f"-- +goose NO TRANSACTION\n-- +goose Up\n-- +goose StatementBegin\n{_TWO}-- +goose StatementEnd\n"},
        keeps={"m/1_i.sql": f"-- +goose NO TRANSACTION\n-- +goose Up\n{_TWO}-- +goose Down\ndrop index concurrently widgets_a;\n"},
    ),
    Read(
        id="sql-migrate-implicit-transaction", hazard=Hazard.TRANSACTION, title="sql-migrate sends alone what cannot run in a transaction", why=_TOGETHER,
        format="sql-migrate",
        breaks={"m/1_i.sql": f"-- +migrate Up notransaction\n-- +migrate StatementBegin\n{_TWO}-- +migrate StatementEnd\n"},
        keeps={"m/1_i.sql": f"-- +migrate Up notransaction\n{_TWO}-- +migrate Down notransaction\ndrop index concurrently widgets_a;\n"},
    ),
    Read(
        id="sql-migrate-statement-split", hazard=Hazard.MIGRATION_ERROR, title="sql-migrate sends a function's body whole",
        why="sql-migrate ends a statement at each semicolon at the end of a line, also inside a body between dollars, unless "
        "`StatementBegin` and `StatementEnd` stand around it.",
        format="sql-migrate", breaks={"m/1_f.sql": f"-- +migrate Up\n{_BODY}-- +migrate Down\ndrop function f;\n"},
        keeps={"m/1_f.sql": f"-- +migrate Up\n-- +migrate StatementBegin\n{_BODY}-- +migrate StatementEnd\n-- +migrate Down\ndrop function f;\n"},
    ),
    Read(
        id="sql-migrate-statement-unterminated", hazard=Hazard.MIGRATION_ERROR, title="sql-migrate sees where the last statement ends",
        why="sql-migrate looks for a semicolon at the end of a line, and refuses a file whose last statement has none.",
        format="sql-migrate", breaks={"m/1_w.sql": "-- +migrate Up\ncreate table widgets (id bigint)\n"},
        keeps={"m/1_w.sql": "-- +migrate Up\ncreate table widgets (id bigint);\n-- +migrate Down\ndrop table widgets;\n"},
    ),
)  # fmt: skip
