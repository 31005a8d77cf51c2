"""Rules on objects whose name belongs to another object after a migration, and on objects with another shape."""

from __future__ import annotations

from kfm_ci.model import Hazard
from kfm_ci.rule_info import DecidedBy, RuleInfo

_WIDGETS = "create table widgets (id bigint primary key, name text, price integer);"
_KEEP = "alter table widgets add column title text;\n-- down:\nalter table widgets drop column title;"
_VIEW = _WIDGETS + "\ncreate view names as select id, name from widgets;"
_SERIAL = "create table widgets (id bigserial primary key, name text);"

TABLE_REPLACED = RuleInfo(
    id="table-replaced",
    hazard=Hazard.DATA_LOSS,
    decided_by=DecidedBy.SERVER,
    title="Another table takes the name, without the rows",
    why=(
        "PostgreSQL creates another table, without the rows, if the name of a dropped or renamed table is used again. "
        "Clients read and write the new one from the moment of the commit. Copy the rows into the new table before "
        "you drop or rename the old one."
    ),
    base=_WIDGETS,
    bad="drop table widgets;\ncreate table widgets (id bigint primary key, name text, price integer);\n"
    "-- down:\nselect 1;",
    good="create table gadgets (id bigint primary key, name text, price integer);\n-- down:\ndrop table gadgets;",
)

COLUMN_REPLACED = RuleInfo(
    id="column-replaced",
    hazard=Hazard.DATA_LOSS,
    decided_by=DecidedBy.SERVER,
    title="Another column takes the name, without the values",
    why=(
        "PostgreSQL adds another column, without the values, if the name of a dropped or renamed column is used again. "
        "Clients read and write the new one from the moment of the commit. Fill the new column from the old one before "
        "you drop or rename that."
    ),
    base=_WIDGETS,
    bad="alter table widgets drop column price;\nalter table widgets add column price integer;\n-- down:\nselect 1;",
    good=_KEEP,
)

TABLE_UNLOGGED = RuleInfo(
    id="table-unlogged",
    hazard=Hazard.DATA_LOSS,
    decided_by=DecidedBy.SERVER,
    title="Makes a table unlogged",
    why=(
        "PostgreSQL writes no WAL for an unlogged table, and empties it after a crash. Replicas have no rows of it, so "
        "every row is lost at the next crash or failover. Keep tables with data logged."
    ),
    base=_WIDGETS,
    bad="alter table widgets set unlogged;\n-- down:\nalter table widgets set logged;",
    good=_KEEP,
)

PARTITION_DETACHED = RuleInfo(
    id="partition-detached",
    hazard=Hazard.BREAKS_CLIENTS,
    decided_by=DecidedBy.SERVER,
    title="Detaches a partition with its rows",
    why=(
        "Queries on the parent table no longer see the rows of a detached partition or child table. The running "
        "release misses them from the moment of the commit. Move the rows to another partition first, or acknowledge "
        "that they are no longer used."
    ),
    base=(
        "create table sales (id bigint, day date) partition by range (day);\n"
        "create table sales_2020 partition of sales for values from ('2020-01-01') to ('2021-01-01');"
    ),
    bad="alter table sales detach partition sales_2020;\n-- down:\n"
    "alter table sales attach partition sales_2020 for values from ('2020-01-01') to ('2021-01-01');",
    good="create table sales_2021 partition of sales for values from ('2021-01-01') to ('2022-01-01');\n"
    "-- down:\ndrop table sales_2021;",
)

OBJECT_SHAPE_CHANGED = RuleInfo(
    id="object-shape-changed",
    hazard=Hazard.BREAKS_CLIENTS,
    decided_by=DecidedBy.SERVER,
    title="Changes what clients of a view, function or type use",
    why=(
        "The migration changes the columns, types, order, arguments or labels of a view, function or type. Queries and "
        "calls of the running release fail from the moment of the commit. "
        "Create the new shape under a new name and switch the application over."
    ),
    base=_VIEW,
    bad="drop view names;\ncreate view names as select id from widgets;\n-- down:\n"
    "drop view names;\ncreate view names as select id, name from widgets;",
    good="create or replace view names as select id, name, price from widgets;\n-- down:\n"
    "drop view names;\ncreate view names as select id, name from widgets;",
)

DEPENDENTS_LOST = RuleInfo(
    id="dependents-lost",
    hazard=Hazard.BREAKS_CLIENTS,
    decided_by=DecidedBy.SERVER,
    title="Recreates an object without its privileges or triggers",
    why=(
        "PostgreSQL drops privileges, triggers, policies, rules and foreign keys together with the object that they "
        "belong to. An object that is created again under the same name has none of them. Create and grant them again "
        "in the same migration."
    ),
    base=_VIEW + "\ngrant select on names to pg_monitor;",
    bad="drop view names;\ncreate view names as select id, name from widgets;\n-- down:\nselect 1;",
    good="create or replace view names as select id, name, price from widgets;\n-- down:\n"
    "drop view names;\ncreate view names as select id, name from widgets;\ngrant select on names to pg_monitor;",
)

DEFAULT_DROPPED = RuleInfo(
    id="default-dropped",
    hazard=Hazard.BREAKS_CLIENTS,
    decided_by=DecidedBy.SERVER,
    title="A column no longer fills itself, or always does",
    why=(
        "An INSERT fails if it omits a NOT NULL column without a default, or sets a generated column. The running "
        "release may send both from the moment of the commit. Release an application that fits the new column first."
    ),
    base="create table widgets (id bigint primary key, name text not null default '');",
    bad="alter table widgets alter column name drop default;\n-- down:\n"
    "alter table widgets alter column name set default '';",
    good="alter table widgets alter column name set default 'new';\n-- down:\n"
    "alter table widgets alter column name set default '';",
)

SEQUENCE_SET_BACK = RuleInfo(
    id="sequence-set-back",
    hazard=Hazard.BREAKS_CLIENTS,
    decided_by=DecidedBy.SERVER,
    title="Sets a sequence back to values in use",
    why=(
        "A sequence that is set back or created again returns values that existing rows have. The next INSERT fails "
        "with a unique violation, or two rows share a value. Set the sequence behind the last row."
    ),
    base=_SERIAL,
    bad="alter sequence widgets_id_seq restart;\n-- down:\nselect 1;",
    good="select setval('widgets_id_seq', 2000000);\n-- down:\nselect 1;",
)

SEQUENCE_CHANGED = RuleInfo(
    id="sequence-changed",
    hazard=Hazard.BREAKS_CLIENTS,
    decided_by=DecidedBy.SERVER,
    title="Changes how a sequence counts",
    why=(
        "A sequence with a lower maximum, with CYCLE or with other steps runs out early or returns values twice. "
        "Inserts of the running release fail then. Keep the properties of a sequence in use, or only widen them."
    ),
    base=_SERIAL,
    bad="alter sequence widgets_id_seq cycle;\n-- down:\nalter sequence widgets_id_seq no cycle;",
    good="alter sequence widgets_id_seq cache 20;\n-- down:\nalter sequence widgets_id_seq cache 1;",
)

REPLACEMENT_RULES: tuple[RuleInfo, ...] = (
    TABLE_REPLACED,
    COLUMN_REPLACED,
    TABLE_UNLOGGED,
    PARTITION_DETACHED,
    OBJECT_SHAPE_CHANGED,
    DEPENDENTS_LOST,
    DEFAULT_DROPPED,
    SEQUENCE_SET_BACK,
    SEQUENCE_CHANGED,
)
