"""A catalog read in part is the catalog read as a whole, whatever was changed in between, and whichever came before."""

from __future__ import annotations

import random
from collections.abc import Iterator
from itertools import pairwise
from typing import Any

import psycopg
import pytest

from kfm_ci.postgres import catalog
from kfm_ci.postgres.catalog import Catalog, row_versions
from kfm_ci.postgres.catalog import reader as catalog_reader

BASE = """
create role followed_owner; create role followed_reader;
create schema s0; create schema s1;
create type s0.mood as enum ('sad', 'happy'); create type s0.pair as (a integer, b text);
create domain s0.positive as integer constraint above check (value > 0);
create function s0.plus(a integer, b integer default 1) returns integer language sql immutable as 'select a + b';
create table s0.t0 (id serial primary key, a integer default s0.plus(1), m s0.mood default 'sad',
  moods s0.mood[] default '{sad}');
create table s0.t1 (id integer generated always as identity primary key,
  a s0.positive unique, t0_id integer references s0.t0,
  p s0.pair);
create table s0.t2 (id integer, at date, constraint t2_key primary key (id, at)) partition by range (at);
create table s0.t3 partition of s0.t2 default;
create function s0.all_of() returns setof s0.t0 language sql as 'select * from s0.t0';
create function s0.kept(x integer) returns void begin atomic insert into s0.t1 (a) values (x)
  on conflict on constraint t1_a_key do nothing; end;
create function s0.watch() returns event_trigger language plpgsql as 'begin end';
create view s0.v0 as select * from s0.t0; create view s0.v1 as select v0.*, t1.a as b from s0.v0 join s0.t1 using (id);
create view s0.v2 as select x.* from s0.all_of() x; create view s0.v3 as select id, count(*) from s0.t0 group by id;
create function s0.fire() returns trigger language plpgsql as 'begin return new; end';
create trigger n0 before insert on s0.t0 for each row execute function s0.fire();
create policy n0 on s0.t0 using (true);
create rule n0 as on insert to s0.t1 do also notify x; create statistics s0.n0 on id, a from s0.t0;
create sequence s0.n1;
alter table s0.t0 add constraint n0 check (a > 0) not valid; create index n2 on s0.t0 (a);
create function s0.n0() returns integer language sql as 'select 1'; create type s0.n0 as (a integer);
create operator s0.### (leftarg = integer, rightarg = integer, function = s0.plus); create domain s0.several as text[];
create materialized view s0.v4 as select id, s0.plus(1) from s0.t1;
"""

NAMES = {
    "table": ["t0", "t1", "t2", "t3", "t4", "t5"],
    "view": ["v0", "v1", "v2", "v3", "v4"],
    "schema": ["s0", "s1"],
    "column": ["id", "a", "b", "c", "at", "m", "t0_id"],
    "type": ["integer", "text", "s0.mood", "s0.mood[]", "s0.pair", "s0.positive", "s0.t0"],
    "role": ["followed_owner", "followed_reader"],
    "name": ["n0", "n1", "n2"],
}
"""What stands between braces below becomes one of these, at random."""

CHANGES = """
create table {schema}.{table} (id serial primary key, a integer, m {type})
create table {schema}.{table} (like {schema}.{table} including all)
create unlogged table {schema}.{table} () inherits ({schema}.{table})
drop table {schema}.{table} cascade
alter table {schema}.{table} rename to {table}
alter table {schema}.{table} set schema {schema}
alter table {schema}.{table} rename {column} to {column}
alter table {schema}.{table} add {column} {type}
alter table {schema}.{table} drop {column} cascade
alter table {schema}.{table} alter {column} type {type}
alter table {schema}.{table} alter {column} set default s0.plus(2)
alter table {schema}.{table} alter {column} drop default
alter table {schema}.{table} alter {column} set not null
alter table {schema}.{table} alter {column} set statistics 7
alter table {schema}.{table} add constraint {name} check (a > 0) not valid
alter table {schema}.{table} validate constraint {name}
alter table {schema}.{table} add constraint {name} unique (id)
alter table {schema}.{table} add constraint {name} foreign key (a) references {schema}.{table} (id)
alter table {schema}.{table} rename constraint {name} to {name}
alter table {schema}.{table} drop constraint {name} cascade
alter table s0.t1 rename constraint t1_a_key to t1_a_renamed
alter table s0.t2 detach partition s0.t3
alter table s0.t2 attach partition s0.t3 default
alter table {schema}.{table} set (fillfactor = 70, toast.autovacuum_enabled = off)
alter table {schema}.{table} set (toast.autovacuum_enabled = on)
alter table {schema}.{table} enable row level security
alter table {schema}.{table} owner to {role}
alter table {schema}.{table} replica identity full
alter table {schema}.{table} cluster on {name}
create index {name} on {schema}.{table} (({column}))
create index {name} on {schema}.{table} (s0.plus(a)) where a > 0
alter index {schema}.{name} rename to {name}
drop index {schema}.{name}
reindex table {schema}.{table}
create or replace view {schema}.{view} as select * from {schema}.{table}
create view {schema}.{view} as select x.* from {schema}.{view} x
create view {schema}.{view} as select x.*, y.a as c from {schema}.{table} x join {schema}.{table} y using (id)
create materialized view {schema}.{view} as select {column}, s0.plus(1) as n from {schema}.{table}
drop view {schema}.{view} cascade
alter view {schema}.{view} rename to {view}
alter view {schema}.{view} rename column {column} to {column}
refresh materialized view {schema}.{view}
create or replace function s0.plus(a integer, b integer default 1) returns integer language sql immutable as 'select b \
+ a'
alter function s0.plus rename to minus
alter function s0.minus rename to plus
alter function s0.all_of set schema s1
alter function s1.all_of set schema s0
alter function s0.kept owner to {role}
create function {schema}.{name}(x {type}) returns {type} language sql as 'select null'
drop function {schema}.{name} cascade
create function {schema}.{name}(t integer) returns setof {schema}.{table} language plpgsql as 'begin end'
create trigger {name} before insert on {schema}.{table} for each row execute function s0.fire()
alter trigger {name} on {schema}.{table} rename to {name}
alter table {schema}.{table} disable trigger {name}
alter function s0.fire() rename to fired
alter function s0.fired() rename to fire
drop trigger {name} on {schema}.{table}
create rule {name} as on insert to {schema}.{table} do also notify x
drop rule {name} on {schema}.{table}
create policy {name} on {schema}.{table} to {role} using (exists (select from {schema}.{table} o where o.id > 1))
alter policy {name} on {schema}.{table} using (true)
drop policy {name} on {schema}.{table}
create statistics {schema}.{name} on id, a from {schema}.{table}
alter statistics {schema}.{name} rename to {name}
drop statistics {schema}.{name}
create sequence {schema}.{name} owned by {schema}.{table}.{column}
alter sequence {schema}.{name} owned by none
alter sequence {schema}.n1 owned by {schema}.{table}.id
alter sequence {schema}.{name} increment 2
alter table {schema}.{table} alter {column} set default nextval('{schema}.{name}')
alter sequence {schema}.{name} rename to {name}
alter type s0.mood add value '{name}'
alter type s0.mood rename value 'sad' to 'blue'
alter type s0.mood rename value 'blue' to 'sad'
alter type s0.mood rename to humour
alter type s0.humour rename to mood
alter type s0.pair rename to couple
alter type s0.couple rename to pair
alter type s0.n0 rename to {name}
alter type s0.{name} set schema s1
alter domain s0.positive rename to above_zero
comment on operator s0.### (integer, integer) is '{name}'
comment on schema public is '{name}'
alter operator s0.### (integer, integer) set schema s1
grant select (ctid) on {schema}.{table} to {role}
create event trigger {name} on ddl_command_end execute function s0.watch()
drop event trigger {name}
alter function s0.watch rename to watched
alter type s0.pair add attribute {name} integer cascade
alter type s0.pair rename attribute a to {name} cascade
alter type s0.pair drop attribute {name} cascade
create type {schema}.{name} as (a integer, t {type})
drop type {schema}.{name} cascade
alter domain s0.positive set default 1
alter domain s0.positive add constraint {name} check (value < 9)
comment on table {schema}.{table} is '{name}'
comment on column {schema}.{table}.{column} is '{name}'
comment on constraint {name} on {schema}.{table} is '{name}'
comment on index {schema}.{name} is '{name}'
comment on trigger {name} on {schema}.{table} is '{name}'
comment on policy {name} on {schema}.{table} is '{name}'
comment on function s0.plus is '{name}'
comment on type s0.pair is '{name}'
comment on column s0.pair.b is '{name}'
comment on statistics {schema}.{name} is '{name}'
comment on schema {schema} is '{name}'
comment on domain s0.positive is null
grant select on {schema}.{table} to {role}
grant update ({column}) on {schema}.{table} to {role}
revoke all on {schema}.{table} from {role}
revoke execute on function s0.plus from public
grant usage on type s0.pair to {role}
revoke usage on type s0.mood from public
grant usage on schema {schema} to {role}
alter default privileges in schema {schema} grant select on tables to {role}
alter schema s1 rename to s2
alter schema s2 rename to s1
alter role followed_reader rename to followed_looker
alter role followed_looker rename to followed_reader
create publication {name} for table {schema}.{table}
drop publication {name}
create operator {schema}.### (leftarg = integer, rightarg = integer, function = s0.plus)
create cast (s0.pair as integer) with inout
create extension if not exists plpgsql
insert into s0.t0 (a) values (1)
analyze
vacuum full pg_attribute
vacuum full pg_class
""".strip().splitlines()


ROLES = ("followed_owner", "followed_reader", "followed_looker")
ROUNDS, CHANGES_EACH, TRIES = 5, 30, 12


@pytest.fixture(autouse=True)
def at_once(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(catalog_reader, "COMPLETE_READS", 0)


@pytest.fixture
def session(database: str) -> Iterator[psycopg.Connection[Any]]:
    with psycopg.connect(database, autocommit=True) as connection:
        if connection.info.server_version < row_versions.FIRST:
            pytest.skip("there all is read each time")
        yield connection
    with psycopg.connect(database, autocommit=True) as connection:
        _clear(connection)


def _clear(connection: psycopg.Connection[Any]) -> None:
    connection.execute("drop schema if exists s0, s1, s2 cascade")
    for role in ROLES:
        if connection.execute("select from pg_roles where rolname = %s", [role]).fetchone() is not None:
            connection.execute(f"drop owned by {role} cascade")
            connection.execute(f"drop role {role}")


def _fill(template: str, chance: random.Random) -> str:
    for kind, names in NAMES.items():
        while f"{{{kind}}}" in template:
            template = template.replace(f"{{{kind}}}", chance.choice(names), 1)
    return template


def _change(session: psycopg.Connection[Any], template: str, chance: random.Random) -> str | None:
    """Make a change as the template says; return it, or None when it is never possible."""
    for _ in range(TRIES):
        change = _fill(template, chance)
        try:
            session.execute(change)
        except psycopg.Error:
            continue
        return change
    return None


def test_what_is_read_in_part_equals_the_whole_after_any_change(session, database) -> None:
    chance = random.Random(7)
    known: list[Catalog] = []
    possible: set[str] = set()
    with psycopg.connect(database, autocommit=True) as reader:
        for _ in range(ROUNDS):
            _clear(session)
            session.execute(BASE)
            for template in chance.sample(CHANGES, CHANGES_EACH):
                change = _change(session, template, chance)
                if change is None:
                    continue
                possible.add(template)
                since = chance.choice((known[-1], chance.choice(known))) if known else None
                part, whole = catalog.follow(reader, since), catalog.read(session)
                assert part.entries == whole.entries, (change, catalog.diff(whole, part))
                assert (part.parents, part.relations) == (whole.parents, whole.relations), change
                known.append(part)
    assert len(possible) > 60, sorted(set(CHANGES) - possible)


@pytest.mark.parametrize(
    ("change", "name"),
    [
        ("alter table s0.t0 rename to z", "function s0.all_of()"),
        ("alter table s0.t2 rename to z", "table s0.t3"),
        ("alter table s0.t1 rename constraint t1_a_key to z", "function s0.kept(integer)"),
        ("alter function s0.plus rename to z", "column s0.t0.a"),
        ("alter type s0.mood rename value 'sad' to 'blue'", "column s0.t0.moods"),
        ("alter function s0.fire() rename to z", "trigger s0.t0.n0"),
        ("alter function s0.plus rename to z", "operator s0.###(integer, integer)"),
        ("comment on schema public is 'mine'", "comment schema public"),
        ("grant select (ctid) on s0.t0 to followed_reader", "privileges column s0.t0.ctid"),
        ("alter domain s0.several set default '{}'", "domain s0.several"),
        ("alter type s0.pair rename to z", "column s0.t1.p"),
    ],
)
def test_what_is_called_otherwise_is_so_wherever_it_is_named(session, database, change, name) -> None:
    session.execute(BASE)
    with psycopg.connect(database, autocommit=True) as reader:
        before = catalog.follow(reader)
        session.execute(change)
        after = catalog.follow(reader, before)
    assert after.entries == catalog.read(session).entries
    assert before.get(name) != after.get(name)


def test_a_copy_is_known_by_what_it_was_copied_from(server, session, database) -> None:
    session.execute(BASE)
    with psycopg.connect(database, autocommit=True) as reader:
        before = catalog.follow(reader)
    name = session.info.dbname
    session.close()
    with psycopg.connect(server.dsn("postgres", admin=True), autocommit=True) as administrator:
        administrator.execute(f"create database followed_copy template {name}")
    try:
        with psycopg.connect(server.dsn("followed_copy", admin=True), autocommit=True) as there:
            there.execute("alter table s0.t0 add more integer")
            after = catalog.follow(there, before)
            assert after.entries == catalog.read(there).entries
            untouched = {number: part for number, part in after.parts.items() if part is before.parts.get(number)}
            assert untouched and untouched != after.parts
            _clear(there)
    finally:
        server.drop_database("followed_copy")


def test_the_first_readings_are_whole(session, database, monkeypatch) -> None:
    monkeypatch.setattr(catalog_reader, "COMPLETE_READS", 3)
    session.execute(BASE)
    followed: list[Catalog] = []
    with psycopg.connect(database, autocommit=True) as reader:
        for _ in range(6):
            followed.append(catalog.follow(reader, followed[-1] if followed else None))
    assert [bool(one.versions) for one in followed] == [False, False, False, True, True, True]
    shared = [
        any(part is before.parts.get(number) for number, part in now.parts.items())
        for before, now in pairwise(followed)
    ]
    assert shared == [False, False, False, True, True]
