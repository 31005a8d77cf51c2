"""Locks that others wait for, and the work that runs under them."""

from __future__ import annotations

from kfm_ci.model import Hazard, Severity
from kfm_ci.rule_info import DecidedBy, RuleInfo

_WIDGETS = "create table widgets (id bigint primary key, name text, price integer);"

LOCK_BLOCKS_READS = RuleInfo(
    id="lock-blocks-reads",
    hazard=Hazard.BLOCKS_READS,
    decided_by=DecidedBy.SERVER,
    title="Nobody waits to read a table while work that grows with it is done",
    why="A statement took AccessExclusiveLock on a table that existed before, and reads, writes or rebuilds rows "
    "while it holds it: every query on that table queues up behind it, and behind the first of them all others.",
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
    title="Nobody waits to write a table while work that grows with it is done",
    why="A statement took a lock that conflicts with INSERT, UPDATE and DELETE, and works through the table while "
    "it holds it. Reads go on; every write queues up.",
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
    title="An index is rebuilt without stopping writes",
    why="REINDEX without CONCURRENTLY blocks writes to the table, and reads that would use the index, until it is "
    "done.",
    base=_WIDGETS,
    bad="reindex table widgets;\n-- down:\nselect 1;",
    good="reindex table concurrently widgets;\n-- down:\nselect 1;",
)

LOCK_HELD_DURING_WORK = RuleInfo(
    id="lock-held-during-work",
    hazard=Hazard.BLOCKS_READS,
    decided_by=DecidedBy.SERVER,
    title="Work does not run under a lock that an earlier statement took",
    why="Locks are held until COMMIT. A quick ALTER TABLE followed by slow work in the same transaction blocks the "
    "table for all of that work.",
    base=_WIDGETS + "\ncreate table orders (id bigint primary key, total integer);",
    bad="alter table widgets add column colour text;\ncreate index orders_total on orders (total);\n"
    "-- down:\ndrop index orders_total;\nalter table widgets drop column colour;",
    good="alter table widgets add column colour text;\n-- down:\nalter table widgets drop column colour;",
)

REWRITE_UNDER_LOCK = RuleInfo(
    id="rewrite-under-lock",
    hazard=Hazard.TABLE_REWRITE,
    decided_by=DecidedBy.SERVER,
    title="A table is not written anew while others wait for it",
    why="PostgreSQL copied every row into new storage and rebuilt every index, under AccessExclusiveLock. It needs "
    "as much free disk as the table, and replicas receive it all.",
    base=_WIDGETS,
    bad="alter table widgets alter column price type bigint;\n"
    "-- down:\nalter table widgets alter column price type integer;",
    good="alter table widgets add column price_large bigint;\n-- down:\nalter table widgets drop column price_large;",
)

SCAN_UNDER_LOCK = RuleInfo(
    id="scan-under-lock",
    hazard=Hazard.FULL_SCAN,
    decided_by=DecidedBy.SERVER,
    title="A table is not read from end to end while others wait for it",
    why="PostgreSQL had to look at every row to prove that the statement holds, while a lock blocked others. "
    "NOT VALID and a later VALIDATE read the same rows under a lock that blocks nobody.",
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
    title="Rows are not changed in the transaction that locks their table",
    why="The transaction holds AccessExclusiveLock on the table whose rows it changes: readers and writers wait "
    "for every row, and a change of many rows in one transaction bloats the table besides.",
    base=_WIDGETS + "\ninsert into widgets values (1, 'a', 1);",
    bad="alter table widgets add column colour text;\nupdate widgets set colour = 'red' where colour is null;\n"
    "-- down:\nalter table widgets drop column colour;",
    good="alter table widgets add column colour text;\n-- down:\nalter table widgets drop column colour;",
)

BRIEF_LOCK = RuleInfo(
    id="brief-lock",
    hazard=Hazard.BLOCKS_READS,
    decided_by=DecidedBy.SERVER,
    title="A lock that is held for catalog changes only",
    why="Said as a note: the statement blocks others, but does nothing that grows with the table. It still has to "
    "wait for queries that run, and everyone waits behind it: keep `lock_timeout` short.",
    severities=(Severity.NOTE,),
    base=_WIDGETS,
    bad="alter table widgets add column colour text;\n-- down:\nalter table widgets drop column colour;",
    good="create table colours (id bigint primary key);\n-- down:\ndrop table colours;",
)

LOCK_TIMEOUT_MISSING = RuleInfo(
    id="lock-timeout-missing",
    hazard=Hazard.TIMEOUT,
    decided_by=DecidedBy.SERVER,
    title="Whoever waits for a blocking lock gives up soon",
    why="While a statement queues for its lock behind one long query, every later query on the table queues behind "
    "it. With `lock_timeout` it gives up, and is run again later. Our own runner sets one; a migration that "
    "switches it off, or another tool without one, is told.",
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
    title="One transaction blocks one table",
    why="A transaction that collects blocking locks on several tables deadlocks with any other that takes them in "
    "another order, and holds the first while it waits for the last.",
    base=_WIDGETS + "\ncreate table orders (id bigint primary key, total integer);",
    bad="alter table widgets add column colour text;\nalter table orders add column note text;\n"
    "-- down:\nalter table orders drop column note;\nalter table widgets drop column colour;",
    good="alter table widgets add column colour text;\n-- down:\nalter table widgets drop column colour;",
)

LOCKS: tuple[RuleInfo, ...] = (
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
