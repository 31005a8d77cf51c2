"""Metadata of files that cannot carry a header."""

from __future__ import annotations

import pytest

from kfm_ci.config import DeclaredTable
from kfm_ci.errors import UsageError
from kfm_ci.migrations import config_metadata
from kfm_ci.migrations.layouts import program_metadata
from kfm_ci.migrations.model import Command, History, Migration
from kfm_ci.model import Digest
from kfm_ci.sql.script import SourceFile


def history(text="x = 1", id="1_a"):
    file = SourceFile(path="m/1_a.py", data=text.encode(), text=text, sha256=Digest.of(text.encode()))
    migration = Migration(
        id=id,
        version="1",
        sort_key=(1,),
        name="a",
        header=program_metadata.parse(text, id=id),
        up=Command(file=file, argv=(), directory="."),
    )
    return History(format="knex", directory="m", migrations=(migration,))


def test_a_table_is_the_header_of_its_migration():
    table = DeclaredTable(id="1_a", owner="payments", risk="low", compensated_by="2_b")
    header = config_metadata.add(history(), (table,)).migrations[0].header
    assert header.values == {
        "dialect": "postgresql",
        "id": "1_a",
        "owner": "payments",
        "risk": "low",
        "compensated-by": "2_b",
    }


def test_what_the_file_says_itself_wins():
    header = (
        config_metadata.add(history("# kfm: owner: mine\n"), (DeclaredTable(id="1_a", owner="other", risk="low"),))
        .migrations[0]
        .header
    )
    assert header.values["owner"] == "mine" and header.values["risk"] == "low" and header.lines["owner"] == 1


def test_a_table_about_nothing_is_told_with_the_nearest_id():
    with pytest.raises(UsageError) as raised:
        config_metadata.check_ids(history(), (DeclaredTable(id="1_b"),))
    assert "1_a" in raised.value.help


@pytest.mark.parametrize(
    "text",
    [
        '"""Add.\n\n[KFM_MIGRATION]\nowner: pay\nrisk: low\n[/KFM_MIGRATION]\n"""\n',
        "# [KFM_MIGRATION]\n# owner: pay\n# risk: low\n# [/KFM_MIGRATION]\n",
        "// -- [KFM_MIGRATION]\n// -- owner: pay\n// -- risk: low\n// -- [/KFM_MIGRATION]\n",
        "# kfm: owner: pay\n# kfm: risk: low\n",
        "<!-- kfm: owner: pay -->\n<!-- kfm: risk: low -->\n",
    ],
)
def test_a_program_says_it_in_its_docstring_or_in_comments(text):
    header = program_metadata.parse(text, id="x")
    assert (
        header is not None
        and header.values["owner"] == "pay"
        and header.values["risk"] == "low"
        and not header.problems
    )


def test_a_program_that_says_nothing_has_no_header():
    assert program_metadata.parse("import kfm\nx = 'kfm: owner: pay'\n", id="x") is None
