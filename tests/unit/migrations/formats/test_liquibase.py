"""Liquibase's formatted SQL: changesets, not files."""

from __future__ import annotations

import pytest

from kfm_ci.errors import UsageError
from kfm_ci.model import Mode
from kfm_ci.sql import statements

SQL = """--liquibase formatted sql

--changeset ann:1 labels:x
create table a (id int);
--rollback drop table a;

--changeset "bob b":"two" runInTransaction:false
--preconditions onFail:MARK_RAN
create index concurrently i on a (id);
/* liquibase rollback
drop index concurrently i;
*/
"""


def rules(history):
    return sorted(item.rule for item in history.findings)


def test_a_file_holds_changesets_each_with_its_transaction_and_its_way_back(load, detect):
    history = load("liquibase", {"m/a.sql": SQL})
    assert history.semantics.down_description == "a `rollback` to the changeset"
    assert [(item.id, item.up.mode) for item in history.migrations] == [
        ("ann:1", Mode.TRANSACTION),
        ("bob b:two", Mode.AUTOCOMMIT),
    ]
    ways = [
        (item.text, item.line)
        for one in history.migrations
        for script in (one.up, one.down)
        for item in statements.of(script)
    ]
    assert ways == [
        ("create table a (id int)", 4),
        ("drop table a", 5),
        ("create index concurrently i on a (id)", 9),
        ("drop index concurrently i", 11),
    ]
    assert detect({"m/a.sql": SQL}) == ("m", "liquibase")


def test_the_master_decides_the_order_and_what_it_leaves_out_is_told(load):
    files = {f"db/sql/{name}.sql": f"--liquibase formatted sql\n--changeset x:{name}\nselect 1;\n" for name in "abc"}
    for name, text in {
        "db/changelog-master.xml": '<databaseChangeLog><include file="sql/b.sql" '
        'relativeToChangelogFile="true"/><include file="db/sql/a.sql"/></databaseChangeLog>',
        "db/db.changelog-master.yaml": "databaseChangeLog:\n  - include:\n      file: sql/b.sql\n"
        "  - include: {file: db/sql/a.sql}\n",
        "db/master.json": '{"databaseChangeLog": [{"include": {"file": "sql/b.sql"}}, {"include": {"file": '
        '"db/sql/a.sql"}}]}',
    }.items():
        history = load("liquibase", {**files, name: text}, "db/sql")
        assert [item.version for item in history.migrations] == ["x:b", "x:a"], name
        assert rules(history) == ["not-included"]


def test_a_changeset_twice_in_one_file_cannot_be_ordered(load):
    history = load("liquibase", {"m/a.sql": SQL.replace('"bob b":"two"', "ann:1")})
    assert history.unreadable and rules(history) == ["duplicate-version"]


BODY = "create function f() returns int language sql as $$ select 1; select 2 $$;\n"


def test_a_body_that_liquibase_splits_is_told_and_the_attribute_mends_it(load):
    text = "--liquibase formatted sql\n--changeset a:1{}\n" + BODY
    assert rules(load("liquibase", {"m/a.sql": text.format("")})) == ["liquibase-splits-body"]
    assert rules(load("liquibase", {"m/a.sql": text.format(" splitStatements:false")})) == []


def test_comments_leave_the_bodies_of_functions_as_liquibase_sends_them(load):
    text = (
        "--liquibase formatted sql\n--changeset a:1 splitStatements:false{}\n-- kept\nselect $$ a -- gone\n"
        "/* gone */ '--' $$;\n"
    )
    assert load("liquibase", {"m/a.sql": text.format("")}).migrations[0].up.text == "-- kept\nselect $$ a \n '--' $$;\n"
    assert "gone */" in load("liquibase", {"m/a.sql": text.format(" stripComments:false")}).migrations[0].up.text


def test_parameters_are_filled_in_and_missing_ones_told(load):
    text = "--liquibase formatted sql\n--changeset a:1\ncreate table ${t.name} ();\n"
    assert rules(load("liquibase", {"m/a.sql": text})) == ["unresolved-placeholder"]
    history = load("liquibase", {"m/a.sql": text}, placeholders={"t.name": "x"})
    assert "create table x" in history.migrations[0].up.text and rules(history) == []


def test_a_changeset_that_runs_again_when_it_changes_is_another_one_when_it_changes(load):
    text = (
        "--liquibase formatted sql\n--changeset a:1\nselect 1;\n--changeset a:v runOnChange:true\n"
        "create view v as select {};\n"
    )
    one, two = (load("liquibase", {"m/a.sql": text.format(number)}).migrations for number in (1, 2))
    assert [item.is_repeatable for item in one] == [False, True]
    assert one[0].id == two[0].id == "a:1" and one[1].id != two[1].id


def test_a_changeset_for_another_database_is_none_of_ours_and_a_property_gives_its_value(load):
    text = (
        "--liquibase formatted sql\n--property name:schema value:shop\n--property name:other value:x dbms:oracle\n"
        "--changeset a:1 dbms:oracle\nselect 1 from dual;\n--changeset a:2 dbms:postgresql,h2\n"
        "select '${schema}', '${other}';\n--changeset a:3 ignore:true\nselect nonsense;\n"
    )
    history = load("liquibase", {"m/c.sql": text})
    assert [item.id for item in history.migrations] == ["a:2"]
    assert "select 'shop', '${other}'" in history.migrations[0].up.text
    assert [item.rule for item in history.findings] == ["unresolved-placeholder"]


def test_a_changeset_added_below_leaves_the_text_of_the_one_above_as_it_was(load):
    one = "--liquibase formatted sql\n\n--changeset a:1\nselect 1;\n"
    alone, followed = (
        load("liquibase", {"m/c.sql": text}).migrations[0].up.text
        for text in (one, f"{one}\n\n--changeset a:2\nselect 2;\n")
    )
    assert alone == followed


def test_what_an_application_keeps_beside_its_changelogs_belongs_to_no_migration_and_the_master_does(load):
    files = {
        "res/migrations.xml": '<databaseChangeLog><include file="migrations.1.xml" '
        'relativeToChangelogFile="true"/></databaseChangeLog>',
        "res/migrations.1.xml": '<databaseChangeLog><changeSet id="1" author="a"><sql>select '
        "1</sql></changeSet></databaseChangeLog>",
        "res/migrations.old.xml": "<databaseChangeLog/>",
        "res/hotfix.sql": "select 1;",
        "res/swagger.yaml": "openapi: 3.0.0\n",
        "res/data/rows.csv": "1,2\n",
    }
    history = load("liquibase", files, "res")
    assert [item.version for item in history.migrations] == ["a:1"]
    assert sorted(file.path for file in history.other_files) == ["res/hotfix.sql", "res/migrations.old.xml"]


def test_what_decides_whether_a_changeset_runs_is_known_of_it(load):
    inside = '<changeSet id="1" author="a" context="test"><sql>select 1</sql></changeSet>'
    plain = '<changeSet id="2" author="a"><comment>in this context</comment><sql>select 1</sql></changeSet>'
    files = {
        "db/changelog/a.xml": f"<databaseChangeLog>{inside}{plain}</databaseChangeLog>",
        "db/changelog/b.xml": f'<databaseChangeLog context="1.4.0">{plain.replace("2", "3")}</databaseChangeLog>',
        "db/changelog/c.yaml": "databaseChangeLog:\n  - changeSet:\n      id: 4\n      author: a\n      labels: blue\n"
        "      changes: []\n",
        "db/changelog/db.changelog-master.xml": "<databaseChangeLog>"
        + "".join(f'<include file="{name}" relativeToChangelogFile="true"/>' for name in ("a.xml", "b.xml", "c.yaml"))
        + "</databaseChangeLog>",
    }
    found = {item.version: item.condition for item in load("liquibase", files, "db/changelog").migrations}
    assert found == {"a:1": "its context test", "a:2": None, "a:3": "its context 1.4.0", "a:4": "its labels blue"}


def test_the_root_is_no_second_directory_when_all_its_changelogs_lie_in_one_below(detect):
    log = '<databaseChangeLog><changeSet id="1" author="a"></changeSet></databaseChangeLog>'
    files = {"liquibase.properties": "changeLogFile=db/changelog.xml\n", "db/changelog.xml": log}
    assert detect(files) == ("db", "liquibase")
    with pytest.raises(UsageError, match="more than one directory"):
        detect({"changelog.xml": log, "db/changelog.xml": log})
