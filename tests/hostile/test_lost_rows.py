"""What a migration does to existing rows is compared directly: rows that are gone, values that are overwritten."""

import pytest

RESTORES_NOTHING = "select 1;"
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


OVERWRITTEN = {
    "ON CONFLICT DO UPDATE": (
        "insert into customers (id, name) select id, 'x' from customers on conflict (id) do update set name = 'y';"
    ),
    "MERGE": "merge into orders o using customers c on o.customer_id = c.id when matched then update set total = 0;",
    "a WITH of a SELECT": "with u as (update orders set total = 0 where total <> 0 returning id) select 1 from u;",
    "NULL": "update orders set note = null where id > 0;",
    "dynamic SQL": "do $$ begin execute 'update orders set total = total * 2'; end $$;",
    "a narrower type": "alter table customers alter column email type varchar(3) using left(email, 3);",
    "a constant": "alter table customers alter column email type jsonb using '{}';",
    "ON DELETE SET NULL": "delete from owners where id > 0;",
    "a trigger of the base": "insert into orders_to_zero values ('x');",
    "a copy elsewhere": "create table saved as table orders;\nupdate orders set note = 'lost' where note <> '';",
}
REFERENCES = """
create table owners (id bigint primary key);
create table things (id bigint primary key, owner_id bigint references owners on delete set null);
create table orders_to_zero (name text);
create function zero() returns trigger language plpgsql as $$ begin update orders set total = 0; return new; end $$;
create trigger zero after insert on orders_to_zero for each row execute function zero();
"""


@pytest.mark.parametrize("name", OVERWRITTEN)
def test_overwritten_values_are_data_loss(change, name):
    verdict = change(OVERWRITTEN[name], RESTORES_NOTHING, base=REFERENCES)
    assert verdict.code == 1 and "values-overwritten" in verdict.errors, verdict.output


STAMPED = """
create table stamped (
  id int generated always as identity primary key, name varchar(40), updated_at timestamptz not null default now()
);
create function stamp() returns trigger language plpgsql as $$ begin new.updated_at := now(); return new; end $$;
create trigger stamp before update on stamped for each row execute function stamp();
"""
HARMLESS = {
    "rows of the change": (
        "insert into commands values ('a'), ('b');\ndelete from commands where name = 'a';",
        "delete from commands where name = 'b';",
    ),
    "lookup rows": (
        "create table roles (id bigint primary key, name text);\ninsert into roles values (1, 'a');\n"
        "update roles set name = 'b';\ndelete from roles;",
        "drop table roles;",
    ),
    "NULLs that get a value": (
        "update customers set email = 'x@y.example' where id in "
        "(select id from customers where email is null order by id limit 1000);",
        RESTORES_NOTHING,
    ),
    "the same values": (
        "update customers set name = name where id in (select id from customers order by id limit 10);",
        RESTORES_NOTHING,
    ),
    "a wider type": (
        "set local lock_timeout = '2s';\nalter table stamped alter column name type varchar(60);",
        "alter table stamped alter column name type varchar(40);",
    ),
    "no conflict": (
        "insert into commands values ('a') on conflict (name) do update set name = excluded.name;",
        "delete from commands where name = 'a';",
    ),
    "another partition": (
        "create table events_2026 partition of events for values from ('2026-01-01') to ('2027-01-01');",
        "drop table events_2026;",
    ),
    "values that the rollback restores": (
        "update plans set seats = 5 where id = 1;",
        "update plans set seats = 3 where id = 1;",
    ),
}
PLANS = "create table plans (id bigint primary key, seats bigint);\ninsert into plans values (1, 3), (2, 4);\n"


@pytest.mark.parametrize("name", HARMLESS)
def test_rows_that_lose_nothing_pass(change, name):
    up, down = HARMLESS[name]
    verdict = change(up, down, base=MORE + EVENTS + STAMPED + PLANS)
    assert verdict.code == 0 and not verdict.errors, verdict.output


def test_a_deletion_names_table_columns_and_number_and_can_be_acknowledged(pull_request):
    base = "create table orders (id bigint primary key, total numeric);\ninsert into orders values (1, 1), (2, 2);\n"
    pull_request.write({"db/V1__base.sql": base, "kfm-ci.toml": '[migrations]\ndir = "db"\nformat = "flyway"\n'})
    pull_request.commit()
    pull_request.write({"db/V2__dedup.sql": "delete from orders where id = 2;\n"})
    refused = pull_request.gate()
    found = refused.error("rows-deleted")
    assert refused.code == 1 and found["line"] == 1
    assert "1 of 2 existing rows of `public.orders` with `id`, `total`" in found["message"]
    allowed = '-- kfm:allow data-loss reason="the second row is a duplicate of the first"\n'
    pull_request.write({"db/V2__dedup.sql": f"{allowed}delete from orders where id = 2;\n"})
    verdict = pull_request.gate()
    assert verdict.code == 0, verdict.output


def test_an_acknowledged_deletion_hides_no_other_one(pull_request):
    base = "create table orders (id bigint primary key, total numeric);\ninsert into orders values (1, 1), (2, 2);\n"
    pull_request.write({"db/V1__base.sql": base, "kfm-ci.toml": '[migrations]\ndir = "db"\nformat = "flyway"\n'})
    pull_request.commit()
    allowed = '-- kfm:allow data-loss reason="the second row is a duplicate of the first"\n'
    more = f"{allowed}delete from orders where id = 2;\nwith d as (delete from orders returning 1) select 1 from d;\n"
    pull_request.write({"db/V2__dedup.sql": more})
    verdict = pull_request.gate()
    assert verdict.code == 1 and verdict.error("rows-deleted"), verdict.output
