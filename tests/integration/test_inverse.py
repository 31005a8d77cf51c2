"""What the scaffold writes as a down is run on a real server: it must bring the schema back."""

from __future__ import annotations

import psycopg
import pytest

from kfm_ci.migrations import inverse
from kfm_ci.model import Digest
from kfm_ci.postgres import catalog
from kfm_ci.sql import statements
from kfm_ci.sql.script import Script, SourceFile

BASE = """
create schema side;
create table widgets (id integer primary key, name text not null, "order" integer, parent integer, part integer);
create table parts (id integer primary key, kind text);
create table measures (at date not null) partition by range (at);
create table measures_2026 (at date not null);
create type colour as enum ('red', 'green');
create domain label as text;
create sequence counter;
create function area(a integer, b integer) returns integer language sql as 'select a * b';
create function noted() returns trigger language plpgsql as 'begin return new; end';
create view named as select name from widgets;
create index widgets_name on widgets (name);
create trigger seen before insert on widgets for each row execute function noted();
"""

SURE = [
    "alter table widgets add column colour text default 'red', add column \"Size\" integer",
    "alter table widgets add constraint positive check (id > 0)",
    "alter table widgets add check (id > 0), add unique (name, part), add check (1 = 1)",
    "alter table widgets add foreign key (part) references parts",
    (
        "alter table widgets add constraint a foreign key (part) references parts not valid; alter table widgets "
        "validate constraint a"
    ),
    "alter table widgets alter part set not null",
    "alter table widgets alter name drop not null",
    "alter table widgets alter id add generated always as identity",
    "alter table widgets enable row level security, force row level security",
    "alter table widgets disable trigger seen",
    "alter table measures attach partition measures_2026 for values from ('2026-01-01') to ('2027-01-01')",
    (
        "create table boxes (id integer primary key); create index on boxes (id); comment on table boxes is 'b'; "
        "grant select on boxes to public"
    ),
    (
        "create table a (id integer primary key); create table b (id integer primary key, a integer references "
        "a); alter table a add b integer references b"
    ),
    (
        "create table a (id integer); create function f() returns trigger language plpgsql as 'begin return new; "
        "end'; create trigger t before insert on a for each row execute function f()"
    ),
    "create table a (id integer); create type tone as enum ('x'); alter table a add tone tone",
    "create index on widgets (lower(name), part)",
    "create unique index widgets_part on widgets (part)",
    "create index concurrently widgets_part on widgets (part)",
    "create index on only measures (at)",
    "create sequence side.numbers",
    "create view w as select 1 as one; create materialized view m as select 1 as one",
    (
        "create type pair as (a integer, b text); create type tone as enum ('x'); create type span as range "
        "(subtype = date)"
    ),
    "create domain short as varchar(3)",
    "create function f(a integer, out b text, variadic c text[]) language sql as 'select 1::text'",
    "create function side.f(double precision, timestamptz[], \"char\", widgets) returns int language sql as 'select 1'",
    "create procedure p(a integer) language sql as 'select 1'",
    "create trigger t after insert on widgets for each statement execute function noted()",
    "create policy p on widgets for select using (true); create rule r as on insert to parts do also nothing",
    "create schema extra; create table extra.t (a integer)",
    "create statistics st on id, part from widgets",
    "create publication everything",
    "grant select, update (name) on widgets to public; grant usage on schema side to public",
    "alter default privileges in schema side grant select on tables to public",
    "alter table widgets rename to gadgets",
    "alter table widgets rename column name to title",
    "alter table widgets rename constraint widgets_pkey to key",
    "alter index widgets_name rename to by_name",
    'alter sequence counter rename to "Counter"',
    "alter view named rename to called",
    "alter view named rename column name to title",
    "alter type colour rename to hue",
    "alter type colour rename value 'red' to 'it''s red'",
    "alter domain label rename to tag",
    "alter function area(integer, integer) rename to surface",
    "alter trigger seen on widgets rename to noticed",
    "alter schema side rename to flank",
    "alter table public.widgets set schema side",
    (
        "alter table widgets rename to gadgets; alter table gadgets add column colour text; create index on "
        "gadgets (colour)"
    ),
    "comment on table widgets is 'x'; comment on column widgets.name is 'y'; comment on schema side is 'z'",
    "create table copied as select * from widgets; select id into other from widgets",
]


def script(text: str) -> Script:
    data = text.encode()
    return Script(file=SourceFile(path="x.up.sql", data=data, text=text, sha256=Digest.of(data)), text=text)


@pytest.mark.parametrize("up", SURE)
def test_the_written_down_brings_the_schema_back(database: str, up: str) -> None:
    down = inverse.write(script(up))
    assert "TODO" not in down
    with psycopg.connect(database, autocommit=True) as connection:
        connection.execute(BASE)
        before = catalog.read(connection)
        for part in statements.split(up):
            connection.execute(part.text)
        assert catalog.read(connection) != before
        for line in down.splitlines():
            connection.execute(line)
        assert catalog.diff(before, catalog.read(connection)).empty, down


@pytest.mark.parametrize(
    ("up", "word"),
    [
        ("alter table widgets drop column name", "type, default and values"),
        ("alter table widgets alter id type bigint", "the former type of id of widgets"),
        ("alter table widgets alter id set default 1", "the former default of id of widgets"),
        ("drop table widgets", "create it again"),
        ("update widgets set name = 'x'", "the former values of the rows of widgets"),
        ("insert into widgets values (1)", "which rows of widgets it inserted"),
        ("alter type colour add value 'blue'", "PostgreSQL cannot remove a value from type colour"),
        ("do $$ begin end $$", "the inverse of"),
        ("create tabel x", "does not parse"),
    ],
)
def test_what_the_up_does_not_tell_is_left_to_the_author(up: str, word: str) -> None:
    down = inverse.write(script(up))
    assert down.startswith("-- TODO (line 1 of the up migration): ") and word in down
    assert len(down.splitlines()) == 1


@pytest.mark.parametrize(
    ("up", "word", "down"),
    [
        ("create table if not exists a (b int)", "whether it existed before", "drop table a;"),
        ("create or replace view v as select 1", "whether it replaced another", "drop view v;"),
        ("create index on t (a)", "whether PostgreSQL chose the name t_a_idx for the index", "drop index t_a_idx;"),
        ("revoke select on t from x", "whether all these privileges were granted", "GRANT select ON t TO x;"),
    ],
)
def test_what_is_likely_is_written_with_what_to_check(up: str, word: str, down: str) -> None:
    first, second = inverse.write(script(up)).splitlines()
    assert first.startswith("-- CHECK (line 1 of the up migration): ") and word in first
    assert second == down


def test_hostile_names_end_neither_comment_nor_statement() -> None:
    down = inverse.write(script('alter table "a\n; drop table b" drop column "c\n; drop table d"'))
    assert len(down.splitlines()) == 1 and down.startswith("-- TODO")
    assert inverse.write(script('create table "a""; b" (c int)')) == 'drop table "a""; b";'
