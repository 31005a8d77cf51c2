"""Which files a migration's program brings along."""

from __future__ import annotations

from dataclasses import replace

import pytest

from kfm_ci.analysis.change import Change, Requirements
from kfm_ci.migrations import included_files
from kfm_ci.migrations.model import files_of
from kfm_ci.rules.files.applied_migration_changed import AppliedMigrationChanged
from kfm_ci.rules.files.stray_file import StrayFile

KNEX = {"knexfile.js": ""}


@pytest.fixture
def attach(load, tree):
    def attach(format, files, directory="m"):
        return included_files.attach(tree(files), load(format, files, directory))

    return attach


def named(history):
    return {item.id: [file.path for file in item.extra_files] for item in history.migrations if item.extra_files}


@pytest.mark.parametrize(
    "program",
    [
        "readFileSync('m/sql/x.sql')",
        "readFileSync(path.join(__dirname, 'sql', 'x.sql'))",
        "const file = `${__dirname}/sql/x.sql`;",
        'read("./sql/x.sql")',
        "const NAME = 'x.sql'",
    ],
)
def test_a_file_that_a_string_names_is_part_of_the_migration(attach, program):
    assert named(attach("knex", {**KNEX, "m/1_a.js": program, "m/sql/x.sql": "select 1;"})) == {
        "1_a.js": ["m/sql/x.sql"]
    }


@pytest.mark.parametrize(
    ("program", "path"),
    [
        ("// reads x.sql", "m/x.sql"),
        ("read('x.sql')", "elsewhere/x.sql"),
        ("read('../../../../etc/x.sql')", "etc/x.sql"),
        ("read('README.md')", "m/README.md"),
        ("require('../package.json')", "package.json"),
        ("read('2_b.js')", "m/2_b.js"),
        (f"read('{'x' * 500}.sql')", f"m/{'x' * 500}.sql"),
    ],
    ids=["comment", "outside", "above", "prose", "package", "migration", "long"],
)
def test_what_is_no_companion(attach, program, path):
    assert named(attach("knex", {**KNEX, "m/1_a.js": program, path: "x"})) == {}


def test_of_two_files_of_one_name_the_nearest_is_meant_else_none(attach):
    files = {**KNEX, "m/a/x.sql": "1", "m/b/x.sql": "2"}
    assert named(attach("knex", {**files, "m/1_a.js": "read('b/x.sql')"})) == {"1_a.js": ["m/b/x.sql"]}
    assert named(attach("knex", {**files, "m/1_a.js": "read('x.sql')"})) == {}


def test_files_whose_names_go_on_where_the_programs_name_ends_are_its_own(attach):
    files = {
        "m/1-add.js": "own(__filename)",
        "m/1-add-more.js": "own(__filename)",
        "m/1-add-01.up.sql": "a",
        "m/1-add-more-01.up.sql": "b",
        "m/1-address.sql": "c",
    }
    assert named(attach("knex", {**KNEX, **files})) == {
        "1-add.js": ["m/1-add-01.up.sql"],
        "1-add-more.js": ["m/1-add-more-01.up.sql"],
    }


def test_other_tools_bring_theirs_too(attach):
    alembic = {
        "db/env.py": "",
        "alembic.ini": "",
        "db/versions/1.py": "revision = 'a'\ndown_revision = None\nop.execute((HERE / 'sql' / 'x.sql').read_text())\n",
    }
    assert named(attach("alembic", {**alembic, "db/versions/sql/x.sql": "x"}, "db/versions")) == {
        "a": ["db/versions/sql/x.sql"]
    }
    yoyo = {
        "m/1.py": "from yoyo import step\nstep(open('m/x.sql').read())",
        "m/x.sql": "x",
        "m/2.sql": "y",
        "m/2.rollback.sql": "z",
    }
    assert "m/2.rollback.sql" in named(attach("yoyo", yoyo))["2.sql"]


CHANGELOG = """<databaseChangeLog>
  <changeSet id="1" author="a"><sqlFile path="sql/one.sql" relativeToChangelogFile="true"/></changeSet>
  <!-- <sqlFile path="sql/two.sql"/> -->
  <changeSet id="2" author="a"><loadData file="data/rows.csv" tableName="t"/></changeSet>
</databaseChangeLog>
"""


def test_liquibase_changesets_bring_the_files_that_they_run_and_load_and_none_of_them_is_stray(attach, tree):
    files = {
        "m/changelog.xml": CHANGELOG,
        "m/sql/one.sql": "-- liquibase\nselect 1;",
        "m/sql/two.sql": "select 2;",
        "m/data/rows.csv": "a",
    }
    history = attach("liquibase", files)
    assert named(history) == {"a:1": ["m/sql/one.sql"], "a:2": ["m/data/rows.csv"]}
    assert [file.path for file in history.other_files] == ["m/sql/two.sql"] and not history.findings
    change = judged(history, None, tree(files))
    assert [item.place.file for item in StrayFile().check(change)] == ["m/sql/two.sql"]


def judged(head, base, held):
    new = tuple(item for item in head.migrations if base is None or base.get(item.id) is None)
    asked = Requirements(require_header=False, require_traceability=False)
    return Change(head=head, base=base, merge_base=base, new=new, tree=held, requirements=asked)


def test_a_companion_of_an_applied_migration_keeps_its_bytes_whatever_else_reads_it(attach, tree):
    files = {**KNEX, "m/1_a.js": "read('x.sql')", "m/x.sql": "select 1;"}
    edited = {**files, "m/x.sql": "select 2;"}
    for head in (edited, {**edited, "m/2_b.js": "read('x.sql')"}):
        change = judged(attach("knex", head), attach("knex", files), tree(head))
        (found,) = AppliedMigrationChanged().check(change)
        assert (found.place.file, found.migration) == ("m/x.sql", "1_a.js") and "was edited" in found.message


def test_what_two_applied_migrations_read_may_grow(attach, tree):
    files = {**KNEX, "m/1_a.js": "read('x.sql')", "m/2_b.js": "read('x.sql')", "m/x.sql": "select 1;"}
    edited = {**files, "m/x.sql": "select 2;"}
    change = judged(attach("knex", edited), attach("knex", files), tree(edited))
    assert list(AppliedMigrationChanged().check(change)) == []


def test_files_that_our_own_runner_reads_bring_nothing(attach, load):
    files = {"m/V1__a.sql": "select 'x.sql';", "m/x.sql": ""}
    history = attach("flyway", files)
    assert named(history) == {} and history == replace(load("flyway", files))
    assert [len(list(files_of(item))) for item in history.migrations] == [1]
