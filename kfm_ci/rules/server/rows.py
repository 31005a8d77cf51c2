"""Rules on the rows of existing tables, which are compared around each migration."""

from __future__ import annotations

from kfm_ci.model import Hazard, Severity
from kfm_ci.rule_info import DecidedBy, RuleInfo

_WIDGETS = (
    "create table widgets (id bigint primary key, name text, price integer);\n"
    "insert into widgets values (1, 'a', 1), (2, 'b', 2), (3, null, 3);"
)
_GOOD = "alter table widgets add column title text;\n-- down:\nalter table widgets drop column title;"

ROWS_DELETED = RuleInfo(
    id="rows-deleted",
    hazard=Hazard.DATA_LOSS,
    decided_by=DecidedBy.SERVER,
    title="Deletes rows of an existing table",
    why=(
        "kfm-ci compares the rows of existing tables around each migration, whatever deletes them: triggers, "
        "functions, CASCADE, detached partitions. No down migration restores rows that only production has. Keep "
        "them, or acknowledge `data-loss` with the reason."
    ),
    base=_WIDGETS,
    bad="delete from widgets where id = 2;\n-- down:\ninsert into widgets values (2, 'b', 2);",
    good=_GOOD,
)

VALUES_OVERWRITTEN = RuleInfo(
    id="values-overwritten",
    hazard=Hazard.DATA_LOSS,
    decided_by=DecidedBy.SERVER,
    title="Overwrites values of existing rows",
    why=(
        "kfm-ci compares the values of every existing row before and after each migration. The old values are lost "
        "unless the rollback restores each of them. Write the new values to a new column, or restore the old ones in "
        "the down migration."
    ),
    base=_WIDGETS,
    bad="update widgets set price = 0 where id = 2;\n-- down:\nselect 1;",
    good="update widgets set price = 5 where id = 2;\n-- down:\nupdate widgets set price = 2 where id = 2;",
)

ROWS_BACKFILLED = RuleInfo(
    id="rows-backfilled",
    hazard=Hazard.BACKFILL,
    decided_by=DecidedBy.SERVER,
    title="Changes existing rows without losing a value",
    why=(
        "The migration writes values where existing rows had NULL, or its rollback restores the old values. One "
        "transaction holds the locks of all rows that it changes. Change large tables in batches; for small ones this "
        "is a note."
    ),
    severities=(Severity.ERROR, Severity.WARNING, Severity.NOTE),
    base=_WIDGETS,
    bad="update widgets set name = 'c' where id = 3;\n-- down:\nupdate widgets set name = null where id = 3;",
    good=_GOOD,
)

ROWS_NOT_PROVEN = RuleInfo(
    id="rows-not-proven",
    hazard=Hazard.ROLLBACK_UNPROVEN,
    decided_by=DecidedBy.SERVER,
    title="Touches a table that has no rows to lose here",
    why=(
        "The table has no rows on the throwaway server, so migration and rollback had nothing to lose there. "
        "kfm-ci inserts synthetic rows unless a check rejects all of them or `seed-rows` is 0. Add a few rows in a "
        "migration of the base, or acknowledge `data-loss`."
    ),
    severities=(Severity.ERROR, Severity.WARNING),
    base="create function is_code(text) returns boolean immutable language sql "
    "as $$ select md5($1) = 'a9b7ba70783b617e9998dc4dd82eb3c5' $$;\n"
    "create table widgets (id bigint primary key, name text not null check (is_code(name)), price integer);",
    bad="alter table widgets add column title text;\n-- down:\nalter table widgets drop column title;",
    good="create table parts (id bigint primary key);\n-- down:\ndrop table parts;",
)

ROW_RULES: tuple[RuleInfo, ...] = (ROWS_DELETED, VALUES_OVERWRITTEN, ROWS_BACKFILLED, ROWS_NOT_PROVEN)
