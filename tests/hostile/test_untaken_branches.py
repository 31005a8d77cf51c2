"""What did not run here is not refuted, and an exception handler hides nothing."""

import pytest

UNDONE = (
    "begin drop table orders cascade; raise exception 'x'; exception when others then null; end;",
    "begin alter table orders drop column note; perform 1 / 0; exception when division_by_zero then null; end;",
    "begin truncate orders; if now() < timestamp '2099-01-01' then raise exception 'x'; end if;"
    " exception when raise_exception then null; end;",
    "begin drop table orders_of_2019; exception when undefined_table then null; end;",
)


@pytest.mark.parametrize("block", UNDONE)
def test_work_that_a_handler_undid_is_an_error(change, block):
    verdict = change(f"do $b$ begin {block} end $b$;", "select 1;")
    assert "dangerous-statement-not-run" in verdict.errors, verdict.output


GUARDED = (
    "begin alter table orders add constraint positive check (total >= 0) not valid;"
    " exception when duplicate_object then null; end;",
    "begin create type mood as enum ('sad', 'happy'); exception when duplicate_object then null; end;",
    "if not exists (select from pg_constraint where conname = 'positive') then"
    " alter table orders add constraint positive check (total >= 0) not valid; end if;",
    "if not exists (select from information_schema.columns where column_name = 'paid_on') then"
    " alter table orders add column paid_on date; end if;",
    "if exists (select from pg_roles where rolname = 'reporting') then"
    " execute format('grant select on %I to reporting', 'orders'); end if;",
    "if exists (select from pg_roles where rolname = 'reporting') then grant select on orders to reporting; end if;",
)


@pytest.mark.parametrize("block", GUARDED)
def test_ordinary_guards_pass(change, block):
    verdict = change(f"do $b$ begin {block} end $b$;", "select 1;")
    assert {rule for rule in verdict.errors if not rule.startswith("rollback-")} == set(), verdict.output


UNCALLED = (
    "create function purge() returns void language plpgsql as $b$ begin delete from orders where id < 10; end $b$;",
    "create function touch() returns trigger language plpgsql as $b$ begin new.note := 'x'; return new; end $b$;\n"
    "create trigger touch before update on orders for each row execute function touch();",
)


@pytest.mark.parametrize("text", UNCALLED)
def test_a_function_that_only_the_application_calls_passes(change, text):
    down = "drop trigger if exists touch on orders; drop function if exists touch(); drop function if exists purge();"
    assert not change(text, down).errors


def test_a_function_of_the_base_in_a_branch_is_judged_where_it_runs(change):
    base = "create function wipe() returns void language plpgsql as $b$ begin delete from orders; end $b$;\n"
    up = "do $b$ begin if now() > timestamp '2099-01-01' then perform wipe(); end if; end $b$;"
    verdict = change(up, "select 1;", base=base)
    assert verdict.code == 1, verdict.output


def test_the_number_of_statements_that_ran_is_reported(change):
    up = "do $b$ begin perform 1; if now() > timestamp '2099-01-01' then truncate orders; end if; end $b$;"
    verdict = change(up, "select 1;")
    message = verdict.error("dangerous-statement-not-run")["message"]
    assert "1 of 2 statements of its block ran" in message, message
