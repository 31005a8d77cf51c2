"""No code of a migration runs in a session that observes it, nor with the administrator's rights."""

from __future__ import annotations

from collections.abc import Callable

import pytest

from tests.hostile.conftest import Verdict

FORGERY = """
create function forge() returns void language plpgsql as $f$
declare
  statement record;
  entry record;
  entries jsonb := '[]';
begin
  for statement in select name from pg_prepared_statements where name like 'kfm_catalog%' loop
    for entry in execute format('execute %I', statement.name) loop
      entries := entries || jsonb_build_array(to_jsonb(entry));
    end loop;
    execute format('deallocate %I', statement.name);
    execute format('prepare %I as select * from jsonb_to_recordset(%L) as t('
      'part bigint, kind text, name text, "?column?" text, concat_ws text)', statement.name, entries);
  end loop;
  if current_setting('is_superuser') = 'on' then
    raise exception 'runs as superuser';
  end if;
end $f$;
"""
CASTS = {
    "an enum": (
        "create type mood as enum ('ok', 'sad');",
        "create function evil(mood) returns text language plpgsql as "
        "$f$ begin perform public.forge(); return 'x'; end $f$;",
        "create cast (mood as text) with function evil(mood);",
    ),
    "a domain's enum": (
        "create type mood_ as enum ('ok', 'sad'); create domain mood as mood_;",
        "create function evil(mood_) returns text language plpgsql as "
        "$f$ begin perform public.forge(); return 'x'; end $f$;",
        "create cast (mood_ as text) with function evil(mood_) as implicit;",
    ),
    "a composite type": (
        "create type mood as (a int);",
        "create function evil(mood) returns text language plpgsql as "
        "$f$ begin perform public.forge(); return 'x'; end $f$;",
        "create cast (mood as text) with function evil(mood) as assignment;",
    ),
    "json of an enum": (
        "create type mood as enum ('ok', 'sad');",
        "create function evil(mood) returns json language plpgsql as "
        "$f$ begin perform public.forge(); return '1'; end $f$;",
        "create cast (mood as json) with function evil(mood);",
    ),
}


@pytest.mark.parametrize("cast", CASTS.values(), ids=CASTS)
def test_a_cast_of_a_migration_forges_no_catalog(change: Callable[..., Verdict], cast: tuple[str, ...]) -> None:
    base = FORGERY + "\n".join(cast) + "\ncreate table moods (id bigint primary key, feels mood not null);"
    hidden = "do $do$ begin execute 'drop ' || 'table public.orders cascade'; end $do$;"
    verdict = change(hidden, "select 1;", base=base)
    changed = next(item for item in verdict.report["migrations"] if item["new"])
    assert verdict.code == 1 and "table public.orders" in changed["schema_diff"]["removed"], verdict.output


def test_a_trigger_on_the_ledger_is_not_created(change: Callable[..., Verdict]) -> None:
    verdict = change(
        "create function quiet() returns trigger language plpgsql as "
        "$f$ begin delete from public.orders; return new; end $f$;\n"
        "create trigger quiet before insert on kfm_ci.ledger for each row execute function quiet();",
        "drop trigger quiet on kfm_ci.ledger; drop function quiet();",
    )
    assert verdict.code == 1, verdict.output


SHADOWS = {
    "search_path of the database": "do $do$ begin execute format("
    "'alter database %I set search_path = evil, public, pg_catalog', current_database()); end $do$;",
    "role of the database": "do $do$ begin execute format("
    "'alter database %I set role = %I', current_database(), current_user); end $do$;",
    "encoding of the role": "do $do$ begin execute format("
    "'alter role %I set client_encoding = sql_ascii', current_user); end $do$;",
}


@pytest.mark.parametrize("setting", SHADOWS.values(), ids=SHADOWS)
def test_a_setting_of_the_base_takes_hold_of_no_session(change: Callable[..., Verdict], setting: str) -> None:
    base = (
        "create schema evil; create function evil.to_jsonb(pg_catalog.pg_proc) returns jsonb language plpgsql as "
        "$f$ begin if current_setting('is_superuser') = 'on' then raise 'runs as superuser'; end if;"
        " return '{}'; end $f$;\n"
        "create function evil.lower(name) returns text language plpgsql as "
        "$f$ begin if current_setting('is_superuser') = 'on' then raise 'runs as superuser'; end if;"
        " return $1::text; end $f$;\n"
    )
    verdict = change(
        "alter table orders add column paid_on date;", "alter table orders drop column paid_on;", base=base + setting
    )
    assert verdict.code == 0 and not verdict.errors, verdict.output
