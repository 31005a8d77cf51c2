"""What is on the base keeps its bytes."""

from __future__ import annotations

from dataclasses import replace

import pytest

from kfm_ci.migrations.model import History, Migration
from kfm_ci.model import Digest
from kfm_ci.rules.files.applied_migration_changed import AppliedMigrationChanged
from kfm_ci.sql.script import Script, SourceFile

RULE = AppliedMigrationChanged()
UP, DOWN = "20260101_0900__init.up.sql", "20260101_0900__init.down.sql"
BASE = {UP: "create table a (id int);\n", DOWN: "drop table a;\n"}


@pytest.mark.parametrize(
    "changed",
    [
        "create table a (id bigint);\n",
        "create table a (id int);\r\n",
        "create table a (id int); -- hi\n",
        "create table a (id int);",
    ],
)
def test_an_edit_is_refused_even_of_blanks_and_comments(judge, changed):
    (found,) = judge(RULE, BASE | {UP: changed}, BASE)
    assert "was edited" in found.message and found.place.file.endswith(UP)


def test_a_changed_down_is_refused(judge):
    (found,) = judge(RULE, BASE | {DOWN: "select 1;\n"}, BASE)
    assert found.place.file.endswith(DOWN)


def test_a_rename_names_the_new_file(judge):
    (found,) = judge(RULE, {"20260101_0901__init.up.sql": BASE[UP], DOWN: BASE[DOWN]}, BASE, BASE)
    assert "was renamed to migrations/db/20260101_0901__init.up.sql" in found.message


def test_a_deletion_is_refused(judge):
    found = judge(RULE, {}, BASE)
    assert len(found) == 2 and all("was deleted" in item.message for item in found)


def test_a_missing_down_may_be_added(judge):
    assert judge(RULE, BASE, {UP: BASE[UP]}) == []


def test_nothing_changed_is_nothing_found(judge):
    assert judge(RULE, BASE | {"20260102_0900__more.up.sql": "select 1;"}, BASE) == []


def test_what_came_to_the_base_later_is_no_deletion(judge):
    tip = BASE | {"20260102_0900__theirs.up.sql": "select 1;"}
    assert judge(RULE, BASE, tip, BASE) == []


def test_what_the_base_itself_changed_is_not_this_changes_doing(judge):
    tip = BASE | {UP: "create table a (id int8);\n"}
    assert judge(RULE, tip, tip, BASE) == []
    assert judge(RULE, {}, {}, BASE) == []


def test_without_a_base_nothing_was_applied(judge):
    assert judge(RULE, BASE) == []


def test_a_repeatable_migration_may_change(judge):
    base = {"R__views.up.sql": "select 1;"}
    assert judge(RULE, {"R__views.up.sql": "select 2;"}, base, format="flyway") == []


def sections(*texts: str) -> History:
    data = "".join(texts).encode()
    file = SourceFile(path="migrations/db/changes.sql", data=data, text=data.decode(), sha256=Digest.of(data))
    migrations = tuple(
        Migration(id=str(number), version=str(number), sort_key=(number,), name="c", up=Script(file=file, text=text))
        for number, text in enumerate(texts)
    )
    return History(format="liquibase", directory="migrations/db", migrations=migrations)


def test_a_file_of_several_migrations_may_grow_but_not_change(change):
    then = sections("select 1;")
    built = replace(change({}), base=then, merge_base=then)
    assert list(RULE.check(replace(built, head=sections("select 1;", "select 2;")))) == []
    assert list(RULE.check(replace(built, head=sections("select 1;\n\n", "select 2;")))) == []
    (edited,) = RULE.check(replace(built, head=sections("select 9;", "select 2;")))
    assert "was edited in migration 0" in edited.message
