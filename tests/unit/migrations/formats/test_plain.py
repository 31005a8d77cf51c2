"""Tools of one SQL file a migration: how each sends it, and what each does with one that comes late."""

from __future__ import annotations

import json

import pytest

from kfm_ci.migrations.formats import prisma
from kfm_ci.model import Mode
from kfm_ci.sql import statements, transactions

TWO = "create table a (id int);\ncreate table b (id int);\n"


def rules(history):
    return sorted(item.rule for item in history.findings)


def manifest(version, key="devDependencies"):
    return {"package.json": json.dumps({key: {"prisma": version}})}


@pytest.mark.parametrize(
    ("files", "splits"),
    [
        (manifest("6.19.0"), False),
        (manifest("7.3.0"), False),
        (manifest("~7.3.1"), False),
        (manifest("7.4.0"), True),
        (manifest("^7.0.0"), True),
        (manifest("^6.0.0"), False),
        (manifest("10.1.2", "dependencies"), True),
        (manifest("catalog:"), False),
        ({}, False),
        ({"package.json": "["}, False),
        (manifest("^7.0.0") | {"package-lock.json": '{"node_modules/prisma": {"version": "7.2.1"}}'}, False),
        (manifest("^7.0.0") | {"pnpm-lock.yaml": "packages:\n  prisma@7.1.0(x):\n    y: z\n"}, False),
        (manifest("^7.0.0") | {"yarn.lock": '"prisma@npm:^7.0.0":\n  version: 7.1.0\n'}, False),
        (manifest("catalog:") | {"pnpm-lock.yaml": "packages:\n\n  prisma@7.4.2:\n"}, True),
    ],
)
def test_prisma_sends_a_file_whole_up_to_7_3_and_each_statement_by_itself_from_7_4_on(load, files, splits):
    history = load("prisma", {"p/m/1_a/migration.sql": TWO, **files}, "p/m")
    script = history.migrations[0].up
    assert (script.implicit_transaction, transactions.mode(script)) == (
        (False, Mode.AUTOCOMMIT) if splits else (True, Mode.TRANSACTION)
    )
    assert history.semantics.non_transactional == splits


def test_prisma_the_nearest_package_says_which_version(tree):
    held = tree(
        {
            "package.json": '{"devDependencies": {"prisma": "6.1.0"}}',
            "p/package.json": '{"dependencies": {"@prisma/client": "7.4.0"}}',
        }
    )
    assert prisma.version(held, "p/prisma/migrations") == (7, 4) and prisma.version(held, "q/migrations") == (6, 1)


def test_prisma_a_file_that_its_reader_does_not_know_goes_whole_all_the_same(load):
    text = "drop index concurrently if exists i;\ncreate index concurrently i on t (a);\n"
    history = load("prisma", {"m/1_a/migration.sql": text, **manifest("7.4.0")})
    assert (
        history.migrations[0].up.implicit_transaction
        and transactions.mode(history.migrations[0].up) is Mode.TRANSACTION
    )


def test_sqlx_the_words_that_opt_out_are_the_first_bytes(load):
    texts = {"1_a": "-- no-transaction\nvacuum;", "2_b": "\n-- no-transaction\nvacuum;", "3_c": "select 1;"}
    history = load("sqlx", {f"m/{name}.sql": text for name, text in texts.items()})
    assert [item.up.mode for item in history.migrations] == [Mode.AUTOCOMMIT, Mode.TRANSACTION, Mode.TRANSACTION]


def test_sqlx_windows_line_ends_change_what_it_refuses_the_database_for(load):
    (found,) = load("sqlx", {"m/1_a.sql": "select 1;\r\n"}).findings
    assert (found.rule, found.severity.value, found.hazard.value) == ("line-endings", "warning", "manifest")
    assert "VersionMismatch" in found.message


def test_diesel_metadata_without_its_key_means_no_transaction_and_says_so(load):
    def at(text):
        history = load(
            "diesel", {"m/2026-01-01-000000_a/up.sql": "vacuum;", "m/2026-01-01-000000_a/metadata.toml": text}
        )
        return history.migrations[0].up.mode, rules(history)

    assert at("run_in_transaction = false") == (Mode.AUTOCOMMIT, [])
    assert at("run_in_transaction = true") == (Mode.TRANSACTION, [])
    assert at("# nothing\n") == (Mode.AUTOCOMMIT, ["diesel-metadata"])
    assert at("[") == (Mode.TRANSACTION, ["diesel-metadata"])


@pytest.mark.parametrize(
    ("text", "mode", "parts"),
    [
        (f"BEGIN;\n{TWO}COMMIT;\n-- done\n", Mode.TRANSACTION, 2),
        (f"-- x\nstart transaction ;\n{TWO}end", Mode.TRANSACTION, 2),
        (f"begin isolation level serializable;\n{TWO}commit;", Mode.AUTOCOMMIT, 4),
        (f"begin;\n{TWO}commit;\nselect 1;", Mode.AUTOCOMMIT, 5),
        (f"begin;\n{TWO}commit; begin; select 1; commit;", Mode.AUTOCOMMIT, 7),
        (TWO, Mode.TRANSACTION, 2),
        ("create index concurrently i on a (id);", Mode.AUTOCOMMIT, 1),
    ],
)
def test_golang_migrate_a_file_that_is_one_transaction_is_judged_as_one(load, text, mode, parts):
    script = load("golang-migrate", {"m/1_a.up.sql": text}).migrations[0].up
    found = statements.of(script)
    assert transactions.mode(script) is mode and len(found) == parts
    assert next(item.line for item in found if "table a" in item.text or "index" in item.text) == next(
        number for number, line in enumerate(text.split("\n"), 1) if "table a" in line or "index" in line
    )


@pytest.mark.parametrize(
    ("format", "names", "says"),
    [
        ("golang-migrate", ["1_a.up.sql"], "skips it silently"),
        ("sqlx", ["1_a.sql"], "runs it after them"),
        ("diesel", ["1_a/up.sql"], "runs it after them"),
        ("refinery", ["V1__a.sql"], "fails"),
        ("atlas", ["1_a.sql"], "rejects"),
        ("prisma", ["1_a/migration.sql"], "runs it after them"),
        ("supabase", ["1_a.sql"], "fails"),
        ("flyway", ["V1__a.sql"], "fails"),
        ("goose", ["1_a.sql"], "fails"),
        ("dbmate", ["1_a.sql"], "runs it after them"),
    ],
)
def test_what_the_tool_does_with_a_migration_that_comes_late_is_told(load, format, names, says):
    assert says in load(format, {f"m/{name}": "select 1;" for name in names}).semantics.out_of_order_behaviour


@pytest.mark.parametrize("flood", ["\n", "--\n", "-- ", "-- -- end ", " "])
@pytest.mark.parametrize(
    ("format", "name", "first"),
    [
        ("liquibase", "c.sql", "--liquibase formatted sql\n--changeset a:1\n"),
        ("prisma", "1_a/migration.sql", ""),
        ("dbmate", "1_a.sql", "-- migrate:up\n"),
        ("goose", "1_a.sql", "-- +goose Up\n"),
        ("node-pg-migrate", "1_a.sql", "-- Up Migration\n"),
        ("sql-migrate", "1_a.sql", "-- +migrate Up\n"),
        ("graphile-migrate", "000001.sql", "--! Previous: -\n"),
        ("flyway", "V1__a.sql", ""),
        ("golang-migrate", "1_a.up.sql", ""),
    ],
)
def test_a_flood_of_nothing_is_read_to_its_end(load, format, name, first, flood):
    text = f"{first}select 1; -- commit\n{flood * (60_000 // len(flood))}\nselect 2;\n"
    assert len(load(format, {f"m/{name}": text}).migrations) == 1


@pytest.mark.parametrize(("format", "told"), [("golang-migrate", []), ("sqlx", []), ("diesel", ["empty-file"])])
def test_an_empty_down_is_no_broken_file_where_the_tool_runs_it(load, format, told):
    names = ("m/1_a/up.sql", "m/1_a/down.sql") if format == "diesel" else ("m/1_a.up.sql", "m/1_a.down.sql")
    history = load(format, {names[0]: "select 1;\n", names[1]: ""})
    assert [item.rule for item in history.findings] == told
    assert history.migrations[0].down is not None
    assert [item.rule for item in load(format, {names[0]: "", names[1]: "select 1;\n"}).findings] == ["empty-file"]


@pytest.mark.parametrize("format", ["golang-migrate", "sqlx"])
def test_a_down_belongs_to_the_up_of_its_number_whatever_it_is_called(load, format):
    history = load(format, {"m/0001_add_a.up.sql": "create table a ();", "m/1_remove_a.down.sql": "drop table a;"})
    assert history.findings == () and history.migrations[0].down.file.path == "m/1_remove_a.down.sql"
    twice = load(format, {"m/1_a.up.sql": "select 1;", "m/01_b.up.sql": "select 2;"})
    assert [item.rule for item in twice.findings] == ["duplicate-version"] and twice.unreadable


def test_diesel_runs_a_directory_whose_name_has_no_line_below_and_takes_all_of_it_for_the_version(load):
    history = load(
        "diesel", {"m/2023-05-23-1715-mend/up.sql": "select 1;", "m/2023-05-22-000000_a/up.sql": "select 2;"}
    )
    assert [(item.id, item.version) for item in history.migrations] == [
        ("2023-05-22-000000_a", "20230522000000"),
        ("2023-05-23-1715-mend", "202305231715mend"),
    ]


@pytest.mark.parametrize(
    ("format", "good", "refused", "ignored"),
    [
        ("sqlx", {"1_a.sql": "select 1;"}, ["seed_data.sql"], ["seed.sql", "seeds/a_b.sql"]),
        ("goose", {"1_a.sql": "-- +goose Up\nselect 1;\n"}, ["00002.sql", "abc_x.sql"], ["seeds/a.sql", "a.txt"]),
        ("refinery", {"V1__a.sql": "select 1;"}, ["V1.1__a.sql"], ["a.sql"]),
    ],
)
def test_a_name_for_which_the_tool_refuses_the_directory_is_told(load, format, good, refused, ignored):
    files = {f"m/{name}": text for name, text in {**good, **dict.fromkeys([*refused, *ignored], "select 1;")}.items()}
    told = [(item.rule, item.place.file) for item in load(format, files).findings]
    assert told == [("file-name", f"m/{name}") for name in refused]


def test_prisma_a_program_beside_a_migration_is_told_once_with_all_that_helps_it(load):
    sql = "create table a (id int);\n"
    files = {
        "m/1_a/migration.sql": sql,
        "m/1_a/data-migration.ts": "run();\n",
        "m/1_a/utils.ts": "",
        "m/1_a/lib/types.ts": "",
        "m/1_a/data-migration.test.ts": "",
        "m/2_b/migration.sql": sql,
        "m/2_b/migration.test.ts": "",
        "m/3_c/migration.ts": "run();\n",
    }
    found = [item for item in load("prisma", files).findings if item.rule == "migration-not-sql"]
    assert [item.place.file for item in found] == ["m/1_a/data-migration.ts", "m/3_c/migration.ts"]
    assert ["P3015" in item.message for item in found] == [False, True]
