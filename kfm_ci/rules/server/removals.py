"""What is gone, means something else, or is left unfinished."""

from __future__ import annotations

from kfm_ci.model import Hazard, Severity
from kfm_ci.rule_info import DecidedBy, RuleInfo

_WIDGETS = "create table widgets (id bigint primary key, name text, price integer);"
_KEEP = "alter table widgets add column title text;\n-- down:\nalter table widgets drop column title;"
_DROP_NAME = "alter table widgets drop column name;\n-- down:\nalter table widgets add column name text;"
_DROP_TABLE = "drop table widgets;\n-- down:\ncreate table widgets (id bigint primary key, name text, price integer);"

_RENAME = (
    "Applications are released after or before the migration, never in the same instant: whoever still uses the old "
    "name fails. Add the new name, keep both in step, change the application over, and drop the old one later."
)
_GONE = (
    "The data is gone for good, and the way back restores an empty shell. Release an application that no longer uses "
    "it first; then drop it in a migration with `phase: contract`."
)
_VIEW = _WIDGETS + "\ncreate view names as select name from widgets;"

TABLE_IN_USE_DROPPED = RuleInfo(
    id="table-in-use-dropped",
    hazard=Hazard.BREAKS_CLIENTS,
    decided_by=DecidedBy.SERVER,
    title="No table goes while applications may use it",
    why=_GONE,
    base=_WIDGETS,
    bad=_DROP_TABLE,
    good=_KEEP,
)

COLUMN_IN_USE_DROPPED = RuleInfo(
    id="column-in-use-dropped",
    hazard=Hazard.BREAKS_CLIENTS,
    decided_by=DecidedBy.SERVER,
    title="No column goes while applications may use it",
    why=_GONE,
    base=_WIDGETS,
    bad=_DROP_NAME,
    good=_KEEP,
)

OBJECT_DROPPED = RuleInfo(
    id="object-dropped",
    hazard=Hazard.BREAKS_CLIENTS,
    decided_by=DecidedBy.SERVER,
    title="No view, function or type goes while it may be used",
    why="Queries of the running application that use it fail from the moment of COMMIT.",
    base=_VIEW,
    bad="drop view names;\n-- down:\ncreate view names as select name from widgets;",
    good=_KEEP,
)

DROPPED_BY_CASCADE = RuleInfo(
    id="dropped-by-cascade",
    hazard=Hazard.BREAKS_CLIENTS,
    decided_by=DecidedBy.SERVER,
    title="Nothing goes through CASCADE without being named",
    why="CASCADE drops whatever depends on what is dropped, on that server, at that moment. The catalog before "
    "and after tells what it took here.",
    base=_VIEW,
    bad="alter table widgets drop column name cascade;\n-- down:\nalter table widgets add column name text;\n"
    "create view names as select name from widgets;",
    good=_KEEP,
)

VIEW_RENAMED = RuleInfo(
    id="view-renamed",
    hazard=Hazard.BREAKS_CLIENTS,
    decided_by=DecidedBy.SERVER,
    title="No view changes its name under applications",
    why=_RENAME,
    base=_VIEW,
    bad="alter view names rename to titles;\n-- down:\nalter view titles rename to names;",
    good=_KEEP,
)

MATERIALIZED_VIEW_RENAMED = RuleInfo(
    id="materialized-view-renamed",
    hazard=Hazard.BREAKS_CLIENTS,
    decided_by=DecidedBy.SERVER,
    title="No materialized view changes its name under applications",
    why=_RENAME,
    base=_WIDGETS + "\ncreate materialized view names as select name from widgets;",
    bad="alter materialized view names rename to titles;\n-- down:\nalter materialized view titles rename to names;",
    good=_KEEP,
)

COLUMN_TYPE_CHANGED = RuleInfo(
    id="column-type-changed",
    hazard=Hazard.BREAKS_CLIENTS,
    decided_by=DecidedBy.SERVER,
    title="No column changes its type under applications",
    why="Drivers give another kind of value, prepared statements are refused, and values that fitted may no longer "
    "fit. Add a column of the new type, keep both in step, and change the application over.",
    base=_WIDGETS,
    bad="alter table widgets alter column price type text;\n"
    "-- down:\nalter table widgets alter column price type integer using price::integer;",
    good=_KEEP,
)

INVALID_INDEX_LEFT = RuleInfo(
    id="invalid-index-left",
    hazard=Hazard.INVALID_INDEX,
    decided_by=DecidedBy.SERVER,
    title="No invalid index is left behind",
    why="CREATE INDEX CONCURRENTLY that fails leaves an index that every write keeps up and no query uses, and "
    "IF NOT EXISTS takes it for done the next time.",
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
    title="What was added NOT VALID is validated one day",
    why="Said as a note: the constraint holds for new rows only, and the planner does not trust it, until a later "
    "migration validates it.",
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
    title="A foreign key has an index to look up by",
    why="Said as a note: without an index that begins with the referring columns, every delete and key change in "
    "the referenced table reads all of the referring one.",
    severities=(Severity.NOTE,),
    base=_WIDGETS,
    bad="create table parts (id bigint primary key, widget_id bigint references widgets);\n-- down:\ndrop table parts;",
    good="create table parts (id bigint primary key, widget_id bigint references widgets);\n"
    "create index parts_widget on parts (widget_id);\n-- down:\ndrop table parts;",
)

LOSSES: tuple[RuleInfo, ...] = (
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
