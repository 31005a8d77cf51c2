"""A tool run of several migrations is split where the tool recorded each in its history table."""

from __future__ import annotations

import pytest

from kfm_ci.evidence.tool_log.history_writes import ROLLBACK_VERBS, HistoryWrites
from kfm_ci.evidence.tool_log.server_log import LoggedStatement
from kfm_ci.evidence.tool_log.tool_tables import ToolTables
from kfm_ci.evidence.tool_log.transcript import split_recording
from kfm_ci.migrations.model import Command, Migration, ToolTableNames
from kfm_ci.model import Digest, Mode
from kfm_ci.sql.script import SourceFile

FILE = SourceFile(path="x.py", data=b"", text="", sha256=Digest.of(b""))
OWN = ToolTables.of(ToolTableNames(history="done", filled_afterwards=("kinds",)))


def migration(name, *history_row_keys):
    return Migration(
        id=name,
        version="",
        sort_key=(name,),
        name=name,
        up=Command(file=FILE, argv=(), directory=".", history_row_keys=history_row_keys),
    )


def messages(*texts):
    return [LoggedStatement(session=1, text=text) for text in texts]


ONE, TWO = migration("1_one.js"), migration("2_e's_name.js")
RECORDED = ("insert into done (name) values ('1_one.js')", "insert into done (name) values ('2_e''s_name.js')")


def texts(found):
    return {name: part.text for name, part in found.steps.items()}


def test_each_migration_has_the_statements_before_its_history_row_even_in_one_transaction():
    run = messages(
        "begin", "create table a ()", RECORDED[0], "create table b ()", "create table c ()", RECORDED[1], "commit"
    )
    found = split_recording(run, OWN, HistoryWrites((ONE, TWO)))
    assert texts(found) == {
        ONE.id: "create table a ();\n",
        TWO.id: "create table b ();\ncreate table c ();\n",
    }
    assert found.whole.transactions == 1 and found.steps[TWO.id].mode is Mode.TRANSACTION


def test_statements_outside_the_transaction_stay_outside_in_their_migration_only():
    run = messages(
        "begin",
        "create table a ()",
        RECORDED[0],
        "commit",
        "create index concurrently i on a (x)",
        "begin",
        RECORDED[1],
        "commit",
    )
    found = split_recording(run, OWN, HistoryWrites((ONE, TWO)))
    assert found.steps[ONE.id].mode is Mode.TRANSACTION and found.steps[TWO.id].mode is Mode.AUTOCOMMIT
    assert texts(found)[TWO.id] == "create index concurrently i on a (x);\n"


def test_statements_after_the_last_history_row_show_that_rows_precede_the_migrations():
    run = messages(
        RECORDED[0], "create table a ()", RECORDED[1], "create table b ()", "update done set finished = true"
    )
    assert texts(split_recording(run, OWN, HistoryWrites((ONE, TWO)))) == {
        ONE.id: "create table a ();\n",
        TWO.id: "create table b ();\n",
    }


def test_of_a_failed_run_recorded_migrations_count_even_if_they_were_rolled_back():
    run = [
        *messages("begin", "create table a ()", RECORDED[0], "create table b ()", "create tabel c ()"),
        LoggedStatement(session=1, text="create tabel c ()", error="42601: syntax", sqlstate="42601"),
        *messages("rollback"),
    ]
    found = split_recording(run, OWN, HistoryWrites((ONE, TWO)), failed=True)
    assert texts(found) == {ONE.id: "create table a ();\n"} and found.whole.error == "42601: syntax"


def test_of_two_equal_names_the_earlier_is_meant_and_of_a_rollback_the_later():
    first, second = migration("ann:1", "1", "ann"), migration("ann:1@other", "1", "ann")
    row = "insert into done values ('1', 'ann', 'x.xml')"
    run = messages("create table a ()", row, "create table b ()", row)
    assert texts(split_recording(run, OWN, HistoryWrites((first, second)))) == {
        first.id: "create table a ();\n",
        second.id: "create table b ();\n",
    }
    back = "delete from done where id = '1' and author = 'ann'"
    run = messages("drop table b", back, "drop table a", back)
    assert list(split_recording(run, OWN, HistoryWrites((second, first), ROLLBACK_VERBS)).steps) == [
        second.id,
        first.id,
    ]


def test_statements_by_which_the_tool_fills_a_table_after_the_last_migration_are_left_out():
    run = messages(
        "insert into kinds values (1)", RECORDED[0], "insert into kinds values (2)", "insert into other values (3)"
    )
    assert texts(split_recording(run, OWN, HistoryWrites((ONE,)))) == {
        ONE.id: "insert into kinds values (1);\ninsert into other values (3);\n"
    }


@pytest.mark.parametrize(("statement", "unexpected"), [("insert into done values ('9_other.js')", 1), (RECORDED[0], 0)])
def test_a_history_row_of_an_unexpected_migration_is_counted(statement, unexpected):
    assert (
        split_recording(messages("create table a ()", statement, RECORDED[0]), OWN, HistoryWrites((ONE,))).unexpected
        == unexpected
    )


def test_first_settings_of_a_session_hold_for_each_of_its_migrations():
    timeout, memory = "set lock_timeout = 4000", "set work_mem = '1GB'"
    run = messages(
        "begin", timeout, "create table a ()", RECORDED[0], memory, "create table b ()", RECORDED[1], "commit"
    )
    run.append(LoggedStatement(session=2, text="set lock_timeout = 1"))
    found = split_recording(run, OWN, HistoryWrites((ONE, TWO)))
    assert texts(found) == {
        ONE.id: f"{timeout};\ncreate table a ();\n",
        TWO.id: f"{timeout};\n{memory};\ncreate table b ();\n",
    }
    assert found.whole.text == f"{timeout};\ncreate table a ();\n{memory};\ncreate table b ();\n"


def test_an_empty_migration_is_empty_despite_the_sessions_settings():
    found = split_recording(
        messages("set lock_timeout = 4000", "begin", RECORDED[0], "commit"), OWN, HistoryWrites((ONE,))
    )
    assert texts(found) == {ONE.id: ""} and found.whole.text == ""
