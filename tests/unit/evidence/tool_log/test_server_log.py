"""Logged statements become a script with the same transactions."""

from __future__ import annotations

import pytest

from kfm_ci.evidence.tool_log.history_writes import HistoryWrites
from kfm_ci.evidence.tool_log.server_log import LoggedStatement, _parse, _with_parameters, is_catalog_query
from kfm_ci.evidence.tool_log.tool_tables import ToolTables
from kfm_ci.evidence.tool_log.transcript import split_recording
from kfm_ci.migrations.model import ToolTableNames
from kfm_ci.model import Mode


def own(name):
    return ToolTables.of(ToolTableNames(history=name))


def messages(*texts, session=1):
    return [LoggedStatement(session=session, text=text) for text in texts]


def script(items, own_tables):
    return split_recording(items, own_tables, HistoryWrites()).whole


def test_one_transaction_becomes_one_and_the_tools_own_table_is_left_out():
    found = script(
        messages(
            "BEGIN",
            "create table a ()",
            'insert into "knex_migrations" values (1)',
            "insert into b values (1)",
            "COMMIT;",
        ),
        own("knex_migrations"),
    )
    assert (found.text, found.mode, found.transactions) == (
        "create table a ();\ninsert into b values (1);\n",
        Mode.TRANSACTION,
        1,
    )


def test_statements_outside_a_transaction_stay_outside():
    found = script(messages("begin", "create table a ()", "commit", "create index concurrently i on a (b)"), own("t"))
    assert found.text == "begin;\ncreate table a ();\ncommit;\ncreate index concurrently i on a (b);\n"
    assert found.mode is Mode.AUTOCOMMIT and found.transactions == 2


def test_rolled_back_statements_and_catalog_queries_are_left_out():
    asked = (
        "select pg_catalog.version()",
        "SHOW server_version",
        "select * from information_schema.tables",
        "SELECT 1",
    )
    assert script(messages(*asked, "begin", "create table a ()", "rollback", "begin", "commit"), own("t")).text == ""


def test_statements_that_another_session_committed_precede_a_transaction_that_ends_later():
    run = [
        *messages("begin"),
        *messages("alter table a add b int", session=2),
        *messages("create index on a (b)", "commit"),
    ]
    found = script(run, own("t"))
    assert found.text == "alter table a add b int;\nbegin;\ncreate index on a (b);\ncommit;\n"


def test_the_drivers_deallocate_of_its_own_statements_is_left_out():
    found = script(messages("prepare p as select 2", "deallocate a1", "create table a ()", "DEALLOCATE p"), own("t"))
    assert found.text == "prepare p as select 2;\ncreate table a ();\nDEALLOCATE p;\n"


def test_a_formats_table_name_may_be_a_pattern_and_a_configured_one_is_not():
    known = ToolTables.of(ToolTableNames(history="done", own=("tmp_*", "audit.*")))
    assert known.contains("public", "tmp_a1") and known.contains("audit", "x") and not known.contains("", "tm")
    assert not own("*").contains("public", "widgets") and not own("widget?").contains("public", "widgets")


def test_several_statements_in_one_message_share_a_transaction():
    found = script(messages("create table a (); create table b ();", "create table c ()"), own("t"))
    assert found.text == "begin;\ncreate table a ();\ncreate table b ();\ncommit;\ncreate table c ();\n"


def test_a_failed_statement_is_the_error_and_its_transaction_is_left_out():
    items = [
        *messages("begin", "create table a ()", "create tabel b"),
        LoggedStatement(session=1, text="create tabel b", error="42601: syntax", sqlstate="42601"),
    ]
    found = script([*items, *messages("rollback")], own("t"))
    assert found.text == "" and found.error == "42601: syntax"


def test_statements_rolled_back_to_a_savepoint_are_left_out_and_the_rest_stays():
    items = [
        *messages(
            "begin", "create table a ()", "savepoint s1", "create table b ()", "savepoint s2", "drop table nowhere"
        ),
        LoggedStatement(session=1, text="drop table nowhere", error="42P01: no table", sqlstate="42P01"),
        *messages("rollback to savepoint s2;", "release savepoint s2;", "create table c ()", "commit"),
    ]
    found = script(items, own("t"))
    assert found.text == "create table a ();\ncreate table b ();\ncreate table c ();\n"
    assert found.error == "42P01: no table" and found.mode is Mode.TRANSACTION


def test_an_error_without_rollback_to_a_savepoint_ends_its_transaction():
    items = [
        *messages("begin", "savepoint s1", "release savepoint s1", "create table a ()", "drop table nowhere"),
        LoggedStatement(session=1, text="drop table nowhere", error="42P01: no table", sqlstate="42P01"),
        *messages("rollback to savepoint s1", "commit"),
    ]
    assert script(items, own("t")).text == ""


def test_each_session_has_its_own_transaction():
    one, other = (
        messages("begin", "create table a ()", "commit"),
        messages("begin", "create table b ()", "rollback", session=2),
    )
    mixed = [item for pair in zip(one, other, strict=True) for item in pair]
    assert script(mixed, own("t")).text == "create table a ();\n"


def test_a_comment_above_a_statement_stays_with_it_and_one_below_hides_no_semicolon():
    found = script(messages('-- kfm:allow x reason="y"\ncreate table a () -- done', "create table b ()"), own("t"))
    assert "-- kfm:allow" in found.text and found.text.endswith("create table a () -- done\n;\ncreate table b ();\n")


def test_parameter_values_replace_parameters_but_not_text_in_strings():
    assert (
        _with_parameters("insert into a values ($1, $2, '$1', $10)", "Parameters: $1 = 'it''s', $2 = NULL, $10 = '5'")
        == "insert into a values ('it''s', NULL, '$1', '5')"
    )


def test_log_lines_of_other_databases_and_of_the_administrator_are_left_out():
    def row(user, database, text):
        cells = [""] * 23
        cells[1], cells[2], cells[3], cells[11], cells[13] = user, database, "7", "LOG", f"statement: {text}"
        return ",".join('"' + cell.replace('"', '""') + '"' for cell in cells) + "\n"

    text = row("kfm_owner", "d", 'select\n"a"') + row("kfm_owner", "other", "x") + row("kfm_admin", "d", "y")
    assert [item.text for item in _parse(text, "d", "kfm_owner")] == ['select\n"a"']


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("select 1 from pg_database where datname = 'shop'", True),
        ("select nspname from pg_namespace", True),
        ("select 1", True),
        ("select count(*) from widgets", False),
        ("insert into names select relname from pg_class", False),
        ("select pg_sleep(1)", False),
    ],
)
def test_a_catalog_query_is_recognised(text, expected):
    assert is_catalog_query(text) is expected


@pytest.mark.parametrize(
    "own", ["set application_name = 'x'", "SET NAMES 'utf8'", "set session client_encoding to utf8"]
)
def test_a_setting_of_the_client_is_left_out(own):
    table = ToolTables.of(ToolTableNames(history="t"))
    assert script(messages("begin", own, "create table a ()", "commit"), table).text == "create table a ();\n"
