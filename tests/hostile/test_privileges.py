"""Rights that a change gives away fail the gate, however its statements do it; ordinary grants pass."""

from __future__ import annotations

import pytest

ROLES = '[database]\nroles = ["reporting"]\n'
SECURED = """alter table orders enable row level security;
create policy own_orders on orders using (note = current_user);
create policy no_secrets on orders as restrictive using (total < 1000);
create view safe_orders with (security_barrier = true) as select id from orders where total > 0;
create function secret_total() returns numeric language sql security definer set search_path = pg_catalog, pg_temp
  as 'select 1.0';
revoke execute on function secret_total() from public;
grant select on orders to reporting;
create function run_it(sql text) returns void language plpgsql as $$ begin execute sql; end $$;
"""

WAYS = {
    "plain": "{};",
    "dynamic": "do $$ begin execute '{quoted}'; end $$;",
    "base function": "select run_it('{quoted}');",
    "new function": "create function g() returns void language plpgsql as $$ begin execute '{quoted}'; end $$;\n"
    "select g();\ndrop function g();",
}

WIDE = {
    "grant all on orders to public": "granted-to-public",
    "grant insert on orders to public": "granted-to-public",
    "grant update (total) on orders to public": "granted-to-public",
    "grant delete on all tables in schema public to public": "granted-to-public",
    "grant create on schema public to public": "granted-to-public",
    "grant execute on function secret_total() to public": "granted-to-public",
    "alter default privileges in schema public grant select on tables to public": "granted-to-public",
    "alter default privileges grant all on sequences to public": "granted-to-public",
    "alter table orders disable row level security": "row-security-weakened",
    "drop policy no_secrets on orders": "row-security-weakened",
    "alter policy own_orders on orders using (true)": "row-security-weakened",
    "create policy all_rows on orders for select using (true)": "row-security-weakened",
    "create or replace view safe_orders as select id from orders where total > 0": "row-security-weakened",
    "alter view safe_orders reset (security_barrier)": "row-security-weakened",
    "alter function order_count() security definer": "security-definer-search-path",
    "alter function secret_total() reset all": "security-definer-search-path",
    "create function leak() returns bigint language sql security definer as ''select count(*) from orders''": (
        "security-definer-search-path"
    ),
    "revoke select on orders from reporting": "privileges-revoked",
    "revoke insert on orders from current_user": "privileges-revoked",
}


CASES = [
    (statement, way)
    for number, statement in enumerate(WIDE)
    for way in ("plain", ("dynamic", "base function", "new function")[number % 3])
]


@pytest.mark.parametrize(("statement", "way"), CASES)
def test_rights_given_away_fail_the_gate(change, statement, way):
    sql = statement.replace("''", "'")
    verdict = change(WAYS[way].format(sql, quoted=statement), "select 1;", base=SECURED, settings=ROLES)
    assert verdict.code == 1, verdict.output
    assert WIDE[statement] in verdict.errors, verdict.output
    if way != "new function":
        # a function of the change is reported at its body and at its call
        found = [item for item in verdict.report["findings"] if item["rule"] == WIDE[statement]]
        assert len(found) == 1, found


HARMLESS = {
    "grant insert on orders to reporting": "revoke insert on orders from reporting",
    "grant insert, update on customers to reporting": "revoke insert, update on customers from reporting",
    "create table a (id bigint primary key); grant all on a to reporting": "drop table a",
    "create policy more on orders for insert with check (note = current_user)": "drop policy more on orders",
    "create or replace view safe_orders with (security_barrier = true) as select id from orders where total > 1": (
        "create or replace view safe_orders with (security_barrier = true) as select id from orders where total > 0"
    ),
    "create function f() returns int language sql security definer set search_path = pg_catalog as 'select 1'": (
        "drop function f()"
    ),
    "alter table customers enable row level security; create policy a on customers using (name = current_user)": (
        "drop policy a on customers; alter table customers disable row level security"
    ),
    "create function f() returns int language sql as 'select 1'; create type mood as enum ('ok')": (
        "drop function f(); drop type mood"
    ),
    "create function f() returns int language sql as 'select 1'; revoke execute on function f() from public": (
        "drop function f()"
    ),
}


@pytest.mark.parametrize("statement", HARMLESS)
def test_ordinary_rights_pass(change, statement):
    verdict = change(f"{statement};", f"{HARMLESS[statement]};", base=SECURED, settings=ROLES)
    assert verdict.code == 0 and not verdict.errors, verdict.output
