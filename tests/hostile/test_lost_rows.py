"""What a migration does to existing rows is compared directly: rows that are gone, values that are overwritten."""

import pytest

RESTORES_NOTHING = "select 1;"
FILL = "insert into customers values (1, 'a', 'a@x.example'), (2, 'b', null);\n"
EVENTS = """
create table events (id bigint not null, day date not null, body text) partition by range (day);
create table events_2024 partition of events for values from ('2024-01-01') to ('2025-01-01');
create table events_2025 partition of events for values from ('2025-01-01') to ('2026-01-01');
insert into events values (1, '2024-02-01', 'a'), (2, '2025-02-01', 'b');
"""
DELETED = {
    "a WITH of a SELECT": "with gone as (delete from orders returning id) select count(*) from gone;",
    "a WITH of an INSERT": (
        "create table kept as select * from orders limit 0;\n"
        "with gone as (delete from orders where total > 0 returning *) insert into kept select * from gone;"
    ),
    "MERGE": "merge into orders o using customers c on o.customer_id = c.id when matched then delete;",
    "a function of the base": "select forget_orders();",
    "a block": "do $$ begin delete from orders where note is null; end $$;",
    "dynamic SQL": "do $$ begin execute 'dele' || 'te from ord' || 'ers'; end $$;",
    "a trigger of the change": (
        "create function gone() returns trigger language plpgsql as "
        "$$ begin delete from orders; return new; end $$;\n"
        "create trigger gone after update on customers for each row execute function gone();\n"
        "update customers set email = 'x@y.example' where email is null;"
    ),
    "a trigger of the base": "insert into commands values ('purge');",
    "a rule of the change": (
        "create rule gone as on insert to commands do also delete from orders;\ninsert into commands values ('x');"
    ),
    "ON DELETE CASCADE": "delete from parents where id > 0;",
    "TRUNCATE CASCADE": "truncate parents cascade;",
    "TRUNCATE in a function": (
        "create function empty() returns void language plpgsql as $$ begin execute 'truncate orders'; end $$;\n"
        "select empty();"
    ),
    "a procedure": (
        "create procedure purge() language sql begin atomic; delete from orders where total < 1000; end;\ncall purge();"
    ),
    "PREPARE": "prepare p as delete from orders where total > $1;\nexecute p(-100000);",
    "EXPLAIN ANALYZE": "explain analyze delete from orders;",
    "CREATE TABLE AS": (
        "create function forget() returns bigint language sql as "
        "$$ with d as (delete from orders returning 1) select count(*) from d $$;\n"
        "create table result as select forget();"
    ),
    "a cursor": (
        "do $$ declare c cursor for select * from orders for update; r record; begin open c; loop fetch c into r; "
        "exit when not found; delete from orders where current of c; end loop; end $$;"
    ),
    "a detached partition": "alter table events detach partition events_2024;",
    "a dropped partition": "drop table events_2024;",
    "a view that can be updated": "delete from order_totals;",
    "a new generation": "delete from orders; insert into orders values (9, 1000003, 1, null);",
    "a deferred trigger": (
        "create function gone() returns trigger language plpgsql as $$ begin delete from orders; return null; end $$;\n"
        "create constraint trigger gone after insert on commands deferrable initially deferred "
        "for each row execute function gone();\ninsert into commands values ('y');"
    ),
    "a renamed table": "alter table orders rename to purchases;\ndelete from purchases where id > 0;",
    "COPY of a query": "copy (with d as (delete from orders returning id) select id from d) to stdout;",
}
MORE = """
create table commands (name text primary key);
create function forget_orders() returns void language plpgsql as $$ begin delete from orders; end $$;
create function obey() returns trigger language plpgsql as $$ begin
  if new.name = 'purge' then perform forget_orders(); end if; return new; end $$;
create trigger obey before insert on commands for each row execute function obey();
create table parents (id bigint primary key);
create table children (id bigint primary key, parent_id bigint references parents (id) on delete cascade);
create view order_totals as select id, total from orders;
"""


@pytest.mark.parametrize("name", DELETED)
def test_deleted_rows_are_data_loss(change, name):
    verdict = change(DELETED[name], RESTORES_NOTHING, base=MORE + EVENTS)
    assert verdict.code == 1, verdict.output
    found = [item for item in verdict.report["findings"] if item["hazard"] == "data-loss"]
    assert any(item["severity"] == "error" and item["verdict"] != "refuted" for item in found), verdict.output
