"""Roles are the cluster's, and yet every run of the same migrations finds those that its database left."""

from __future__ import annotations

import psycopg
import pytest
from psycopg.conninfo import make_conninfo

from kfm_ci.postgres import session
from kfm_ci.postgres.engines.base import Server
from kfm_ci.postgres.engines.service import ServiceEngine

SUPERUSER = '[migrations]\nformat = "goose"\ndir = "m"\n[database]\nrun-as = "superuser"\n'
BASE = {
    "kfm-ci.toml": SUPERUSER,
    "m/1_a.sql": "-- +goose Up\ncreate table a (id int);\n-- +goose Down\ndrop table a;\n",
}


def goose(up: str, down: str) -> dict[str, str]:
    lines = [
        f"-- +goose {name}\n-- +goose StatementBegin\n{text}\n-- +goose StatementEnd\n"
        for name, text in (("Up", up), ("Down", down))
    ]
    return {"m/2_b.sql": "".join(lines)}


def refusals(report: dict) -> list[tuple[str, str]]:
    return [
        (item["rule"], item["message"])
        for item in report["findings"]
        if item["severity"] == "error" and item["hazard"] != "privilege" and item["rule"] != "privileges-revoked"
    ]


def proof(report: dict) -> str:
    return next(item["rollback"]["proof"] for item in report["migrations"] if item["new"])


@pytest.mark.parametrize(
    "make",
    [
        "create role reader password 'x'",
        (
            "do $$ begin if not exists (select from pg_roles where rolname = 'reader') then create role reader; "
            "end if; end $$"
        ),
    ],
    ids=["plain", "guarded"],
)
def test_a_role_made_by_a_migration_is_new_at_every_run_and_its_way_back_is_proven(gate, make):
    up = f"""
        do $do$ begin execute $x${make}$x$; end $do$;
        alter role reader set search_path = app; grant select on a to reader; comment on role reader is 'reads';
        create table theirs (id int); alter table theirs owner to reader;
        do $$ begin execute format('grant connect on database %I to reader', current_database()); end $$;
        alter default privileges grant select on tables to reader
    """
    report = gate(BASE, goose(up, "drop table theirs; drop owned by reader; drop role reader"))
    assert refusals(report) == [] and proof(report) == "proven", report["stages"]
    assert {item["name"]: item["status"] for item in report["stages"]}["rollback"] == "passed"


def test_a_way_back_that_leaves_the_role_is_found_where_the_way_up_makes_it_again(gate):
    report = gate(BASE, goose("create role reader; grant select on a to reader", "revoke select on a from reader"))
    ((rule, message),) = refusals(report)
    assert rule == "reapply-differs" and 'role "reader" already exists' in message


def test_a_role_of_the_base_can_be_dropped_altered_and_had_back(gate):
    base = {
        **BASE,
        "m/1_a.sql": BASE["m/1_a.sql"].replace(
            "(id int);",
            "(id int); create role reader; create role other; grant reader to other; grant select on a to reader;",
        ),
    }
    report = gate(
        base,
        goose(
            "revoke select on a from reader; drop role reader",
            "create role reader; grant reader to other; grant select on a to reader",
        ),
    )
    assert refusals(report) == [] and proof(report) == "proven", report["stages"]


def test_without_the_right_to_make_roles_the_setting_is_named(gate):
    base = {**BASE, "kfm-ci.toml": '[migrations]\nformat = "goose"\ndir = "m"\n'}
    report = gate(base, goose("create role reader", "drop role reader"))
    (found,) = [item for item in report["findings"] if item["rule"] == "migration-failed"]
    assert "permission denied to create role" in found["message"] and 'run-as = "superuser"' in found["help"]


def test_the_roles_that_nobody_made_are_told_in_one_line(gate):
    base = {
        **BASE,
        "m/1_a.sql": BASE["m/1_a.sql"].replace("(id int);", "(id int); create role made; grant select on a to made;"),
    }
    report = gate(base, goose("grant select on a to made, one, two", "revoke all on a from one"))
    (found,) = [item for item in report["findings"] if item["rule"] == "migration-failed"]
    assert found["help"] == 'Set `[database] roles = ["one", "two"]` in kfm-ci.toml.'


def test_a_role_that_only_the_way_back_misses_is_told_with_its_setting(gate):
    report = gate(BASE, goose("create view v as select 1", "drop view v; grant select on a to postgres"))
    (found,) = [item for item in report["findings"] if item["rule"] == "rollback-failed"]
    assert '[database] roles = ["postgres"]' in found["help"]


def test_a_migration_that_takes_its_own_role_away_is_told_so(gate):
    report = gate(BASE, goose("alter role kfm_owner rename to taken", "alter role taken rename to kfm_owner"))
    assert report["exit_code"] == 3 and any(
        "renamed or dropped the role" in (item["message"] or "") for item in report["stages"]
    )


def test_what_a_migration_sets_for_the_database_holds_for_those_after_it(gate):
    text = (
        "create schema app; create table app.b (id int); do $$ begin execute format('alter database %I set "
        "search_path = app', current_database()); end $$;"
    )
    base = {
        "kfm-ci.toml": '[migrations]\ndir = "m"\nformat = "golang-migrate"\n',
        "m/1_a.up.sql": text,
        "m/1_a.down.sql": "drop schema app cascade",
    }
    report = gate(base, {"m/2_b.up.sql": "alter table b add c int;", "m/2_b.down.sql": "alter table b drop c;"})
    assert refusals(report) == [] and proof(report) == "proven", report["stages"]


def test_each_database_finds_its_own_roles_and_a_given_server_is_left_as_it_was(server: Server):
    with psycopg.connect(server.dsn("postgres", admin=True), autocommit=True) as connection:
        connection.execute("create database given")
        before = connection.execute("select rolname from pg_roles order by 1").fetchall()
        password = "select rolpassword from pg_authid where rolname = 'keeper'"
        with ServiceEngine(url=make_conninfo(server.conninfo, dbname="given")).start() as service:
            first = service.create_database("one")
            with session.connect(service, first, superuser=True) as one:
                one.execute(
                    "create role keeper login password 'one'; create table t (id int); alter table t owner to keeper"
                )
                mine = one.execute(password).fetchone()
            second = service.create_database("two", template=first)
            with (
                session.connect(service, second, superuser=True) as two,
                session.connect(service, first, superuser=True) as one,
            ):
                session.reset(two)
                two.execute("alter role keeper password 'two'; drop table t; drop role keeper")
                session.reset(one)
                assert one.execute(password).fetchone() == mine
                assert one.execute("select tableowner from pg_tables where tablename = 't'").fetchone() == ("keeper",)
                session.reset(two)
                assert two.execute(password).fetchone() is None
            with session.connect(service, service.create_database("three"), superuser=True) as three:
                assert three.execute(password).fetchone() is None
        assert connection.execute("select rolname from pg_roles order by 1").fetchall() == before
        connection.execute("drop database given")
