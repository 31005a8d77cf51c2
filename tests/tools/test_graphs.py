"""The complete gate with the tools on forked, merged and squashed revisions."""

from __future__ import annotations

import subprocess

import pytest
from projects import DJANGO, PYTHON
from test_projects import commit, gate, write

SQUASH = """from django.db import migrations, models


class Migration(migrations.Migration):
    replaces = [("shop", "0001_initial"), ("shop", "0002_name")]
    dependencies = []
    operations = [
        migrations.CreateModel('Customer', [
            ('id', models.BigAutoField(primary_key=True)), ('email', models.TextField()){name}]),
    ]
"""
ENV = """from alembic import context
from sqlalchemy import create_engine
with create_engine(context.config.get_main_option("sqlalchemy.url")).connect() as connection:
    context.configure(connection=connection)
    with context.begin_transaction():
        context.run_migrations()
"""


def revision(name, parents, column):
    return (
        f"import sqlalchemy as sa\nfrom alembic import op\nrevision = '{name}'\ndown_revision = {parents!r}\n\n\n"
        f"def upgrade():\n    op.execute('{column}')\n\n\n"
        f"def downgrade():\n    op.execute('{column.replace('add column', 'drop column').removesuffix(' text')}')\n"
    )


@pytest.fixture
def root(tmp_path):
    if not DJANGO.needs.exists():
        pytest.skip("NOT RUN: django is not installed; run `make test-tools`")
    root = tmp_path / "repo"
    root.mkdir()
    subprocess.run(["git", "init", "-q", "-b", "main", root], check=True)
    return root


@pytest.mark.parametrize(
    ("name", "reported"),
    [
        (", ('name', models.TextField(null=True))", None),
        ("", "public.shop_customer.name is missing"),
        (", ???", "SyntaxError"),
    ],
)
def test_a_squashed_migration_builds_the_schema_of_the_replaced_ones(root, name, reported):
    write(root, DJANGO.files)
    commit(root)
    write(root, {"shop/migrations/0001_squashed_0002_name.py": SQUASH.format(name=name)})
    report = gate(root, "main")
    assert [item["id"] for item in report["migrations"] if item["new"]] == ["shop.0001_squashed_0002_name"]
    wrong = [item for item in report["findings"] if item["severity"] == "error"]
    assert report["result"] == ("pass" if reported is None else "fail"), (report["stages"], report["findings"])
    assert (reported is None) == (wrong == []) and all(reported in item["message"] for item in wrong), wrong


def test_the_last_step_of_a_squash_is_no_edit_and_any_other_is(root):
    name = "shop/migrations/0001_squashed_0002_name.py"
    text = SQUASH.format(name=", ('name', models.TextField(null=True))")
    write(root, {**DJANGO.files, name: text})
    commit(root)
    for old in ("0001_initial", "0002_name"):
        (root / f"shop/migrations/{old}.py").unlink()
    last = "".join(line for line in text.splitlines(keepends=True) if "replaces" not in line)
    write(root, {name: last})
    report = gate(root, "main")
    assert report["result"] == "pass", report["findings"]
    write(root, {name: last.replace("null=True", "null=False")})
    report = gate(root, "main")
    assert {item["rule"] for item in report["findings"]} == {"applied-migration-changed"}


def test_a_fork_is_taken_back_branch_by_branch_and_its_merge_needs_no_way_back(root):
    if not (PYTHON / "alembic").exists():
        pytest.skip("NOT RUN: alembic is not installed; run `make test-tools`")
    write(
        root,
        {
            "alembic.ini": "[alembic]\nscript_location = db\nsqlalchemy.url = postgresql+psycopg://x\n",
            "db/env.py": ENV,
            "db/versions/a.py": revision("a", None, "create table t (id int)"),
        },
    )
    commit(root)
    write(
        root,
        {
            "db/versions/b.py": revision("b", "a", "alter table t add column b text"),
            "db/versions/c.py": revision("c", "a", "alter table t add column c text"),
            "db/versions/d.py": "revision = 'd'\ndown_revision = ('b', 'c')\n\n\ndef upgrade():\n    pass\n\n\n"
            "def downgrade():\n    pass\n",
        },
    )
    report = gate(root, "main")
    assert report["result"] == "pass", (report["stages"], report["findings"])
    back = {item["id"]: item["rollback"] for item in report["migrations"] if item["new"]}
    assert [back[name]["proof"] for name in "bcd"] == ["proven", "proven", "not-run"]
    assert [back[name]["commands"] for name in "bcd"] == [["alembic downgrade b@a"], ["alembic downgrade c@a"], []]
    assert "not proven" not in (root.parent / "out/comment.md").read_text()
