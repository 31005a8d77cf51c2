"""Rules on dropped, renamed and changed objects, invalid indexes and unvalidated constraints."""

from __future__ import annotations

from kfm_ci.model import Hazard, Severity
from kfm_ci.rule_info import DecidedBy, RuleInfo

_WIDGETS = "create table widgets (id bigint primary key, name text, price integer);"
_KEEP = "alter table widgets add column title text;\n-- down:\nalter table widgets drop column title;"
_DROP_NAME = "alter table widgets drop column name;\n-- down:\nalter table widgets add column name text;"
_DROP_TABLE = "drop table widgets;\n-- down:\ncreate table widgets (id bigint primary key, name text, price integer);"

_VIEW = _WIDGETS + "\ncreate view names as select name from widgets;"

TABLE_IN_USE_DROPPED = RuleInfo(
    id="table-in-use-dropped",
    hazard=Hazard.BREAKS_CLIENTS,
    decided_by=DecidedBy.SERVER,
    title="Drops a table that applications may use",
    why=(
        "Queries of the running release fail from the moment of the commit, and a rollback restores "
        "only an empty table. First release an application that no longer uses the table. Then drop "
        "it with `phase: contract`."
    ),
    base=_WIDGETS,
    bad=_DROP_TABLE,
    good=_KEEP,
)

COLUMN_IN_USE_DROPPED = RuleInfo(
    id="column-in-use-dropped",
    hazard=Hazard.BREAKS_CLIENTS,
    decided_by=DecidedBy.SERVER,
    title="Drops a column that applications may use",
    why=(
        "Queries of the running release fail from the moment of the commit, and a rollback restores "
        "only empty values. First release an application that no longer uses the column. Then drop it"
        " with `phase: contract`."
    ),
    base=_WIDGETS,
    bad=_DROP_NAME,
    good=_KEEP,
)

OBJECT_DROPPED = RuleInfo(
    id="object-dropped",
    hazard=Hazard.BREAKS_CLIENTS,
    decided_by=DecidedBy.SERVER,
    title="Drops a view, function or type",
    why=(
        "Queries of the running release that use the object fail from the moment of the commit. First"
        " release an application that no longer uses it. Then drop it with `phase: contract`."
    ),
    base=_VIEW,
    bad="drop view names;\n-- down:\ncreate view names as select name from widgets;",
    good=_KEEP,
)

DROPPED_BY_CASCADE = RuleInfo(
    id="dropped-by-cascade",
    hazard=Hazard.BREAKS_CLIENTS,
    decided_by=DecidedBy.SERVER,
    title="CASCADE drops other objects",
    why=(
        "CASCADE drops every dependent object that exists on that server at that moment. Production "
        "may have more of them than the throwaway server. Drop the objects by name."
    ),
    base=_VIEW,
    bad="alter table widgets drop column name cascade;\n-- down:\nalter table widgets add column name text;\n"
    "create view names as select name from widgets;",
    good=_KEEP,
)

VIEW_RENAMED = RuleInfo(
    id="view-renamed",
    hazard=Hazard.BREAKS_CLIENTS,
    decided_by=DecidedBy.SERVER,
    title="Renames a view that applications may use",
    why=(
        "Applications are never released in the same instant as a migration, so queries with the old "
        "name fail. Add the new name, keep both, and switch the application over. Drop the old one "
        "later."
    ),
    base=_VIEW,
    bad="alter view names rename to titles;\n-- down:\nalter view titles rename to names;",
    good=_KEEP,
)

MATERIALIZED_VIEW_RENAMED = RuleInfo(
    id="materialized-view-renamed",
    hazard=Hazard.BREAKS_CLIENTS,
    decided_by=DecidedBy.SERVER,
    title="Renames a materialized view in use",
    why=(
        "Applications are never released in the same instant as a migration, so queries with the old "
        "name fail. Add the new name, keep both, and switch the application over. Drop the old one "
        "later."
    ),
    base=_WIDGETS + "\ncreate materialized view names as select name from widgets;",
    bad="alter materialized view names rename to titles;\n-- down:\nalter materialized view titles rename to names;",
    good=_KEEP,
)

COLUMN_TYPE_CHANGED = RuleInfo(
    id="column-type-changed",
    hazard=Hazard.BREAKS_CLIENTS,
    decided_by=DecidedBy.SERVER,
    title="Changes the type of a column in use",
    why=(
        "Drivers return another type, prepared statements fail, and existing values may no longer "
        "fit. Add a column of the new type and keep both in sync. Switch the application over, then "
        "drop the old column."
    ),
    base=_WIDGETS,
    bad="alter table widgets alter column price type text;\n"
    "-- down:\nalter table widgets alter column price type integer using price::integer;",
    good=_KEEP,
)

INVALID_INDEX_LEFT = RuleInfo(
    id="invalid-index-left",
    hazard=Hazard.INVALID_INDEX,
    decided_by=DecidedBy.SERVER,
    title="Leaves an invalid index",
    why=(
        "A failed CREATE INDEX CONCURRENTLY leaves an index that every write maintains and no query "
        "uses. IF NOT EXISTS treats it as complete in the next run. Drop it concurrently and build it"
        " again."
    ),
    base=_WIDGETS + "\ninsert into widgets values (1, 'a', 1), (2, 'a', 1);",
    bad="create unique index concurrently widgets_name_key on widgets (name);\n"
    "-- down:\ndrop index if exists widgets_name_key;",
    good="create index concurrently widgets_name_idx on widgets (name);\n"
    "-- down:\ndrop index if exists widgets_name_idx;",
)

CONSTRAINT_NOT_VALIDATED = RuleInfo(
    id="constraint-not-validated",
    hazard=Hazard.FULL_SCAN,
    decided_by=DecidedBy.SERVER,
    title="Constraint stays NOT VALID",
    why=(
        "PostgreSQL checks a NOT VALID constraint for new rows only, and the planner does not use it."
        " Existing rows can violate it. Validate it in a later migration; this is a note."
    ),
    severities=(Severity.NOTE,),
    base=_WIDGETS,
    bad="alter table widgets add constraint widgets_price check (price > 0) not valid;\n"
    "-- down:\nalter table widgets drop constraint widgets_price;",
    good=_KEEP,
)

FOREIGN_KEY_WITHOUT_INDEX = RuleInfo(
    id="foreign-key-without-index",
    hazard=Hazard.FULL_SCAN,
    decided_by=DecidedBy.SERVER,
    title="Foreign key without an index",
    why=(
        "Without an index on the referencing columns, every delete or key change in the referenced table "
        "scans the referencing table. Create the index; this is a note."
    ),
    severities=(Severity.NOTE,),
    base=_WIDGETS,
    bad="create table parts (id bigint primary key, widget_id bigint references widgets);\n-- down:\ndrop table parts;",
    good="create table parts (id bigint primary key, widget_id bigint references widgets);\n"
    "create index parts_widget on parts (widget_id);\n-- down:\ndrop table parts;",
)

REMOVAL_RULES: tuple[RuleInfo, ...] = (
    TABLE_IN_USE_DROPPED,
    COLUMN_IN_USE_DROPPED,
    OBJECT_DROPPED,
    DROPPED_BY_CASCADE,
    VIEW_RENAMED,
    MATERIALIZED_VIEW_RENAMED,
    COLUMN_TYPE_CHANGED,
    INVALID_INDEX_LEFT,
    CONSTRAINT_NOT_VALIDATED,
    FOREIGN_KEY_WITHOUT_INDEX,
)
