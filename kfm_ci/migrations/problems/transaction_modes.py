"""Transactions that a tool makes otherwise than the file seems to say, and files that it does not run as such."""

from __future__ import annotations

from kfm_ci.migrations.problems.base import Read
from kfm_ci.model import Hazard, Severity

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

TRANSACTIONS = (
    Read(
        id="flyway-mixed", hazard=Hazard.TRANSACTION, title="A file of Flyway's is all inside a transaction, or all outside",
        why="Flyway refuses a file that mixes statements that cannot run in a transaction with others, unless `mixed` "
        "is set, and then none of them has one.",
        format="flyway", files=_CONF, breaks={"m/V1__widgets.sql": _WIDGETS + _INDEX},
        keeps={"m/V1__widgets.sql": _WIDGETS, "m/V2__index.sql": _INDEX},
    ),
    Read(
        id="flyway-lock-deadlock", hazard=Hazard.TRANSACTION, severity=Severity.WARNING, title="Flyway's own lock does not hold up a concurrent index",
        why="Flyway holds its lock in an open transaction on a second connection; CREATE INDEX CONCURRENTLY waits for every "
        "open transaction, so both wait without end. `flyway.postgresql.transactional.lock=false` takes a session's lock.",
        format="flyway", breaks={"m/V1__index.sql": _INDEX}, keeps={"m/V1__index.sql": _INDEX, **_CONF},
    ),
    Read(
        id="flyway-callback", hazard=Hazard.UNANALYSABLE, severity=Severity.WARNING, title="Callbacks around each migration are told",
        why="Flyway runs such a callback around every migration, on databases that we do not see; what it does there was "
        "not judged.",
        format="flyway", files={"m/V1__widgets.sql": _WIDGETS}, breaks={"m/beforeEachMigrate.sql": "select 1;\n"}, keeps={},
    ),
    Read(
        id="flyway-baseline", hazard=Hazard.UNANALYSABLE, severity=Severity.WARNING, title="A baseline migration is told",
        why="On an empty database Flyway begins at the newest baseline, in place of all versions up to it: new databases get "
        "another history than old ones, which was not judged.",
        format="flyway", files={"m/V1__widgets.sql": _WIDGETS}, breaks={"m/B1__all.sql": _WIDGETS}, keeps={},
    ),
    Read(
        id="atlas-checkpoint", hazard=Hazard.UNANALYSABLE, severity=Severity.WARNING, title="A checkpoint is told",
        why="On an empty database Atlas begins at the newest checkpoint, in place of all files before it, and databases that have run "
        "those pass over it: new databases get another history than old ones, which was not judged.",
        format="atlas", breaks={
            "m/1_widgets.sql": _WIDGETS, "m/2_all.sql": f"-- atlas:checkpoint\n\n{_WIDGETS}", "m/atlas.sum": _SUM_CHECKPOINT,
        },
        keeps={"m/1_widgets.sql": _WIDGETS, "m/atlas.sum": _SUM_PLAIN},
    ),
    Read(
        id="diesel-metadata", hazard=Hazard.TRANSACTION, severity=Severity.WARNING, title="diesel's metadata says whether there is a transaction",
        why="A metadata.toml without `run_in_transaction` makes diesel run the migration outside a transaction: half of it "
        "stays when it fails.",
        format="diesel", files={"m/1_widgets/up.sql": _WIDGETS, "m/1_widgets/down.sql": "drop table widgets;\n"},
        breaks={"m/1_widgets/metadata.toml": "# nothing\n"}, keeps={"m/1_widgets/metadata.toml": "run_in_transaction = true\n"},
    ),
    Read(
        id="atlas-directive-ignored", hazard=Hazard.TRANSACTION, title="Atlas sees the directive",
        why="Atlas reads directives only from the comments at the top of a file that a blank line follows: without it "
        "`txmode none` is a comment like any other, and the file runs in a transaction.",
        format="atlas", breaks={"m/1_index.sql": f"-- atlas:txmode none\n{_INDEX}", "m/atlas.sum": _SUM_BAD},
        keeps={"m/1_index.sql": f"-- atlas:txmode none\n\n{_INDEX}", "m/atlas.sum": _SUM_GOOD},
    ),
    Read(
        id="dbmate-multiple-blocks", hazard=Hazard.MIGRATION_ERROR, title="A file of dbmate's has one way forward",
        why="Older releases of dbmate take what follows the first `-- migrate:down`, a second `-- migrate:up` included, for "
        "the way back; newer ones run it, and fail on PostgreSQL, for the file's version is in their table already.",
        format="dbmate",
        breaks={"m/1_widgets.sql": f"-- migrate:up\n{_WIDGETS}-- migrate:down\ndrop table widgets;\n-- migrate:up transaction:false\n{_INDEX}"
                "-- migrate:down\ndrop index widgets_id;\n"},
        keeps={"m/1_widgets.sql": f"-- migrate:up\n{_WIDGETS}-- migrate:down\ndrop table widgets;\n",
               "m/2_index.sql": f"-- migrate:up transaction:false\n{_INDEX}-- migrate:down transaction:false\ndrop index concurrently widgets_id;\n"},
    ),
    Read(
        id="golang-migrate-splits-body", hazard=Hazard.MIGRATION_ERROR, title="golang-migrate cuts no statement in two",
        why="Under `x-multi-statement=true` golang-migrate cuts a file at every semicolon, those in quotes and in bodies of "
        "functions included, and sends each piece by itself.",
        format="golang-migrate", files={"Makefile": "up:\n\tmigrate -path m -database '$(URL)?x-multi-statement=true' up\n"},
        breaks={"m/1_one.up.sql": "create function one() returns int language plpgsql as $$ begin return 1; end $$;\n"},
        keeps={"m/1_one.up.sql": "create function one() returns int language sql return 1;\n"},
    ),
    Read(
        id="migration-not-sql", hazard=Hazard.UNANALYSABLE, severity=Severity.WARNING, title="A program among SQL files is told",
        why="goose runs migrations in Go, node-pg-migrate in JavaScript, between those in SQL. Only the tool itself can run "
        "them: what comes after is judged here on a schema without them.",
        format="goose", files={"m/1_widgets.sql": f"-- +goose Up\n{_WIDGETS}"}, breaks={"m/2_fill.go": "package migrations\n"},
        keeps={"m/2_fill.sql": "-- +goose Up\ninsert into widgets values (1);\n"},
    ),
)  # fmt: skip
