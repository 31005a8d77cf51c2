"""A statement that another one runs is checked like the same statement alone, whatever runs it."""

import pytest

DANGEROUS = {
    "explain analyze": "explain analyze delete from orders;",
    "explain with options": "explain (analyze, costs off) delete from orders;",
    "prepared statement": "prepare wipe as delete from orders; execute wipe;",
    "common table expression": "with gone as (delete from orders returning id) select count(*) from gone;",
    "insert from an expression": (
        "create table kept (id bigint); with gone as (delete from orders returning id) insert into kept select id from"
        " gone;"
    ),
    "create table as": (
        "create table kept as with gone as (select 1) select * from gone;"
        " with gone as (delete from orders returning id) select count(*) from gone;"
    ),
    "copy": "copy (delete from orders returning id) to '/dev/null';",
    "sql function": "create function run() returns void language sql as 'delete from orders'; select run();",
    "atomic function": (
        "create function run() returns void language sql begin atomic delete from orders; end; select run();"
    ),
    "quoted body": "create function run() returns void language plpgsql as 'begin delete from orders; end';"
    " select run();",
    "default": (
        "create function run() returns int language plpgsql as $b$ begin delete from orders; return 1; end $b$;\n"
        "create table jobs (id int default run()); insert into jobs default values;"
    ),
    "check": (
        "create function run() returns bool language plpgsql as $b$ begin delete from orders; return true; end $b$;\n"
        "create table jobs (id int check (run())); insert into jobs values (1);"
    ),
    "function of a function": (
        "create function inner_run() returns void language plpgsql as $b$ begin delete from orders; end $b$;\n"
        "create function run() returns void language plpgsql as $b$ begin perform inner_run(); end $b$; select run();"
    ),
    "loop over deleted rows": (
        "do $b$ declare r record; begin for r in delete from orders returning id loop null; end loop; end $b$;"
    ),
    "view": (
        "create function run() returns int language plpgsql as $b$ begin delete from orders; return 1; end $b$;\n"
        "create view v as select run() as x; select * from v;"
    ),
    "procedure": "create procedure run() language plpgsql as $b$ begin delete from orders; end $b$; call run();",
    "aggregate": (
        "create function run(int, int) returns int language plpgsql as"
        " $b$ begin delete from orders; return 1; end $b$;\n"
        "create aggregate total_of (int) (sfunc = run, stype = int); select total_of(1);"
    ),
}


@pytest.mark.parametrize("container", DANGEROUS)
def test_a_contained_statement_is_an_error(change, container):
    verdict = change(DANGEROUS[container], "select 1;")
    found = {item["hazard"] for item in verdict.report["findings"] if item["severity"] == "error"}
    assert verdict.code == 1 and found & {"data-loss", "privilege", "forbidden-content"}, verdict.output


HARMLESS = {
    "explain": "explain delete from orders;",
    "common table expression": "with few as (select id from orders) select count(*) from few;",
    "function that is not called": (
        "create function run(text) returns void language plpgsql as $b$ begin delete from orders where note = $1; end"
        " $b$;"
    ),
    "audit trigger": (
        "create table log (at timestamptz, id bigint);\n"
        "create function audit() returns trigger language plpgsql as $b$ begin insert into log values (now(), new.id);"
        " return new; end $b$;\n"
        "create trigger audit after insert or update on orders for each row execute function audit();"
    ),
}


@pytest.mark.parametrize("container", HARMLESS)
def test_harmless_twins_pass(change, container):
    down = (
        "drop trigger if exists audit on orders; drop function if exists audit(); drop table if exists log;"
        " drop function if exists run(text);"
    )
    verdict = change(HARMLESS[container], down)
    assert not verdict.errors, verdict.output
