"""The running release must work during the change: its smoke tests, its statements, its functions."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest

from tests.integration.test_gate import Repository, repository

__all__ = ["repository"]

BASE = """
create table widgets (id bigint primary key, name text, size integer);
insert into widgets values (1, 'a', 1);
create table log (id bigint, note text);
create function named(p bigint) returns text language sql as 'select name from widgets where id = p';
create function noted(p_note text) returns integer language plpgsql as $$
declare total integer;
begin
  insert into log (id, note) values (1, p_note);
  select count(*) into total from log where note = p_note;
  return total;
end $$;
create function seen() returns trigger language plpgsql as $$
begin
  insert into log (id) values (new.id);
  if new.size > 1 then return new; end if;
  return new;
end $$;
create trigger seen before insert on widgets for each row execute function seen();
"""
Judge = Callable[..., list[dict[str, Any]]]


@pytest.fixture
def judge(repository: Repository) -> Judge:
    """Give the gate new migrations on a base with queries and smoke tests; return what breaks the running release."""

    def run(
        *ups: str, settings: str = "", query: str = "select id, name from widgets where id = $1;", change: Any = None
    ) -> list:
        repository.add("20260101_1200__base", BASE, "select 1;")
        (repository.root / "app").mkdir()
        (repository.root / "app" / "widgets.sql").write_text(query + "\n")
        (repository.root / "smoke").mkdir()
        (repository.root / "smoke" / "names.sql").write_text("select count(name) >= 0 from widgets;\nselect false;\n")
        (repository.root / "smoke" / "sound.sql").write_text("select count(name) >= 0 from widgets;\n")
        (repository.root / "kfm-ci.toml").write_text(
            f'[smoke]\nsql = ["smoke/*.sql"]\nqueries = ["app/*.sql"]\n{settings}'
        )
        repository.commit()
        (repository.root / "smoke" / "names.sql").unlink()
        for path in ("smoke/sound.sql", "app/widgets.sql"):
            (repository.root / path).write_text("select 1;\n")
        for number, up in enumerate(ups):
            repository.add(f"2026010{number + 2}_1200__change", up, "select 1;")
        _, report = repository.gate("--base", "main")
        assert all(item["apply"]["outcome"] == "applied" for item in report["migrations"] if item["new"]), report[
            "findings"
        ]
        assert not any(item["hazard"] == "coexistence" and item["severity"] != "error" for item in report["findings"])
        return [item for item in report["findings"] if item["hazard"] == "coexistence"]

    return run


@pytest.mark.parametrize(
    "up",
    [
        "alter table widgets add column colour text;",
        "alter table widgets alter size type bigint; alter table log add column at timestamptz default now();",
        "create table parts (id int); create index on parts (id);",
        "drop function named(bigint);",
        "create or replace function noted(p_note text) returns integer language plpgsql as $$ begin return 1; end $$;",
    ],
)
def test_what_the_running_release_does_not_notice_is_not_reported(judge: Judge, up: str) -> None:
    assert judge(up) == []


def test_a_renamed_column_breaks_its_statement_its_smoke_test_and_its_function(judge: Judge) -> None:
    found = judge("alter table log add column x int;\nalter table widgets rename name to title;")
    assert sorted(item["rule"] for item in found) == ["previous-release-fails", "query-breaks", "routine-breaks"]
    assert {item["line"] for item in found} == {11}
    query = next(item for item in found if item["rule"] == "query-breaks")
    assert (
        '`app/widgets.sql:1` of the running release no longer prepares: 42703: column "name" does not exist'
        in query["message"]
    )
    smoke = next(item for item in found if item["rule"] == "previous-release-fails")
    assert "smoke/sound.sql" in smoke["message"]


def test_a_result_column_of_another_type_is_reported(judge: Judge) -> None:
    (found,) = judge("alter table widgets alter size type numeric;", query="select size from widgets;")
    assert "returns size as numeric instead of integer" in found["message"]


@pytest.mark.parametrize(
    ("up", "name", "why"),
    [
        ("alter table log rename note to remark;", "noted(text)", 'column "note"'),
        ("alter table log rename to journal;", "noted(text)", 'relation "log" does not exist'),
        (
            "alter table widgets drop column size;",
            "seen()",
            "takes size from the row, which public.widgets no longer has",
        ),
    ],
)
def test_a_function_whose_body_goes_stale_is_named(judge: Judge, up: str, name: str, why: str) -> None:
    found = {item["message"].split("`")[3]: item["message"] for item in judge(up) if item["rule"] == "routine-breaks"}
    assert why in found[name]


def test_an_intermediate_state_that_breaks_is_reported_even_if_the_last_one_works(judge: Judge) -> None:
    found = judge("alter table widgets rename name to title;", "alter table widgets rename title to name;")
    assert {item["migration"] for item in found} == {"20260102_1200__change"}


def test_the_running_releases_command_is_run_on_the_new_schema(judge: Judge) -> None:
    settings = "previous-command = \"psql -qAtc 'select size from widgets' $DATABASE_URL\"\n"
    found = judge("alter table widgets drop column size cascade;", settings=settings, query="select 1;")
    assert any("fails `previous-command`" in item["message"] for item in found)
