"""Rules of the rollback drill."""

from __future__ import annotations

from kfm_ci.model import Hazard, Severity
from kfm_ci.rule_info import DecidedBy, RuleInfo

_WIDGETS = "create table widgets (id bigint primary key, name text);\ninsert into widgets values (1, 'a');"
_GOOD = "alter table widgets add column title text;\n-- down:\nalter table widgets drop column title;"

ROLLBACK_FAILED = RuleInfo(
    id="rollback-failed",
    hazard=Hazard.ROLLBACK_UNPROVEN,
    decided_by=DecidedBy.SERVER,
    title="Rollback fails",
    why=(
        "kfm-ci runs the rollback on rows right after the up migration and compares every object and "
        "row. PostgreSQL returned an error. Correct the down migration, or declare `rollback: manual`"
        " with a runbook."
    ),
    base=_WIDGETS,
    bad="alter table widgets add column title text;\n-- down:\nalter table widgets drop column titel;",
    good=_GOOD,
)

ROLLBACK_NOT_RUN = RuleInfo(
    id="rollback-not-run",
    hazard=Hazard.ROLLBACK_UNPROVEN,
    decided_by=DecidedBy.SERVER,
    title="Rollback was not run",
    why=(
        "Too many rollbacks of the tool failed, so those of earlier migrations were not run. Nothing "
        "is proven for them. Correct the failed ones; this is a warning."
    ),
    severities=(Severity.WARNING,),
)

ROLLBACK_SCHEMA_DIFFERS = RuleInfo(
    id="rollback-schema-differs",
    hazard=Hazard.ROLLBACK_UNPROVEN,
    decided_by=DecidedBy.SERVER,
    title="Rollback does not restore the schema",
    why=(
        "kfm-ci runs the rollback on rows right after the up migration and compares every object. "
        "Leftovers of a later rollback are not reported here, and an extension or schema created with"
        " `if not exists` may stay. Revert exactly what the up migration does."
    ),
    base=_WIDGETS,
    bad="alter table widgets add column title text;\ncreate index on widgets (name, title);\n"
    "create table titles (id bigint);\n-- down:\nalter table widgets drop column title;",
    good=_GOOD,
)

ROLLBACK_DATA_LOST = RuleInfo(
    id="rollback-data-lost",
    hazard=Hazard.ROLLBACK_UNPROVEN,
    decided_by=DecidedBy.SERVER,
    title="Rollback loses or changes existing rows",
    why=(
        "kfm-ci runs the rollback on rows right after the up migration and compares every row that "
        "existed before. Rows written since are listed as data loss on rollback. Keep the old values "
        "until they are not needed, or declare `rollback: manual`."
    ),
    base=_WIDGETS,
    bad="alter table widgets add column title text;\n-- down:\nalter table widgets drop column title;\n"
    "delete from widgets;",
    good=_GOOD,
)

ROLLBACK_DATA_NOT_COMPARED = RuleInfo(
    id="rollback-data-not-compared",
    hazard=Hazard.ROLLBACK_UNPROVEN,
    decided_by=DecidedBy.SERVER,
    title="Rows could not be compared after the rollback",
    why=(
        "Rows that the migrations' role cannot read are not compared. Nothing is proven for them. "
        "Grant SELECT to that role."
    ),
    severities=(Severity.WARNING,),
)

ROLLBACK_COLUMN_ORDER = RuleInfo(
    id="rollback-column-order",
    hazard=Hazard.ROLLBACK_UNPROVEN,
    decided_by=DecidedBy.SERVER,
    title="Rollback changes the order of columns",
    why=(
        "A dropped and re-added column becomes the last one. `insert into t values (…)`, `select *` "
        "by position and `copy` without a list are affected. Name the columns; this is a note."
    ),
    severities=(Severity.NOTE,),
    base="create table widgets (id bigint, name text, n integer);",
    bad="alter table widgets drop column name;\n-- down:\nalter table widgets add column name text;",
    good=_GOOD,
)

ROLLBACK_FAILS_ON_NEW_ROWS = RuleInfo(
    id="rollback-fails-on-new-rows",
    hazard=Hazard.ROLLBACK_UNPROVEN,
    decided_by=DecidedBy.SERVER,
    title="Rollback fails on rows allowed only by the new schema",
    why=(
        "kfm-ci runs a proven rollback again with a row that only the new schema allows, such as a duplicate. "
        "Production can have such rows minutes after the deployment. Convert them in the down migration; this "
        "is a note."
    ),
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
    title="Migration cannot be applied again after its rollback",
    why=(
        "After a rollback the second attempt in production meets what the first one left. The "
        "migration failed or gave a different schema. Make the up migration independent of leftovers."
    ),
)

ROLLBACK_RULES: tuple[RuleInfo, ...] = (
    ROLLBACK_FAILED,
    ROLLBACK_NOT_RUN,
    ROLLBACK_SCHEMA_DIFFERS,
    ROLLBACK_DATA_LOST,
    ROLLBACK_DATA_NOT_COMPARED,
    ROLLBACK_COLUMN_ORDER,
    ROLLBACK_FAILS_ON_NEW_ROWS,
    REAPPLY_DIFFERS,
)
