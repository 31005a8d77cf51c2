"""The complete gate on the repositories of examples/."""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import sys
from pathlib import Path

import pytest
from histories import CACHE, NODE

ROOT = Path(__file__).resolve().parents[2]
GIT = ["git", "-c", "user.name=t", "-c", "user.email=t@example.com"]


def gate(name, tmp_path, base):
    root = tmp_path / name
    if base == "none":
        shutil.copytree(ROOT / "examples" / name, root)
        subprocess.run(["git", "init", "-q", "-b", "main", root], check=True)
    (root / ".gitignore").write_text("node_modules\n")
    if not (root / "node_modules").exists() and NODE.exists():
        (root / "node_modules").symlink_to(NODE)
    environment = {**os.environ, "PATH": f"{CACHE}/python/bin:{os.environ['PATH']}"}
    done = subprocess.run(
        [sys.executable, "-m", "kfm_ci", "gate", str(root), "--base", base, "--out", str(tmp_path / "out")],
        env=environment,
        cwd=ROOT,
        capture_output=True,
        text=True,
        check=False,
    )
    assert "Traceback" not in done.stderr, done.stderr
    report = json.loads((tmp_path / "out/gate.json").read_text())
    assert done.returncode == report["exit_code"], done.stderr
    return root, report


EXAMPLES = {
    "alembic": CACHE / "python/bin/alembic",
    "knex": NODE / ".bin/knex",
    "flyway": None,
    "liquibase": None,
    "prisma": None,
}


@pytest.mark.parametrize("name", EXAMPLES)
def test_the_example_passes_with_its_way_back_and_a_blocking_index_on_it_is_refused(name, tmp_path):
    needs = EXAMPLES[name]
    if needs is not None and not needs.exists():
        pytest.skip(f"NOT RUN: {name} is not installed under {CACHE}; run `make test-tools`")
    root, report = gate(name, tmp_path, "none")
    assert report["result"] == "pass" and report["format"] == name, report["findings"]
    assert [item["apply"]["outcome"] for item in report["migrations"]] == ["applied"] * len(report["migrations"])
    subprocess.run([*GIT, "add", "-A"], cwd=root, check=True)
    subprocess.run([*GIT, "commit", "-qm", "x"], cwd=root, check=True)
    block(name, root)
    _, report = gate(name, tmp_path, "main")
    wrong = [item for item in report["findings"] if item["severity"] == "error"]
    assert report["result"] == "fail" and {item["hazard"] for item in wrong} == {"blocks-writes"}, wrong
    assert sum(item["new"] for item in report["migrations"]) == 1


INDEX = "create index customers_email_lower_idx on customers (lower(email));"


def block(name, root):
    """Add a migration that builds an index and blocks writes."""
    if name == "alembic":
        (root / "migrations/versions/zz.py").write_text(
            'from alembic import op\nrevision = "ffff"\ndown_revision = "9d3e"\n'
            f'def upgrade():\n    op.execute("set local lock_timeout = 100")\n    op.execute("{INDEX}")\n'
            'def downgrade():\n    op.execute("drop index customers_email_lower_idx")\n'
        )
    elif name == "knex":
        (root / "migrations/20270101000000_index.js").write_text(
            f'exports.up = (knex) => knex.raw("{INDEX}");\n'
            'exports.down = (knex) => knex.raw("drop index customers_email_lower_idx");\n'
        )
    elif name == "flyway":
        (root / "src/main/resources/db/migration/V9__index.sql").write_text(INDEX)
    elif name == "liquibase":
        path = root / "changelog/changes.sql"
        path.write_text(
            f"{path.read_text()}\n--changeset ann:index\n{INDEX}\n--rollback drop index customers_email_lower_idx;\n"
        )
    else:
        folder = root / "prisma/migrations/20270101000000_index"
        folder.mkdir()
        (folder / "migration.sql").write_text(INDEX)
