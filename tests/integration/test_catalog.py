"""The catalog text: whatever a migration can change shows, whatever a session can change does not."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import psycopg
import pytest

from kfm_ci.evidence import schema_diff
from kfm_ci.postgres import catalog

BASE = """
create table public.owners (id integer primary key);
create table public.widgets (
  id serial primary key, name text not null default 'x' constraint named check (name <> ''),
  extra text, owner_id integer constraint owned references public.owners,
  seen timestamptz default '2020-01-01 00:00:00+02');
create index widgets_name_idx on public.widgets (name);
create unique index widgets_other_idx on public.widgets (id, name);
create function public.f(a integer) returns integer language sql as 'select 1';
create procedure public.p() language sql as 'select 1';
create aggregate public.total(integer) (sfunc = int4pl, stype = integer);
create function public.fire() returns trigger language plpgsql as 'begin return new; end';
create trigger watch before insert on public.widgets for each row execute function public.fire();
create rule quiet as on delete to public.owners do instead nothing;
create policy own on public.widgets using (id > 0);
create type public.mood as enum ('sad', 'happy');
create type public.pair as (a integer, b text);
create type public.span as range (subtype = integer);
create domain public.positive as integer constraint above check (value > 0);
create view public.named_widgets as select id, name from public.widgets;
create materialized view public.counted as select count(*) from public.widgets;
create statistics public.related on id, name from public.widgets;
create sequence public.numbers;
create table public.events (at integer) partition by range (at);
create table public.events_1 partition of public.events for values from (1) to (9);
create publication news for table public.widgets;
create cast (public.pair as integer) with inout;
"""

CHANGES = [
    ("create schema s", "schema s"),
    ("alter table widgets rename to gadgets", "table public.gadgets"),
    ("alter table events_1 set unlogged", "table public.events_1"),
    ("alter table widgets set (fillfactor = 70)", "table public.widgets"),
    ("alter table widgets enable row level security", "table public.widgets"),
    ("alter table widgets replica identity full", "table public.widgets"),
    ("alter table widgets replica identity using index widgets_other_idx", "index public.widgets_other_idx"),
    ("alter table widgets cluster on widgets_name_idx", "index public.widgets_name_idx"),
    ("alter table widgets add colour varchar(7)", "column public.widgets.colour"),
    ("alter table widgets alter extra type varchar(9)", "column public.widgets.extra"),
    ('alter table widgets alter extra type text collate "C"', "column public.widgets.extra"),
    ("alter table widgets alter name drop not null", "column public.widgets.name"),
    ("alter table widgets alter name set default 'y'", "column public.widgets.name"),
    ("alter table widgets alter name set storage external", "column public.widgets.name"),
    ("alter table widgets alter name set statistics 7", "column public.widgets.name"),
    ("alter table owners alter id add generated always as identity", "column public.owners.id"),
    ("alter table widgets add constraint late check (id > 0) not valid", "constraint public.widgets.late"),
    ("alter table widgets alter constraint owned deferrable", "constraint public.widgets.owned"),
    ("drop index widgets_name_idx", "index public.widgets_name_idx"),
    (
        "update pg_index set indisvalid = false where indexrelid = 'widgets_name_idx'::regclass",
        "index public.widgets_name_idx",
    ),
    (
        "create or replace function f(a integer) returns integer language sql as 'select 2'",
        "function public.f(integer)",
    ),
    ("alter function f(integer) security definer", "function public.f(integer)"),
    ("drop procedure p()", "procedure public.p()"),
    ("drop aggregate total(integer)", "aggregate public.total(integer)"),
    ("alter table widgets disable trigger watch", "trigger public.widgets.watch"),
    ("drop rule quiet on owners", "rule public.owners.quiet"),
    ("alter policy own on widgets using (id > 1)", "policy public.widgets.own"),
    ("alter type mood add value 'calm' before 'happy'", "type public.mood"),
    ("alter type pair add attribute c integer", "type public.pair"),
    ("drop type span", "type public.span"),
    ("alter domain positive set default 1", "domain public.positive"),
    ("alter domain positive drop constraint above", "constraint public.positive.above"),
    ("create or replace view named_widgets as select id, name from widgets where id > 1", "view public.named_widgets"),
    ("refresh materialized view counted with no data", "materialized view public.counted"),
    ("alter statistics related set statistics 9", "statistics public.related"),
    ("alter sequence numbers increment 2", "sequence public.numbers"),
    ("alter sequence numbers owned by widgets.id", "sequence public.numbers"),
    ("alter table events detach partition events_1", "table public.events_1"),
    ("grant select on widgets to public", "privileges table public.widgets"),
    ("grant select (name) on widgets to public", "privileges column public.widgets.name"),
    ("revoke execute on function f(integer) from public", "privileges function public.f(integer)"),
    ("comment on column widgets.name is 'what it is called'", "comment table column public.widgets.name"),
    ("alter default privileges grant select on tables to public", "default privileges of postgres on r"),
    ("alter publication news drop table widgets", "publication news"),
    ("drop cast (pair as integer)", "cast public.pair to integer"),
]


@pytest.fixture
def connection(database: str) -> Iterator[psycopg.Connection[Any]]:
    with psycopg.connect(database, autocommit=True) as opened:
        opened.execute(BASE)
        yield opened


def test_every_kind_of_change_shows_under_its_name_and_is_gone_when_rolled_back(
    connection: psycopg.Connection[Any],
) -> None:
    me = connection.execute("select quote_ident(current_user)").fetchone()
    assert me is not None
    before = catalog.read(connection)
    unseen = []
    for statement, name in CHANGES:
        try:
            with connection.transaction(force_rollback=True):
                connection.execute(statement)
                after = catalog.read(connection)
        except psycopg.Error as error:
            unseen.append((statement, [str(error)]))
            continue
        difference = catalog.diff(before, after)
        names = {*difference.added, *difference.removed, *(change[0] for change in difference.changed)}
        if name.replace("of postgres", f"of {me[0]}") not in names or after.digest == before.digest:
            unseen.append((statement, sorted(names)))
    assert unseen == []
    assert catalog.read(connection) == before


def test_the_fingerprint_does_not_depend_on_the_session(connection: psycopg.Connection[Any]) -> None:
    before = catalog.read(connection)
    connection.execute("set timezone = 'Asia/Tokyo'; set search_path = public; set datestyle = 'German'")
    connection.execute("set quote_all_identifiers = on; set standard_conforming_strings = off")
    assert catalog.read(connection).text() == before.text()
    assert connection.execute("show timezone").fetchone() == ("Asia/Tokyo",)
    assert connection.execute("show search_path").fetchone() == ("public",)


def test_reading_inside_a_transaction_leaves_its_settings_alone(connection: psycopg.Connection[Any]) -> None:
    with connection.transaction():
        connection.execute("set local search_path = public")
        catalog.read(connection)
        assert connection.execute("show search_path").fetchone() == ("public",)
        assert connection.execute("select pg_current_xact_id_if_assigned()").fetchone() == (None,)


def test_a_column_dropped_and_restored_is_no_difference_though_it_stands_last(
    connection: psycopg.Connection[Any],
) -> None:
    connection.execute("create table t (a integer, b integer)")
    before = catalog.read(connection)
    connection.execute("alter table t drop a; alter table t add a integer")
    after = catalog.read(connection)
    assert after == before
    assert after.digest == before.digest
    assert [list(state.relations["public.t"].columns) for state in (before, after)] == [["a", "b"], ["b", "a"]]


def test_a_column_that_may_be_null_now_is_one_difference(connection: psycopg.Connection[Any]) -> None:
    before = catalog.read(connection)
    connection.execute("alter table widgets alter name drop not null")
    difference = catalog.diff(before, catalog.read(connection))
    assert (difference.added, difference.removed) == ((), ())
    assert [change[0] for change in difference.changed] == ["column public.widgets.name"]


def test_a_privilege_granted_and_revoked_is_no_difference(connection: psycopg.Connection[Any]) -> None:
    before = catalog.read(connection)
    connection.execute("grant select on widgets to public; revoke select on widgets from public")
    assert catalog.read(connection) == before


def test_a_views_option_that_says_what_holds_anyway_is_no_difference(connection: psycopg.Connection[Any]) -> None:
    connection.execute("create view shown as select 1 as n")
    before = catalog.read(connection)
    connection.execute("alter view shown set (security_barrier = false)")
    assert catalog.read(connection) == before
    connection.execute("alter view shown set (security_barrier = true)")
    assert catalog.read(connection) != before


def test_our_own_schemas_temporary_tables_and_rows_do_not_count(connection: psycopg.Connection[Any]) -> None:
    before = catalog.read(connection)
    connection.execute("create schema kfm_ci; create table kfm_ci.ledger (id text primary key)")
    connection.execute("comment on table kfm_ci.ledger is 'ours'; create schema kfm_observe")
    connection.execute("create function kfm_observe.f() returns event_trigger language plpgsql as 'begin end'")
    connection.execute("create event trigger watching on ddl_command_end execute function kfm_observe.f()")
    connection.execute("create temporary table passing (a integer)")
    connection.execute("insert into owners values (1); select nextval('numbers')")
    assert catalog.diff(before, catalog.read(connection)).empty


def test_a_new_table_is_listed_without_its_parts_and_a_new_column_of_an_old_one_is_listed(
    connection: psycopg.Connection[Any],
) -> None:
    before = catalog.read(connection)
    connection.execute("create table parts (id serial primary key, w integer references widgets)")
    connection.execute("comment on table parts is 'x'; grant select on parts to public")
    connection.execute("create index on parts (w); alter table widgets add colour text unique")
    after = catalog.read(connection)
    added = schema_diff.diff(before, after).added
    assert added == (
        "column public.widgets.colour",
        "constraint public.widgets.widgets_colour_key",
        "table public.parts",
    )
    assert "column public.parts.id" in catalog.diff(before, after).added
    assert schema_diff.diff(after, before).removed == added


def test_changed_tables_and_their_neighbours_are_found_for_the_diagram(connection: psycopg.Connection[Any]) -> None:
    before = catalog.read(connection)
    connection.execute("drop index widgets_name_idx; alter table widgets drop column name cascade")
    after = catalog.read(connection)
    changed = schema_diff.changed_tables(schema_diff.diff(before, after), after)
    assert changed == ("public.widgets",)
    tables = schema_diff.read_neighbourhood(connection, changed)
    assert [table.name for table in tables] == ["public.owners", "public.widgets"]
    assert tables[1].references == ("public.owners",)
    assert [(column.name, column.key) for column in tables[1].columns] == [
        ("id", "PK"),
        ("extra", None),
        ("owner_id", "FK"),
        ("seen", None),
    ]


def test_names_that_imitate_another_object_do_not_give_the_same_text(connection: psycopg.Connection[Any]) -> None:
    connection.execute('create table "a\nb" (c integer)')
    text = catalog.read(connection).text()
    assert 'table public."a\\n\n  b": owner' in text


def test_a_role_without_rights_reads_the_same_catalog(connection: psycopg.Connection[Any]) -> None:
    before = catalog.read(connection)
    with connection.transaction(force_rollback=True):
        connection.execute("create role kfm_reader_of_catalogs")
        connection.execute("set local role kfm_reader_of_catalogs")
        assert catalog.read(connection) == before
