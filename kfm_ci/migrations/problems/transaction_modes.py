"""Reading rules on the transactions of a tool, and on files that it runs in a special way."""

from __future__ import annotations

from kfm_ci.model import Hazard, Severity
from kfm_ci.rule_info import DecidedBy, ReadingExample, RuleInfo

_WIDGETS = "create table widgets (id bigint);\n"
_INDEX = "create index concurrently widgets_id on widgets (id);\n"
_CONF = {"flyway.conf": "flyway.postgresql.transactional.lock=false\n"}
_SUM_BAD = (
    "h1:iDP8yw0+EAlltUmT4udHDemaWyY+Rqb+ID5Pxg3hLqc=\n1_index.sql h1:IeBH5hpuk2lOvE6WRearKEKI58HnOqnPAJfkXt6WXEU=\n"
)
_SUM_GOOD = (
    "h1:zRgLXg6+coj9u6Qc9nJH/xW/rClq9oHy54ELbYy+mNc=\n1_index.sql h1:koW4F4TOm8vRl+8BHWuS9IXGRhzwdrbokvWWcoJ9tKA=\n"
)
_SUM_CHECKPOINT = (
    "h1:asHEdHvOPF9bV3uyiEhnMzvMLaE7MAlrfl+2Z83pKa0=\n1_widgets.sql h1:vGRQV8HDWIGJOYfh9GrwKxXgJS3OHeNRy+7d/eNlVpk=\n"
    "2_all.sql h1:8qhGmGH2yOdFyqMbn9EUv8Bm6WRZwgVh4On4OsReF8M=\n"
)
_SUM_PLAIN = (
    "h1:FJNIGie0t7/DlexekvJobly0jeGCKPF5K5CifsZSu8c=\n1_widgets.sql h1:vGRQV8HDWIGJOYfh9GrwKxXgJS3OHeNRy+7d/eNlVpk=\n"
)

FLYWAY_MIXED = RuleInfo(
    id="flyway-mixed",
    hazard=Hazard.TRANSACTION,
    decided_by=DecidedBy.READING,
    title="Flyway rejects a mixed migration",
    why=(
        "Flyway rejects a file that mixes non-transactional statements with others. With `mixed`, none of "
        "them has a transaction. Move the non-transactional statement to its own file."
    ),
    severities=(Severity.ERROR,),
    reading_example=ReadingExample(
        format="flyway",
        files=_CONF,
        breaks={"m/V1__widgets.sql": _WIDGETS + _INDEX},
        keeps={"m/V1__widgets.sql": _WIDGETS, "m/V2__index.sql": _INDEX},
    ),
)

FLYWAY_LOCK_DEADLOCK = RuleInfo(
    id="flyway-lock-deadlock",
    hazard=Hazard.TRANSACTION,
    decided_by=DecidedBy.READING,
    title="Flyway's lock blocks a concurrent index build",
    why=(
        "Flyway holds its lock in an open transaction on a second connection. `create index "
        "concurrently` waits for every open transaction, so both wait forever. Set "
        "`flyway.postgresql.transactional.lock=false`."
    ),
    severities=(Severity.WARNING,),
    reading_example=ReadingExample(
        format="flyway", breaks={"m/V1__index.sql": _INDEX}, keeps={"m/V1__index.sql": _INDEX, **_CONF}
    ),
)

FLYWAY_CALLBACK = RuleInfo(
    id="flyway-callback",
    hazard=Hazard.UNANALYSABLE,
    decided_by=DecidedBy.READING,
    title="Flyway callback was not checked",
    why=(
        "Flyway runs the callback around every migration on every database. kfm-ci does not run it. "
        "Keep schema changes in versioned files."
    ),
    severities=(Severity.ERROR,),
    reading_example=ReadingExample(
        format="flyway",
        files={"m/V1__widgets.sql": _WIDGETS},
        breaks={"m/beforeEachMigrate.sql": "select 1;\n"},
        keeps={},
    ),
)

FLYWAY_BASELINE = RuleInfo(
    id="flyway-baseline",
    hazard=Hazard.UNANALYSABLE,
    decided_by=DecidedBy.READING,
    title="Flyway baseline was not checked",
    why=(
        "On an empty database Flyway starts with the newest baseline instead of all versions up to "
        "it. New databases get another history than existing ones, which kfm-ci does not check. "
        "Compare the two schemas."
    ),
    severities=(Severity.WARNING,),
    reading_example=ReadingExample(
        format="flyway", files={"m/V1__widgets.sql": _WIDGETS}, breaks={"m/B1__all.sql": _WIDGETS}, keeps={}
    ),
)

ATLAS_CHECKPOINT = RuleInfo(
    id="atlas-checkpoint",
    hazard=Hazard.UNANALYSABLE,
    decided_by=DecidedBy.READING,
    title="Atlas checkpoint file",
    why=(
        "On an empty database Atlas starts with the newest checkpoint instead of the files before it;"
        " other databases skip it. New databases get another history than existing ones, which kfm-ci"
        " does not check. Compare the two schemas."
    ),
    severities=(Severity.WARNING,),
    reading_example=ReadingExample(
        format="atlas",
        breaks={
            "m/1_widgets.sql": _WIDGETS,
            "m/2_all.sql": f"-- atlas:checkpoint\n\n{_WIDGETS}",
            "m/atlas.sum": _SUM_CHECKPOINT,
        },
        keeps={"m/1_widgets.sql": _WIDGETS, "m/atlas.sum": _SUM_PLAIN},
    ),
)

DIESEL_METADATA = RuleInfo(
    id="diesel-metadata",
    hazard=Hazard.TRANSACTION,
    decided_by=DecidedBy.READING,
    title="diesel metadata disables the transaction",
    why=(
        "A `metadata.toml` without `run_in_transaction` makes diesel run the migration without a "
        "transaction. A failure leaves a part of it applied. Set the key."
    ),
    severities=(Severity.WARNING,),
    reading_example=ReadingExample(
        format="diesel",
        files={"m/1_widgets/up.sql": _WIDGETS, "m/1_widgets/down.sql": "drop table widgets;\n"},
        breaks={"m/1_widgets/metadata.toml": "# nothing\n"},
        keeps={"m/1_widgets/metadata.toml": "run_in_transaction = true\n"},
    ),
)

ATLAS_DIRECTIVE_IGNORED = RuleInfo(
    id="atlas-directive-ignored",
    hazard=Hazard.TRANSACTION,
    decided_by=DecidedBy.READING,
    title="Atlas ignores a directive",
    why=(
        "Atlas reads directives only from the comments at the top of the file that end in a blank "
        "line. Otherwise `txmode none` has no effect and the file runs in a transaction. Add the "
        "blank line."
    ),
    severities=(Severity.ERROR,),
    reading_example=ReadingExample(
        format="atlas",
        breaks={"m/1_index.sql": f"-- atlas:txmode none\n{_INDEX}", "m/atlas.sum": _SUM_BAD},
        keeps={"m/1_index.sql": f"-- atlas:txmode none\n\n{_INDEX}", "m/atlas.sum": _SUM_GOOD},
    ),
)

DBMATE_MULTIPLE_BLOCKS = RuleInfo(
    id="dbmate-multiple-blocks",
    hazard=Hazard.MIGRATION_ERROR,
    decided_by=DecidedBy.READING,
    title="File with a second migrate:up block",
    why=(
        "Older releases of dbmate run a second `-- migrate:up` as part of the down migration. Newer "
        "ones run it and fail on PostgreSQL, because the version is already recorded. Move it to its "
        "own file."
    ),
    severities=(Severity.ERROR,),
    reading_example=ReadingExample(
        format="dbmate",
        breaks={
            "m/1_widgets.sql": f"-- migrate:up\n{_WIDGETS}-- migrate:down\ndrop table widgets;\n"
            f"-- migrate:up transaction:false\n{_INDEX}-- migrate:down\ndrop index widgets_id;\n"
        },
        keeps={
            "m/1_widgets.sql": f"-- migrate:up\n{_WIDGETS}-- migrate:down\ndrop table widgets;\n",
            "m/2_index.sql": f"-- migrate:up transaction:false\n{_INDEX}-- migrate:down transaction:false\n"
            "drop index concurrently widgets_id;\n",
        },
    ),
)

GOLANG_MIGRATE_SPLITS_BODY = RuleInfo(
    id="golang-migrate-splits-body",
    hazard=Hazard.MIGRATION_ERROR,
    decided_by=DecidedBy.READING,
    title="golang-migrate splits a statement",
    why=(
        "With `x-multi-statement=true` golang-migrate splits a file at every semicolon, also in "
        "quoted text and function bodies. The server then gets an incomplete statement. Remove the "
        "parameter."
    ),
    severities=(Severity.ERROR,),
    reading_example=ReadingExample(
        format="golang-migrate",
        files={"Makefile": "up:\n\tmigrate -path m -database '$(URL)?x-multi-statement=true' up\n"},
        breaks={"m/1_one.up.sql": "create function one() returns int language plpgsql as $$ begin return 1; end $$;\n"},
        keeps={"m/1_one.up.sql": "create function one() returns int language sql return 1;\n"},
    ),
)

MIGRATION_NOT_SQL = RuleInfo(
    id="migration-not-sql",
    hazard=Hazard.UNANALYSABLE,
    decided_by=DecidedBy.READING,
    title="Migration is a program, not SQL",
    why=(
        "goose runs migrations in Go and node-pg-migrate in JavaScript among the SQL files. Only the "
        "tool can run them, so kfm-ci checks later migrations on a schema without their effects. "
        "Configure `[migrations.command]`."
    ),
    severities=(Severity.ERROR, Severity.WARNING),
    reading_example=ReadingExample(
        format="goose",
        files={"m/1_widgets.sql": f"-- +goose Up\n{_WIDGETS}"},
        breaks={"m/2_fill.go": "package migrations\n"},
        keeps={"m/2_fill.sql": "-- +goose Up\ninsert into widgets values (1);\n"},
    ),
)

TRANSACTION_RULES: tuple[RuleInfo, ...] = (
    FLYWAY_MIXED,
    FLYWAY_LOCK_DEADLOCK,
    FLYWAY_CALLBACK,
    FLYWAY_BASELINE,
    ATLAS_CHECKPOINT,
    DIESEL_METADATA,
    ATLAS_DIRECTIVE_IGNORED,
    DBMATE_MULTIPLE_BLOCKS,
    GOLANG_MIGRATE_SPLITS_BODY,
    MIGRATION_NOT_SQL,
)
