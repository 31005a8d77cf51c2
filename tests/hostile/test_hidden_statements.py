"""Dangerous statements, hidden in every container and behind every condition known here: none of them passes.

One pull request holds one migration for each condition, each on tables of its own, so that a run of the gate answers
for all of them; every migration must have a finding that fails the gate. The harmless twins must pass.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

import pytest

from .conftest import migration

TABLES = """create table customers_{n} (id bigint primary key, name text not null);
create table orders_{n} (
  id bigint primary key, customer_id bigint not null references customers_{n} (id), total numeric(12, 3) not null,
  note text not null
);
create view open_orders_{n} as select id, total from orders_{n};
create function order_count_{n}() returns bigint language sql stable as 'select count(*) from orders_{n}';
"""

DANGEROUS = (
    "drop table orders_{n} cascade",
    "alter table orders_{n} drop column note",
    "truncate orders_{n}",
    "delete from orders_{n}",
    "update orders_{n} set note = ''",
    "alter table orders_{n} rename to orders_{n}_old",
    "drop view open_orders_{n}",
    "truncate customers_{n} cascade",
    "alter table orders_{n} alter column customer_id type integer",
    "alter table orders_{n} rename column note to remark",
)
HARMLESS = (
    "alter table orders_{n} add column paid_on date",
    "create table notes_{n} (id bigint primary key, text text)",
    "comment on table orders_{n} is 'Orders'",
    "create view small_orders_{n} as select id from orders_{n}",
)

Wrap = Callable[[str], str]

CONDITIONS: dict[str, Wrap] = {
    "always": lambda sql: f"{sql};",
    "date": lambda sql: f"if now() > timestamp '2099-06-01' then {sql}; end if;",
    "session user": lambda sql: f"if session_user = 'app_production' then {sql}; end if;",
    "row count": lambda sql: f"if (select count(*) from pg_catalog.pg_class) > 100000 then {sql}; end if;",
    "setting": lambda sql: f"if current_setting('app.stage', true) = 'production' then {sql}; end if;",
    "version": lambda sql: f"if current_setting('server_version_num')::int > 990000 then {sql}; end if;",
    "case": lambda sql: f"case when inet_server_port() = 1 then {sql}; else null; end case;",
    "while": lambda sql: f"while current_database() = 'production' loop {sql}; exit; end loop;",
    "for": lambda sql: f"for r in select 1 where current_database() = 'production' loop {sql}; end loop;",
    "handler": lambda sql: f"begin perform 1; exception when division_by_zero then {sql}; end;",
    "return": lambda sql: f"if current_database() <> 'production' then return; end if; {sql};",
    "execute": lambda sql: f"if current_database() = 'production' then execute $q${sql}$q$; end if;",
    "loop exit": lambda sql: f"loop exit when current_database() <> 'production'; {sql}; exit; end loop;",
    "else": lambda sql: f"if current_database() <> 'production' then null; else {sql}; end if;",
}

CONTAINERS: dict[str, Wrap] = {
    "do": lambda body: f"do $b$ declare r record; begin {body} end $b$;",
    "nested block": lambda body: f"do $b$ declare r record; begin begin {body} end; end $b$;",
    "function": lambda body: (
        f"create function run_{{n}}() returns void language plpgsql as $b$ declare r record; begin {body} end $b$;\n"
        "select run_{n}();"
    ),
    "temporary function": lambda body: (
        f"create function pg_temp.run_{{n}}() returns void language plpgsql as $b$ declare r record; begin {body} end"
        " $b$;\nselect pg_temp.run_{n}();"
    ),
    "procedure": lambda body: (
        f"create procedure run_{{n}}() language plpgsql as $b$ declare r record; begin {body} end $b$;\n"
        "call run_{n}();"
    ),
    "function called by a block": lambda body: (
        f"create function run_{{n}}() returns void language plpgsql as $b$ declare r record; begin {body} end $b$;\n"
        "do $c$ begin perform run_{n}(); end $c$;"
    ),
    "trigger": lambda body: (
        "create table jobs_{n} (id int);\n"
        f"create function run_{{n}}() returns trigger language plpgsql as $b$ declare r record; begin {body}\n"
        "return new; end $b$;\n"
        "create trigger t before insert on jobs_{n} for each row execute function run_{n}();\n"
        "insert into jobs_{n} values (1);"
    ),
}


def hidden(number: int, statement: str, condition: Wrap, container: Wrap) -> str:
    """Return the text of a migration."""
    return container(condition(statement)).replace("{n}", str(number))


def repository(pull_request, container: Wrap, statements: tuple[str, ...], shift: int) -> dict[str, tuple[str, str]]:
    """Write a pull request with one migration for each condition; return conditions and statements by migration."""
    base = "".join(TABLES.replace("{n}", str(n)) for n in range(len(CONDITIONS)))
    pull_request.write(migration("20240101000000__base", base, "select 1;"))
    pull_request.commit()
    written = {}
    for number, (name, condition) in enumerate(CONDITIONS.items()):
        statement = statements[(number + shift) % len(statements)]
        id = f"202402010000{number:02d}__change"
        # a function's early return must return something in a trigger
        text = hidden(number, statement, condition, container)
        if "returns trigger" in text:
            text = text.replace("then return;", "then return new;")
        pull_request.write(migration(id, text, "select 1;"))
        written[id] = (name, statement)
    return written


@pytest.mark.parametrize("shift", range(len(DANGEROUS)))
@pytest.mark.parametrize("container", CONTAINERS)
def test_no_hidden_statement_passes(pull_request, container, shift):
    written = repository(pull_request, CONTAINERS[container], DANGEROUS, shift)
    verdict = pull_request.gate()
    failing = {item["migration"] for item in verdict.report["findings"] if _names_the_danger(item)}
    assert verdict.code == 1, verdict.output
    assert {written[id] for id in written if id not in failing} == set()


def _names_the_danger(item: Mapping[str, Any]) -> bool:
    """Whether a finding fails the gate for what the statement does: these migrations have no down worth the name."""
    return item["severity"] == "error" and item["verdict"] != "refuted" and not item["rule"].startswith("rollback-")


@pytest.mark.parametrize("shift", range(len(HARMLESS)))
@pytest.mark.parametrize("container", CONTAINERS)
def test_harmless_twins_pass(pull_request, container, shift):
    repository(pull_request, CONTAINERS[container], HARMLESS, shift)
    verdict = pull_request.gate()
    assert [item for item in verdict.report["findings"] if _names_the_danger(item)] == [], verdict.output
