"""Which changesets can be taken back, as their files tell."""

from __future__ import annotations

import json

import pytest

from kfm_ci.migrations.formats.liquibase_rollbacks import there


def xml(inside):
    return f'<changeSet id="1" author="a" failOnError="false">{inside}</changeSet>'


@pytest.mark.parametrize(
    ("inside", "wanted"),
    [
        (
            (
                '<createTable tableName="t"><column name="id" type="int"><constraints '
                'nullable="false"/></column></createTable>'
            ),
            True,
        ),
        (
            (
                '<preConditions onFail="MARK_RAN"><sqlCheck expectedResult="0">select '
                '1</sqlCheck></preConditions><addColumn tableName="t"/>'
            ),
            True,
        ),
        ('<addColumn tableName="t"/><sql>update t set a = 1</sql>', False),
        ("<sql>update t set a = 1</sql><rollback>update t set a = 0</rollback>", True),
        ("<sql>update t set a = 1</sql><rollback/>", True),
        ("<sql><![CDATA[select '<rollback>']]></sql>", False),
        ("<sql>update t set a = 1</sql><!-- <rollback/> -->", False),
        ('<dropTable tableName="t"/>', False),
        ('<ext:createIndex indexName="a > b"/>', True),
    ],
)
def test_xml(inside, wanted):
    assert there("m/a.xml", xml(inside)) is wanted


YAML = """- changeSet:
    id: 1
    author: a
    changes:
      - createTable:
          tableName: t
          columns:
            - column:
                name: id
"""


@pytest.mark.parametrize(
    ("text", "wanted"),
    [
        (YAML, True),
        (f"{YAML}      - sql: update t set id = 1\n", False),
        (f"{YAML}      - sql: update t set id = 1\n    rollback:\n      - sql: delete from t\n", True),
        (f"{YAML}      - sql: update t set id = 1\n    rollback: []\n", True),
    ],
)
def test_yaml(text, wanted):
    assert there("m/a.yaml", text) is wanted


@pytest.mark.parametrize(
    ("changes", "more", "wanted"),
    [
        ([{"createTable": {}}], {}, True),
        ([{"createTable": {}}, {"sql": "x"}], {}, False),
        ([{"sql": "x"}], {"rollback": []}, True),
        ("no list", {}, True),
    ],
)
def test_json(changes, more, wanted):
    assert there("m/a.json", json.dumps({"id": "1", "changes": changes, **more})) is wanted


@pytest.mark.parametrize(
    ("text", "wanted"),
    [
        ("select 1;\n--rollback select 2;\n", True),
        ("select 1;\n-- rollback empty\n", True),
        ("select 1;\n/* liquibase rollback\nselect 2;\n*/\n", True),
        ("select 1; -- a rollback\n", False),
    ],
)
def test_formatted_sql(text, wanted):
    assert there("m/a.sql", text) is wanted
