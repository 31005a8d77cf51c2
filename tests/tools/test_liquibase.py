"""Liquibase itself: rollback past irreversible changesets, skipped changesets, printed SQL."""

from __future__ import annotations

import subprocess

import pytest
from histories import CACHE, JVM
from test_projects import commit, gate, write

CHANGES = {
    "table": '<createTable tableName="t"><column name="id" type="int"/><column name="note" type="text"/></createTable>',
    "fill": "<sql>insert into t values (1, 'a')</sql>",
    "column": '<addColumn tableName="t"><column name="more" type="int"/></addColumn>',
    "swap": "<sql>update t set note = 'b'</sql><rollback>update t set note = 'a'</rollback>",
    "index": '<createIndex tableName="t" indexName="t_note"><column name="note"/></createIndex>',
    "rename": '<renameColumn tableName="t" oldColumnName="more" newColumnName="extra"/>',
    "last": "<sql>create table u (id int)</sql>",
}
SPACE = "http://www.liquibase.org/xml/ns/dbchangelog"
NAMES = (
    f'xmlns="{SPACE}" xmlns:xsi="http://www.w3.org/2001/XMLSchema-instance" '
    f'xsi:schemaLocation="{SPACE} {SPACE}/dbchangelog-latest.xsd"'
)
ODD = """<changeSet id="swallowed" author="a" failOnError="false"><dropSequence sequenceName="nowhere_seq"/></changeSet>
<changeSet id="test-1" author="a" context="test"><createTable tableName="x">
  <column name="id" type="int"/></createTable></changeSet>
<changeSet id="test-2" author="a" context="test"><createTable tableName="y">
  <column name="id" type="int"/></createTable></changeSet>
<changeSet id="marked" author="a"><preConditions onFail="MARK_RAN"><tableExists tableName="nowhere"/></preConditions>
  <dropTable tableName="nowhere"/></changeSet>
"""
CONFIG = (
    '[migrations]\ndir = "m"\nformat = "liquibase"\n[migrations.command.env]\n'
    'LIQUIBASE_COMMAND_CONTEXTS = "production"\n'
)


def changelog(names, odd=""):
    sets = {name: f'<changeSet id="{name}" author="a">{CHANGES[name]}</changeSet>' for name in names}
    inside = "\n".join([*list(sets.values())[:1], odd, *list(sets.values())[1:]])
    return f"<databaseChangeLog {NAMES}>\n{inside}\n</databaseChangeLog>\n"


@pytest.fixture
def root(tmp_path):
    if not JVM.exists():
        pytest.skip(f"NOT RUN: liquibase is not installed under {CACHE}; run `make test-tools`")
    root = tmp_path / "repo"
    write(root, {"kfm-ci.toml": CONFIG, "m/changelog.xml": changelog(["table"])})
    return root


FORMATTED = """--liquibase formatted sql
--changeset a:2
create index on t (id);
--rollback drop index t_id_idx;
"""


def proofs(report):
    return {item["id"].removeprefix("a:"): item["rollback"]["proof"] for item in report["migrations"] if item["new"]}


def test_each_rollback_is_proven_and_each_skipped_changeset_is_reported(root):
    include = '<include file="more.sql" relativeToChangelogFile="true"/>'
    write(
        root,
        {
            "m/changelog.xml": changelog(CHANGES, ODD).replace(
                "</databaseChangeLog>", f"{include}</databaseChangeLog>"
            ),
            "m/more.sql": FORMATTED,
        },
    )
    report = gate(root, "none")
    assert report["result"] == "pass", (report["stages"], report["findings"])
    unproven = {name for name, proof in proofs(report).items() if proof != "proven"}
    assert unproven == {"fill", "last", "swallowed", "test-1", "test-2", "marked"}, proofs(report)
    reported = [(item["rule"], item["migration"]) for item in report["findings"]]
    assert {name for rule, name in reported if rule == "rollback-missing"} == {"a:fill", "a:last"}
    assert [name for rule, name in reported if rule == "error-suppressed"] == ["a:swallowed"]
    assert [name for rule, name in reported if rule == "migration-ignored"] == ["a:test-1", "a:marked"]


def test_of_a_few_new_changesets_that_between_two_without_a_way_back_is_proven(root):
    subprocess.run(["git", "init", "-q", "-b", "main", root], check=True)
    commit(root)
    write(root, {"m/changelog.xml": changelog(["table", "fill", "column", "last"])})
    report = gate(root, "main")
    assert report["result"] == "pass", (report["stages"], report["findings"])
    assert proofs(report) == {"fill": "not-run", "column": "proven", "last": "not-run"}


def test_an_error_suppressed_by_the_base_is_reported_for_no_new_changeset(root):
    subprocess.run(["git", "init", "-q", "-b", "main", root], check=True)
    write(root, {"m/changelog.xml": changelog(["table"], ODD)})
    commit(root)
    write(root, {"m/changelog.xml": changelog(["table", "column"], ODD)})
    report = gate(root, "main")
    assert proofs(report) == {"column": "proven"}, report["stages"]
    assert not [item for item in report["findings"] if item["rule"] in {"error-suppressed", "migration-ignored"}]


def test_a_refusal_stands_where_it_is_written_and_what_comes_after_it_is_judged_by_what_liquibase_prints(root):
    subprocess.run(["git", "init", "-q", "-b", "main", root], check=True)
    commit(root)
    bad = '<changeSet id="bad" author="a"><sqlFile path="bad.sql" relativeToChangelogFile="true"/></changeSet>'
    later = '<changeSet id="later" author="a"><sql>create index by_hand on t (note)</sql></changeSet>'
    text = changelog(["table"]).replace("</databaseChangeLog>", f"{bad}\n{later}\n</databaseChangeLog>")
    write(
        root,
        {"m/changelog.xml": text, "m/bad.sql": "update t set id = 1;\n\nalter table t add column wrong nonsense;\n"},
    )
    report = gate(root, "main")
    wrong = [
        (item["rule"], item["migration"], item["file"], item["line"])
        for item in report["findings"]
        if item["severity"] == "error"
    ]
    assert ("migration-failed", "a:bad", "m/bad.sql", 3) in wrong, wrong
    assert ("index-not-concurrent", "a:later") in [item[:2] for item in wrong], wrong


def test_liquibases_own_tables_that_cannot_be_made_are_no_migrations_fault(root):
    write(root, {"kfm-ci.toml": f'{CONFIG}LIQUIBASE_LIQUIBASE_SCHEMA_NAME = "elsewhere"\n'})
    report = gate(root, "none")
    (reported,) = [item["message"] for item in report["stages"] if item["status"] == "errored"]
    assert report["exit_code"] == 3 and "KFM-C46" in reported and 'schema "elsewhere" does not exist' in reported
