"""Rules on blocking locks and the work that runs under them."""

from __future__ import annotations

from kfm_ci.model import Hazard, Severity
from kfm_ci.rule_info import DecidedBy, RuleInfo

_WIDGETS = "create table widgets (id bigint primary key, name text, price integer);"

LOCK_BLOCKS_READS = RuleInfo(
    id="lock-blocks-reads",
    hazard=Hazard.BLOCKS_READS,
    decided_by=DecidedBy.SERVER,
    title="Blocks reads while scanning or rewriting a table",
    why=(
        "The statement holds AccessExclusiveLock on an existing table while it scans or rewrites it "
        "or changes rows. Every query on the table waits. Split the change as the help shows, or "
        "declare a maintenance window."
    ),
    base=_WIDGETS,
    bad="alter table widgets alter column name set not null;\n"
    "-- down:\nalter table widgets alter column name drop not null;",
    good="alter table widgets add constraint widgets_name_set check (name is not null) not valid;\n"
    "-- down:\nalter table widgets drop constraint widgets_name_set;",
)

LOCK_BLOCKS_WRITES = RuleInfo(
    id="lock-blocks-writes",
    hazard=Hazard.BLOCKS_WRITES,
    decided_by=DecidedBy.SERVER,
    title="Blocks writes while working on a table",
    why=(
        "The statement holds a lock that conflicts with INSERT, UPDATE and DELETE while it works "
        "through the table. Reads continue; every write waits. Use the form that the help shows, or "
        "declare a maintenance window."
    ),
    base=_WIDGETS + "\ncreate table parts (id bigint primary key, widget_id bigint);\n"
    "create index on parts (widget_id);",
    bad="alter table parts add constraint parts_widget_fk foreign key (widget_id) references widgets (id);\n"
    "-- down:\nalter table parts drop constraint parts_widget_fk;",
    good="alter table parts add constraint parts_widget_fk foreign key (widget_id) references widgets (id) not valid;\n"
    "-- down:\nalter table parts drop constraint parts_widget_fk;",
)

REINDEX_NOT_CONCURRENT = RuleInfo(
    id="reindex-not-concurrent",
    hazard=Hazard.BLOCKS_WRITES,
    decided_by=DecidedBy.SERVER,
    title="Blocks writes while an index is rebuilt",
    why=(
        "REINDEX without CONCURRENTLY blocks writes to the table, and reads that would use the index."
        " Every writer waits until it is complete. Use `reindex … concurrently`."
    ),
    base=_WIDGETS,
    bad="reindex table widgets;\n-- down:\nselect 1;",
    good="reindex table concurrently widgets;\n-- down:\nselect 1;",
)

LOCK_HELD_DURING_WORK = RuleInfo(
    id="lock-held-during-work",
    hazard=Hazard.BLOCKS_READS,
    decided_by=DecidedBy.SERVER,
    title="Holds a lock while a later statement works",
    why=(
        "PostgreSQL releases locks at COMMIT. A quick ALTER TABLE followed by long work in the same "
        "transaction blocks the table for all of that time. Move the work to its own migration."
    ),
    base=_WIDGETS + "\ncreate table orders (id bigint primary key, total integer);",
    bad="alter table widgets add column colour text;\ncreate index orders_total on orders (total);\n"
    "-- down:\ndrop index orders_total;\nalter table widgets drop column colour;",
    good="alter table widgets add column colour text;\n-- down:\nalter table widgets drop column colour;",
)

REWRITE_UNDER_LOCK = RuleInfo(
    id="rewrite-under-lock",
    hazard=Hazard.TABLE_REWRITE,
    decided_by=DecidedBy.SERVER,
    title="Rewrites a table under an exclusive lock",
    why=(
        "PostgreSQL copied every row to new storage and rebuilt every index under "
        "AccessExclusiveLock. It needs as much free disk space as the table, and replicas receive all"
        " of it. Use the form that the help shows."
    ),
    base=_WIDGETS,
    bad="alter table widgets alter column price type bigint;\n"
    "-- down:\nalter table widgets alter column price type integer;",
    good="alter table widgets add column price_large bigint;\n-- down:\nalter table widgets drop column price_large;",
)

SCAN_UNDER_LOCK = RuleInfo(
    id="scan-under-lock",
    hazard=Hazard.FULL_SCAN,
    decided_by=DecidedBy.SERVER,
    title="Scans a table under a blocking lock",
    why=(
        "PostgreSQL read every row to check the statement while a lock blocked other sessions. `NOT "
        "VALID` with a later `VALIDATE CONSTRAINT` scans the same rows without blocking. Split the "
        "statement."
    ),
    base=_WIDGETS,
    bad="alter table widgets add constraint widgets_price check (price > 0);\n"
    "-- down:\nalter table widgets drop constraint widgets_price;",
    good="alter table widgets add constraint widgets_price check (price > 0) not valid;\n"
    "-- down:\nalter table widgets drop constraint widgets_price;",
)

BACKFILL_UNDER_LOCK = RuleInfo(
    id="backfill-under-lock",
    hazard=Hazard.BACKFILL,
    decided_by=DecidedBy.SERVER,
    title="Changes rows while their table is locked",
    why=(
        "The transaction holds AccessExclusiveLock on the table whose rows it changes, so reads and "
        "writes wait for every row. Many rows in one transaction also bloat the table. Change the "
        "rows in the next migration."
    ),
    base=_WIDGETS + "\ninsert into widgets values (1, 'a', 1);",
    bad="alter table widgets add column colour text;\nupdate widgets set colour = 'red' where colour is null;\n"
    "-- down:\nalter table widgets drop column colour;",
    good="alter table widgets add column colour text;\n-- down:\nalter table widgets drop column colour;",
)

BRIEF_LOCK = RuleInfo(
    id="brief-lock",
    hazard=Hazard.BLOCKS_READS,
    decided_by=DecidedBy.SERVER,
    title="Blocks a table for a catalog change only",
    why=(
        "The statement blocks other sessions, but does no work that grows with the table. It still "
        "waits for running queries, and later queries wait behind it. Keep `lock_timeout` short; this"
        " is a note."
    ),
    severities=(Severity.NOTE,),
    base=_WIDGETS,
    bad="alter table widgets add column colour text;\n-- down:\nalter table widgets drop column colour;",
    good="create table colours (id bigint primary key);\n-- down:\ndrop table colours;",
)

LOCK_TIMEOUT_MISSING = RuleInfo(
    id="lock-timeout-missing",
    hazard=Hazard.TIMEOUT,
    decided_by=DecidedBy.SERVER,
    title="`lock_timeout` is not set",
    why=(
        "While a statement waits for its lock behind a long query, every later query on the table "
        "waits behind it. With `lock_timeout` it fails early and can be retried. The native runner "
        "sets one; set it for other tools."
    ),
    base=_WIDGETS,
    bad="set local lock_timeout = 0;\nalter table widgets add column colour text;\n"
    "-- down:\nalter table widgets drop column colour;",
    good="set local lock_timeout = '2s';\nalter table widgets add column colour text;\n"
    "-- down:\nalter table widgets drop column colour;",
)

MULTIPLE_TABLES_LOCKED = RuleInfo(
    id="multiple-tables-locked",
    hazard=Hazard.LOCK_ORDER,
    decided_by=DecidedBy.SERVER,
    title="Locks several tables in one transaction",
    why=(
        "A transaction that locks several tables can deadlock with one that locks them in another "
        "order. It holds the first lock while it waits for the last. Lock one table per migration."
    ),
    base=_WIDGETS + "\ncreate table orders (id bigint primary key, total integer);",
    bad="alter table widgets add column colour text;\nalter table orders add column note text;\n"
    "-- down:\nalter table orders drop column note;\nalter table widgets drop column colour;",
    good="alter table widgets add column colour text;\n-- down:\nalter table widgets drop column colour;",
)

LOCK_RULES: tuple[RuleInfo, ...] = (
    LOCK_BLOCKS_READS,
    LOCK_BLOCKS_WRITES,
    REINDEX_NOT_CONCURRENT,
    LOCK_HELD_DURING_WORK,
    REWRITE_UNDER_LOCK,
    SCAN_UNDER_LOCK,
    BACKFILL_UNDER_LOCK,
    BRIEF_LOCK,
    LOCK_TIMEOUT_MISSING,
    MULTIPLE_TABLES_LOCKED,
)
