"""One run of many migrations is cut where the tool noted each."""

from __future__ import annotations

import pytest

from kfm_ci.evidence.tool_log.history_writes import TAKEN_BACK, HistoryWrites
from kfm_ci.evidence.tool_log.server_log import LoggedStatement
from kfm_ci.evidence.tool_log.tool_tables import ToolTables
from kfm_ci.evidence.tool_log.transcript import cut
from kfm_ci.migrations.model import Command, Migration, Tool
from kfm_ci.model import Digest, Mode
from kfm_ci.sql.script import SourceFile

FILE = SourceFile(path="x.py", data=b"", text="", sha256=Digest.of(b""))
OWN = ToolTables.of(Tool(up=(), history_table="done", tables_filled_afterwards=("kinds",)))


def migration(name, *note):
    return Migration(
        id=name,
        version="",
        sort_key=(name,),
        name=name,
        up=Command(file=FILE, argv=(), directory=".", history_row_keys=note),
    )


def sent(*texts):
    return [LoggedStatement(session=1, text=text) for text in texts]


ONE, TWO = migration("1_one.js"), migration("2_e's_name.js")
NOTED = ("insert into done (name) values ('1_one.js')", "insert into done (name) values ('2_e''s_name.js')")


def texts(found):
    return {name: part.text for name, part in found.steps.items()}


def test_each_has_what_stands_before_its_note_even_where_all_share_one_transaction():
    run = sent("begin", "create table a ()", NOTED[0], "create table b ()", "create table c ()", NOTED[1], "commit")
    found = cut(run, OWN, HistoryWrites((ONE, TWO)))
    assert texts(found) == {
        ONE.id: "create table a ();\n",
        TWO.id: "create table b ();\ncreate table c ();\n",
    }
    assert found.whole.transactions == 1 and found.steps[TWO.id].mode is Mode.TRANSACTION


def test_what_left_the_transaction_stands_outside_in_its_own_migration_alone():
    run = sent("begin", "create table a ()", NOTED[0], "commit", "create index concurrently i on a (x)", "begin", NOTED[1], "commit")  # fmt: skip
    found = cut(run, OWN, HistoryWrites((ONE, TWO)))
    assert found.steps[ONE.id].mode is Mode.TRANSACTION and found.steps[TWO.id].mode is Mode.AUTOCOMMIT
    assert texts(found)[TWO.id] == "create index concurrently i on a (x);\n"


def test_a_tool_that_notes_first_is_known_by_what_stands_after_the_last_note():
    run = sent(NOTED[0], "create table a ()", NOTED[1], "create table b ()", "update done set finished = true")
    assert texts(cut(run, OWN, HistoryWrites((ONE, TWO)))) == {
        ONE.id: "create table a ();\n",
        TWO.id: "create table b ();\n",
    }


def test_of_a_failed_run_what_was_noted_counts_although_the_tool_took_it_back():
    run = [
        *sent("begin", "create table a ()", NOTED[0], "create table b ()", "create tabel c ()"),
        LoggedStatement(session=1, text="create tabel c ()", error="42601: syntax", sqlstate="42601"),
        *sent("rollback"),
    ]
    found = cut(run, OWN, HistoryWrites((ONE, TWO)), failed=True)
    assert texts(found) == {ONE.id: "create table a ();\n"} and found.whole.error == "42601: syntax"


def test_of_two_equal_names_the_earlier_is_meant_and_of_the_way_back_the_later():
    first, second = migration("ann:1", "1", "ann"), migration("ann:1@other", "1", "ann")
    note = "insert into done values ('1', 'ann', 'x.xml')"
    run = sent("create table a ()", note, "create table b ()", note)
    assert texts(cut(run, OWN, HistoryWrites((first, second)))) == {
        first.id: "create table a ();\n",
        second.id: "create table b ();\n",
    }
    back = "delete from done where id = '1' and author = 'ann'"
    run = sent("drop table b", back, "drop table a", back)
    assert list(cut(run, OWN, HistoryWrites((second, first), TAKEN_BACK)).steps) == [second.id, first.id]


def test_what_the_tool_fills_by_itself_after_the_last_is_no_migrations_and_before_it_is():
    run = sent("insert into kinds values (1)", NOTED[0], "insert into kinds values (2)", "insert into other values (3)")
    assert texts(cut(run, OWN, HistoryWrites((ONE,)))) == {
        ONE.id: "insert into kinds values (1);\ninsert into other values (3);\n"
    }


@pytest.mark.parametrize(("note", "strangers"), [("insert into done values ('9_other.js')", 1), (NOTED[0], 0)])
def test_a_note_about_no_migration_that_was_expected_is_counted(note, strangers):
    assert cut(sent("create table a ()", note, NOTED[0]), OWN, HistoryWrites((ONE,))).strangers == strangers


def test_what_a_tool_sets_when_it_connects_holds_for_each_migration_of_that_session():
    timeout, memory = "set lock_timeout = 4000", "set work_mem = '1GB'"
    run = sent("begin", timeout, "create table a ()", NOTED[0], memory, "create table b ()", NOTED[1], "commit")
    run.append(LoggedStatement(session=2, text="set lock_timeout = 1"))
    found = cut(run, OWN, HistoryWrites((ONE, TWO)))
    assert texts(found) == {
        ONE.id: f"{timeout};\ncreate table a ();\n",
        TWO.id: f"{timeout};\n{memory};\ncreate table b ();\n",
    }
    assert found.whole.text == f"{timeout};\ncreate table a ();\n{memory};\ncreate table b ();\n"


def test_a_migration_that_does_nothing_does_nothing_below_the_tools_settings_either():
    found = cut(sent("set lock_timeout = 4000", "begin", NOTED[0], "commit"), OWN, HistoryWrites((ONE,)))
    assert texts(found) == {ONE.id: ""} and found.whole.text == ""
