"""Robustness checks: interruption, a second run, another environment."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest

from kfm_ci.postgres import collations, session
from kfm_ci.postgres.engines import installations
from kfm_ci.postgres.engines.embedded import EmbeddedEngine
from tests.integration.test_gate import Repository, repository

__all__ = ["repository"]

BASE = (
    "create table widgets (id bigint primary key, name text, colour text, n integer not null default 0);\n"
    "insert into widgets (id, name) values (1, 'a'), (2, 'b'), (3, 'c');"
)
Judge = Callable[..., dict[str, Any]]


@pytest.fixture
def judge(repository: Repository) -> Judge:
    """Give the gate one new migration on top of a base of three widgets; return the findings by rule."""

    def run(up: str, down: str = "select 1;", *, phase: str | None = None) -> dict[str, Any]:
        repository.add("20260101_1200__add_widgets", BASE, "drop table widgets;")
        repository.commit()
        header = f"-- phase: {phase}\n" if phase else ""
        repository.add("20260102_1200__change", up, down, header=header)
        _, report = repository.gate("--base", "main")
        assert report["migrations"][1]["apply"]["outcome"] == "applied", report["findings"]
        return {item["rule"]: item for item in report["findings"]}

    return run


INDEX = "create index concurrently widgets_{0} on widgets ({0});\n"


def test_one_concurrent_index_that_is_cut_off_converges(judge: Judge) -> None:
    assert "not-resumable" not in judge(INDEX.format("name"), "drop index concurrently widgets_name;")


def test_two_that_cannot_run_again_are_reported_with_the_line_to_resume_from(judge: Judge) -> None:
    found = judge(INDEX.format("name") + INDEX.format("colour"), "drop index widgets_name, widgets_colour;")
    finding = found["not-resumable"]
    assert (finding["hazard"], finding["severity"], finding["line"]) == ("not-repeatable", "warning", 10)
    assert "interrupted after the statement on line 10" in finding["message"]
    assert 'relation "widgets_name" already exists' in finding["message"]
    assert "by hand from line 11 on" in finding["help"]


def test_statements_that_can_be_repeated_converge(judge: Judge) -> None:
    again = "drop index concurrently if exists widgets_{0};\n" + INDEX
    found = judge(again.format("name") + again.format("colour"), "drop index widgets_name, widgets_colour;")
    assert "not-resumable" not in found


def test_a_data_migration_that_accumulates_fails_with_the_number_of_rows(judge: Judge) -> None:
    finding = judge("update widgets set n = n + 1 where id < 3;")["rerun-changes-rows"]
    assert (finding["hazard"], finding["severity"]) == ("not-repeatable", "error")
    assert "changes 2 rows of public.widgets again (n)" in finding["message"] and "`n + 1`" in finding["help"]


def test_rows_inserted_twice_are_counted(judge: Judge) -> None:
    up = "select 1;\ninsert into widgets (id, name) select max(id) + 1, 'd' from widgets;"
    finding = judge(up)["rerun-changes-rows"]
    assert "line 11 leaves 1 more row in public.widgets" in finding["message"] and finding["line"] == 11
    assert "insert into widgets (id, name) select" in finding["help"] and "kfm:allow not-repeatable" in finding["help"]


def test_rows_that_may_come_twice_can_be_acknowledged_above_their_statement(judge: Judge) -> None:
    allow = '-- kfm:allow not-repeatable reason="a log: each run is an entry"\n'
    up = f"select 1;\n{allow}insert into widgets (id, name) select max(id) + 1, 'd' from widgets;"
    assert judge(up)["rerun-changes-rows"]["acknowledged"] == {"reason": "a log: each run is an entry"}


@pytest.mark.parametrize(
    "up",
    [
        "update widgets set colour = 'red' where colour is null;",
        "update widgets set colour = upper(name);",
        "insert into widgets (id, name) values (9, 'z') on conflict do nothing;",
        "insert into widgets (id, name) values (9, 'z');",
        "delete from widgets where id = 2;",
    ],
)
def test_a_data_migration_whose_second_run_changes_nothing_passes(judge: Judge, up: str) -> None:
    assert "rerun-changes-rows" not in judge(up)


def test_a_migration_of_phase_migrate_is_run_twice_whatever_it_is_made_of(judge: Judge) -> None:
    up = "do $$ begin update widgets set n = n + 1; end $$;"
    assert "rerun-changes-rows" in judge(up, phase="migrate")


def test_a_schema_change_is_not_run_twice(judge: Judge) -> None:
    found = judge(
        "alter table widgets add column size integer; update widgets set n = n + 1;", "alter table widgets drop size;"
    )
    assert "rerun-changes-rows" not in found


@pytest.mark.parametrize(
    ("up", "setting"),
    [
        ("create table t (at date default '01/02/2026');", "datestyle"),
        ("create table t (at timestamptz default '2026-01-01 00:00'::timestamptz);", "timezone"),
    ],
)
def test_what_depends_on_the_sessions_settings_is_named_with_the_setting(judge: Judge, up: str, setting: str) -> None:
    finding = judge(up, "drop table t;")["environment-dependent"]
    assert (finding["hazard"], finding["severity"]) == ("not-repeatable", "warning")
    assert f"the session's {setting}:" in finding["message"]


@pytest.mark.parametrize(
    "up",
    [
        (
            "create table t (at timestamptz default now(), day date default '2026-02-01', n numeric default 1.5, "
            "i interval default '1 day');"
        ),
        (
            "create table t (a text check (a ~ '^[a-z]+$')); create function f() returns int language sql as "
            "'select 1'; drop function f();"
        ),
    ],
)
def test_what_means_the_same_everywhere_is_not_reported(judge: Judge, up: str) -> None:
    assert "environment-dependent" not in judge(up, "drop table t;")


def test_rows_that_depend_on_the_sessions_settings_are_named_with_the_setting(judge: Judge) -> None:
    up = "create table t (at timestamptz default now(), d date); insert into t (d) values ('01/02/2026');"
    finding = judge(up, "drop table t;")["environment-dependent"]
    assert (finding["hazard"], finding["severity"]) == ("not-repeatable", "warning")
    assert "the session's datestyle: values of public.t.d" in finding["message"]
    assert "public.t.at" not in finding["message"]


def test_rows_that_differ_in_every_run_are_a_note(judge: Judge) -> None:
    up = "create function w() returns timestamptz volatile language sql as 'select clock_timestamp()';\n"
    found = judge(
        up + "create table t (at timestamptz); insert into t values (w());", "drop table t; drop function w();"
    )
    assert "environment-dependent" not in found
    assert found["volatile-value"]["severity"] == "note"
    assert "values of public.t.at" in found["volatile-value"]["message"]


def test_a_default_that_is_made_at_the_moment_is_no_matter_of_the_machine(judge: Judge) -> None:
    up = (
        "create table t (id uuid default gen_random_uuid(), at timestamp default now(), day date default "
        "current_date, n int); insert into t (n) values (1);"
    )
    found = judge(up, "drop table t;")
    assert not {"environment-dependent", "volatile-value"} & set(found)


@pytest.mark.parametrize(
    ("later", "down"),
    [
        ("create index on t (id, name);", "drop index t_id_name_idx;"),
        (
            "alter table t rename to u; alter table u rename column id to key;",
            "alter table u rename column key to id; alter table u rename to t;",
        ),
        ("insert into t values ('00000000-0000-0000-0000-000000000000', 'b');", "delete from t where name = 'b';"),
    ],
    ids=["named", "renamed", "beside"],
)
@pytest.mark.parametrize("value", ["gen_random_uuid()", "md5(current_setting('timezone'))::uuid"])
def test_a_value_that_differs_in_each_run_is_reported_for_the_migration_that_wrote_it(
    repository: Repository, later: str, down: str, value: str
) -> None:
    repository.add("20260101_1200__one", "create table a (id int);", "drop table a;")
    repository.commit()
    repository.add("20260102_1200__two", "create table t (id uuid, name text);", "drop table t;")
    text = f"create table x (id int);\ninsert into t values ({value}, 'a');"
    repository.add("20260103_1200__three", text, "delete from t where name = 'a'; drop table x;")
    repository.add("20260104_1200__four", later, down)
    _, report = repository.gate("--base", "main")
    rules = {"volatile-value", "environment-dependent"}
    (found,) = [item for item in report["findings"] if item["rule"] in rules]
    written = next(item for item in report["migrations"] if item["id"] == "20260103_1200__three")["statements"][1]
    assert (found["migration"], found["line"]) == ("20260103_1200__three", written["line"])


def test_a_file_that_sorts_between_merged_ones_and_gives_another_schema_is_reported(repository: Repository) -> None:
    repository.add("20260101_1200__one", "create table a (id int);", "drop table a;")
    repository.add("20260103_1200__three", "create table if not exists b (id int);", "drop table b;")
    repository.commit()
    repository.add("20260102_1200__two", "create table if not exists b (id bigint);", "select 1;")
    _, report = repository.gate("--base", "main")
    found = {item["rule"]: item for item in report["findings"]}
    assert "bigint" in found["rebuild-differs"]["message"]
    assert found["rebuild-differs"]["severity"] == "error"


CONSTRAINED = (
    "create type mood as enum ('ok', 'bad');\n"
    "create table p (id int primary key);\ninsert into p values (1), (2);\n"
    "create table r (id int not null, code varchar(5) not null, mood mood not null default 'ok', n smallint not null,\n"
    "  p_id int constraint r_p references p, constraint r_code unique (code), constraint r_n check (n in (1, 2)));\n"
    "insert into r values (1, 'a', 'ok', 1, 1), (2, 'b', 'bad', 2, 2);"
)


@pytest.mark.parametrize(
    ("up", "down", "row"),
    [
        ("alter column code drop not null", "alter column code set not null", "a null in public.r.code (23502"),
        (
            "drop constraint r_code",
            "add constraint r_code unique (code)",
            "two rows of public.r with equal code (23505",
        ),
        (
            "drop constraint r_n, add constraint r_n check (n in (1, 2, 3))",
            "drop constraint r_n, add constraint r_n check (n in (1, 2))",
            "'3' in public.r.n (23514",
        ),
        (
            "drop constraint r_p",
            "add constraint r_p foreign key (p_id) references p",
            "without a referenced row (23503",
        ),
        (
            "alter column code type text",
            "alter column code type varchar(5)",
            "a long or large value in public.r.code (22001",
        ),
        ("alter column id type bigint", "alter column id type int", "a long or large value in public.r.id (22003"),
    ],
)
def test_new_rows_on_which_a_rollback_fails_are_a_note_and_data_loss(
    repository: Repository, up: str, down: str, row: str
) -> None:
    repository.add("20260101_1200__base", CONSTRAINED, "drop table r; drop table p; drop type mood;")
    repository.commit()
    repository.add("20260102_1200__change", f"alter table r {up};", f"select 1;\nalter table r {down};")
    _, report = repository.gate("--base", "main")
    found = {item["rule"]: item for item in report["findings"]}["rollback-fails-on-new-rows"]
    assert (found["severity"], found["hazard"], found["line"]) == ("note", "rollback-unproven", 2)
    assert row in found["message"]
    assert report["migrations"][1]["rollback"]["proof"] == "proven"
    comment = (repository.root.parent / "out" / "comment.md").read_text()
    assert "rolling back fails on " in comment


def test_a_rollback_that_converts_new_rows_is_not_reported(repository: Repository) -> None:
    repository.add("20260101_1200__base", CONSTRAINED, "drop table r; drop table p; drop type mood;")
    repository.commit()
    down = "update r set code = '' where code is null; alter table r alter column code set not null;"
    repository.add("20260102_1200__change", "alter table r alter column code drop not null;", down)
    repository.add("20260103_1200__table", "create table c (id int);", "drop table c;")
    _, report = repository.gate("--base", "main")
    assert "rollback-fails-on-new-rows" not in {item["rule"] for item in report["findings"]}


def test_a_down_outside_a_transaction_is_cut_off_too(judge: Judge) -> None:
    up = INDEX.format("name") + INDEX.format("colour")
    once = "drop index concurrently widgets_name;\ndrop index concurrently widgets_colour;"
    found = judge(up.replace("index concurrently", "index concurrently if not exists"), once)
    finding = found["not-resumable"]
    assert finding["file"].endswith(".down.sql") and finding["line"] == 1
    assert 'index "widgets_name" does not exist' in finding["message"]


def test_a_down_outside_a_transaction_that_can_be_repeated_converges(judge: Judge) -> None:
    up = INDEX.format("name") + INDEX.format("colour")
    again = "drop index concurrently if exists widgets_name;\ndrop index concurrently if exists widgets_colour;"
    found = judge(up.replace("index concurrently", "index concurrently if not exists"), again)
    assert not found.get("not-resumable", {"file": ""})["file"].endswith(".down.sql")


def test_a_second_run_that_is_rolled_back_leaves_sequences_unchanged(repository: Repository) -> None:
    repository.add("20260101_1200__one", "create table a (id int);", "drop table a;")
    repository.commit()
    table = "create table b (id bigint generated always as identity, name text unique, at timestamptz default now());"
    repository.add("20260102_1200__two", table, "drop table b;")
    insert = "insert into b (name) values ('{0}') on conflict do nothing;"
    repository.add("20260103_1200__three", insert.format("x"), "delete from b where name = 'x';")
    repository.add("20260104_1200__four", insert.format("y"), "delete from b where name = 'y';")
    code, report = repository.gate("--base", "main")
    assert code == 0, report["findings"]
    assert not {"volatile-value", "environment-dependent", "rerun-changes-rows"} & {
        item["rule"] for item in report["findings"]
    }


def test_a_data_migration_outside_a_transaction_is_run_twice_too(judge: Judge) -> None:
    up = "update widgets set n = n + 1;"
    found = judge(up, phase="migrate\n-- transaction: no\n-- transaction-reason: batches")
    assert "changes 3 rows of public.widgets again (n)" in found["rerun-changes-rows"]["message"]


SORTED = (
    "create table names (n text);\ninsert into names values ('b'), ('A'), ('a'), ('B');\n"
    "create table firsts (at timestamptz default now(), n text);\n"
)


def sorting() -> int | None:
    """A version on this machine whose server sorts by more than code points; None where there is none."""
    for found in installations.find():
        with (
            EmbeddedEngine(major=found.major).start() as server,
            session.connect(server, server.maintenance, admin=True) as admin,
        ):
            if collations.find_locale(admin) is not None:
                return found.major
    return None


def test_rows_that_depend_on_the_sort_order_are_reported_with_the_collation(repository: Repository) -> None:
    major = sorting()
    repository.add("20260101_1200__base", SORTED, "drop table names, firsts;")
    repository.commit()
    repository.add(
        "20260102_1200__first",
        "insert into firsts (n) select n from names where not exists (select from firsts) order by n limit 1;",
        "delete from firsts;",
    )
    if major is None:
        _, report = repository.gate("--base", "main")
        message = next(stage["message"] for stage in report["stages"] if stage["name"] == "rollback")
        assert "this server has none with another sort order" in message
        return
    _, report = repository.gate("--base", "main", "--postgres-version", str(major))
    (found,) = [item for item in report["findings"] if item["rule"] == "environment-dependent"]
    assert "the database's collation" in found["message"] and "values of public.firsts.n" in found["message"]
    assert "public.firsts.at" not in found["message"]
    up = repository.directory / "20260102_1200__first.up.sql"
    up.write_text(up.read_text().replace("order by n", 'order by n collate "C"'))
    _, report = repository.gate("--base", "main", "--postgres-version", str(major))
    assert "environment-dependent" not in {item["rule"] for item in report["findings"]}
