"""What a tool sent becomes a script with the same transactions."""

from __future__ import annotations

import pytest

from kfm_ci.evidence.tool_log.server_log import LoggedStatement, _bound, _read, looks
from kfm_ci.evidence.tool_log.tool_tables import ToolTables
from kfm_ci.evidence.tool_log.transcript import script
from kfm_ci.migrations.model import Tool
from kfm_ci.model import Mode


def own(name):
    return ToolTables.of(Tool(up=(), history_table=name))


def sent(*texts, session=1):
    return [LoggedStatement(session=session, text=text) for text in texts]


def test_one_transaction_becomes_one_and_the_tools_own_table_is_left_out():
    found = script(
        sent(
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


def test_what_stood_outside_a_transaction_stays_outside():
    found = script(sent("begin", "create table a ()", "commit", "create index concurrently i on a (b)"), own("t"))
    assert found.text == "begin;\ncreate table a ();\ncommit;\ncreate index concurrently i on a (b);\n"
    assert found.mode is Mode.AUTOCOMMIT and found.transactions == 2


def test_what_was_rolled_back_or_only_looked_does_not_count():
    asked = (
        "select pg_catalog.version()",
        "SHOW server_version",
        "select * from information_schema.tables",
        "SELECT 1",
    )
    assert script(sent(*asked, "begin", "create table a ()", "rollback", "begin", "commit"), own("t")).text == ""


def test_what_another_session_did_meanwhile_stands_before_a_transaction_that_builds_on_it():
    run = [*sent("begin"), *sent("alter table a add b int", session=2), *sent("create index on a (b)", "commit")]
    found = script(run, own("t"))
    assert found.text == "alter table a add b int;\nbegin;\ncreate index on a (b);\ncommit;\n"


def test_what_a_driver_prepared_without_sql_is_let_go_by_nobody_else():
    found = script(sent("prepare p as select 2", "deallocate a1", "create table a ()", "DEALLOCATE p"), own("t"))
    assert found.text == "prepare p as select 2;\ncreate table a ();\nDEALLOCATE p;\n"


def test_a_pattern_of_the_formats_hides_tables_and_a_configured_name_is_none():
    known = ToolTables.of(Tool(up=(), history_table="done", own_tables=("tmp_*", "audit.*")))
    assert known.holds("public", "tmp_a1") and known.holds("audit", "x") and not known.holds("", "tm")
    assert not own("*").holds("public", "widgets") and not own("widget?").holds("public", "widgets")


def test_several_statements_in_one_message_share_a_transaction():
    found = script(sent("create table a (); create table b ();", "create table c ()"), own("t"))
    assert found.text == "begin;\ncreate table a ();\ncreate table b ();\ncommit;\ncreate table c ();\n"


def test_a_refused_statement_is_the_error_and_its_transaction_is_gone():
    items = [
        *sent("begin", "create table a ()", "create tabel b"),
        LoggedStatement(session=1, text="create tabel b", error="42601: syntax", sqlstate="42601"),
    ]
    found = script([*items, *sent("rollback")], own("t"))
    assert found.text == "" and found.error == "42601: syntax"


def test_what_a_savepoint_took_back_never_happened_and_the_rest_stays():
    items = [
        *sent("begin", "create table a ()", "savepoint s1", "create table b ()", "savepoint s2", "drop table nowhere"),
        LoggedStatement(session=1, text="drop table nowhere", error="42P01: no table", sqlstate="42P01"),
        *sent("rollback to savepoint s2;", "release savepoint s2;", "create table c ()", "commit"),
    ]
    found = script(items, own("t"))
    assert found.text == "create table a ();\ncreate table b ();\ncreate table c ();\n"
    assert found.error == "42P01: no table" and found.mode is Mode.TRANSACTION


def test_a_refusal_that_no_savepoint_takes_back_ends_its_transaction():
    items = [
        *sent("begin", "savepoint s1", "release savepoint s1", "create table a ()", "drop table nowhere"),
        LoggedStatement(session=1, text="drop table nowhere", error="42P01: no table", sqlstate="42P01"),
        *sent("rollback to savepoint s1", "commit"),
    ]
    assert script(items, own("t")).text == ""


def test_sessions_are_told_apart():
    one, other = sent("begin", "create table a ()", "commit"), sent("begin", "create table b ()", "rollback", session=2)
    mixed = [item for pair in zip(one, other, strict=True) for item in pair]
    assert script(mixed, own("t")).text == "create table a ();\n"


def test_a_comment_above_a_statement_stays_with_it_and_one_below_swallows_nothing():
    found = script(sent('-- kfm:allow x reason="y"\ncreate table a () -- done', "create table b ()"), own("t"))
    assert "-- kfm:allow" in found.text and found.text.endswith("create table a () -- done\n;\ncreate table b ();\n")


def test_values_are_put_where_the_server_read_them_and_not_into_strings():
    assert (
        _bound("insert into a values ($1, $2, '$1', $10)", "Parameters: $1 = 'it''s', $2 = NULL, $10 = '5'")
        == "insert into a values ('it''s', NULL, '$1', '5')"
    )


def test_lines_of_other_databases_and_of_the_administrator_are_not_the_tools():
    def row(user, database, text):
        cells = [""] * 23
        cells[1], cells[2], cells[3], cells[11], cells[13] = user, database, "7", "LOG", f"statement: {text}"
        return ",".join('"' + cell.replace('"', '""') + '"' for cell in cells) + "\n"

    text = row("kfm_owner", "d", 'select\n"a"') + row("kfm_owner", "other", "x") + row("kfm_admin", "d", "y")
    assert [item.text for item in _read(text, "d", "kfm_owner")] == ['select\n"a"']


@pytest.mark.parametrize(
    ("text", "only"),
    [
        ("select 1 from pg_database where datname = 'shop'", True),
        ("select nspname from pg_namespace", True),
        ("select 1", True),
        ("select count(*) from widgets", False),
        ("insert into names select relname from pg_class", False),
        ("select pg_sleep(1)", False),
    ],
)
def test_what_only_asks_the_catalog_is_no_part_of_a_migration(text, only):
    assert looks(text) is only


@pytest.mark.parametrize(
    "own", ["set application_name = 'x'", "SET NAMES 'utf8'", "set session client_encoding to utf8"]
)
def test_what_a_client_says_of_itself_is_no_part_of_a_migration(own):
    table = ToolTables.of(Tool(up=(), history_table="t"))
    assert script(sent("begin", own, "create table a ()", "commit"), table).text == "create table a ();\n"
