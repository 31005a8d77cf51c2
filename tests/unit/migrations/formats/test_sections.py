"""Tools that keep up and down in one file."""

from __future__ import annotations

import pytest

from kfm_ci.model import Mode
from kfm_ci.sql import statements, transactions

FILES = {
    "dbmate": "-- migrate:up\ncreate table a (id int);\n\n-- migrate:down\ndrop table a;\n",
    "goose": "-- +goose Up\ncreate table a (id int);\n\n-- +goose Down\ndrop table a;\n",
    "sql-migrate": "-- +migrate Up\ncreate table a (id int);\n\n-- +migrate Down\ndrop table a;\n",
    "node-pg-migrate": "-- Up Migration\ncreate table a (id int);\n\n-- Down Migration\ndrop table a;\n",
}


def rules(history):
    return sorted(item.rule for item in history.findings)


@pytest.mark.parametrize("format", FILES)
def test_up_and_down_are_cut_apart_and_keep_their_lines(load, detect, format):
    files = {"m/20260101_a.sql": FILES[format]}
    migration = load(format, files).migrations[0]
    assert [(item.text, item.line) for item in statements.of(migration.up)] == [("create table a (id int)", 2)]
    assert [(item.text, item.line) for item in statements.of(migration.down)] == [("drop table a", 5)]
    assert transactions.mode(migration.up) is Mode.TRANSACTION
    assert detect({**files, "package.json": '{"devDependencies": {"node-pg-migrate": "8"}}'}) == ("m", format)


@pytest.mark.parametrize(
    ("format", "text"),
    [
        ("dbmate", "-- migrate:up transaction:false\nselect 1;\n-- migrate:down\n"),
        ("goose", "-- +goose NO TRANSACTION\n-- +goose Up\nselect 1;\n"),
        ("sql-migrate", "-- +migrate Up notransaction\nselect 1;\n"),
    ],
)
def test_each_tools_own_way_out_of_the_transaction_is_known(load, format, text):
    script = load(format, {"m/1_a.sql": text}).migrations[0].up
    assert script.mode is Mode.AUTOCOMMIT


def test_dbmate_sends_a_block_as_one_message_so_two_statements_share_a_transaction(load):
    text = "-- migrate:up transaction:false\ncreate index concurrently i on t (a);\nselect 1;\n-- migrate:down\n"
    assert transactions.mode(load("dbmate", {"m/1_a.sql": text}).migrations[0].up) is Mode.TRANSACTION


def test_dbmate_without_its_marks_is_refused(load):
    assert rules(load("dbmate", {"m/1_a.sql": "create table a ();"})) == ["section-missing"]
    assert rules(load("dbmate", {"m/1_a.sql": "-- migrate:down\n-- migrate:up\n"})) == ["section-missing"]


def test_goose_orders_by_number_and_rubenv_too(load):
    for format in ("goose", "sql-migrate"):
        text = FILES[format]
        assert [item.name[:1] for item in load(format, {"m/10_b.sql": text, "m/9_a.sql": text}).migrations] in (
            ["a", "b"],
            ["9", "1"],
        )


FUNCTION = "create function f() returns int language plpgsql as $$\nbegin\n  return 1;\nend $$;\n"


def test_goose_tears_a_body_without_its_block_and_the_block_mends_it(load):
    history = load("goose", {"m/1_a.sql": f"-- +goose Up\n{FUNCTION}"})
    assert [(item.rule, item.place.line) for item in history.findings] == [("goose-statement-split", 4)]
    assert (
        rules(
            load("goose", {"m/1_a.sql": f"-- +goose Up\n-- +goose StatementBegin\n{FUNCTION}-- +goose StatementEnd\n"})
        )
        == []
    )


def test_goose_refuses_an_unfinished_statement_and_an_unknown_annotation(load):
    assert rules(load("goose", {"m/1_a.sql": "-- +goose Up\nselect 1"})) == ["goose-statement-unterminated"]
    assert rules(load("goose", {"m/1_a.sql": "-- +goose Up\n-- +goose Begin\nselect 1;\n"})) == ["goose-annotation"]


def test_goose_fills_in_only_where_it_is_told_to_and_says_what_has_no_value(load):
    text = (
        "-- +goose Up\nselect '${A}';\n-- +goose ENVSUB ON\nselect '${A}', '${B:-x}', '$C';\n"
        "-- +goose ENVSUB OFF\nselect '${C}';\n"
    )
    history = load("goose", {"m/1_a.sql": text}, placeholders={"A": "a"})
    assert [line for line in history.migrations[0].up.text.split("\n") if "select" in line] == [
        "select '${A}';",
        "select 'a', 'x', '$C';",
        "select '${C}';",
    ]
    assert [(item.rule, item.place.line) for item in history.findings] == [("unresolved-placeholder", 4)]


def test_golang_migrate_under_multi_statement_runs_statements_alone_and_tears_bodies(load):
    files = {
        "Makefile": "migrate -database 'x?x-multi-statement=true'",
        "m/1_a.up.sql": "select 1; select 2;",
        "m/2_b.up.sql": "create function f() returns int language plpgsql as $$\nbegin return 1; end $$;",
    }
    history = load("golang-migrate", files)
    assert {item.up.mode for item in history.migrations} == {Mode.AUTOCOMMIT} and not any(
        item.up.implicit_transaction for item in history.migrations
    )
    assert [(item.rule, item.place.line) for item in history.findings] == [("golang-migrate-splits-body", 2)]
    assert load("golang-migrate", {**files, "Makefile": ""}).findings == ()


def test_dbmate_has_one_pair_a_file(load):
    pair = "-- migrate:up\nselect 1;\n-- migrate:down\nselect 2;\n"
    history = load("dbmate", {"m/1_a.sql": pair + pair})
    assert [(item.rule, item.place.line) for item in history.findings] == [("dbmate-multiple-blocks", 5)]


@pytest.mark.parametrize(
    ("down", "there"),
    [
        ("SELECT 'down SQL query';", False),
        ("-- nothing\nselect 1", False),
        ("select f();", True),
        ("select 1; drop table a;", True),
    ],
)
def test_goose_a_down_that_nobody_wrote_is_no_way_back(load, down, there):
    text = (
        f"-- +goose Up\nselect 'up SQL query';\n-- +goose Down\n-- +goose StatementBegin\n{down}\n"
        "-- +goose StatementEnd\n"
    )
    (found,) = load("goose", {"m/1_a.sql": text}).migrations
    assert (found.down is not None) is there
