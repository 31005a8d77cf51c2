"""A tool of one's own, run and watched: a small program that keeps its history in a table."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[2]
TOOL = """
import os, pathlib, sys, psycopg
verb, *names = sys.argv[1:]
files = sorted(pathlib.Path("steps").glob("*.py"))
with psycopg.connect(os.environ["DATABASE_URL"], autocommit=True) as connection:
    connection.execute("create table if not exists done_steps (name text primary key)")
    for file in files:
        if names and file.stem not in names:
            continue
        there = connection.execute("select 1 from done_steps where name = %s", [file.stem]).fetchone()
        if bool(there) != (verb == "down"):
            continue
        space = {"connection": connection}
        exec(file.read_text(), space)
        with connection.transaction():
            space[verb]()
            connection.execute("insert into done_steps values (%s)" if verb == "up" else "delete from done_steps where name = %s", [file.stem])
"""
CONFIG = f"""
[migrations]
dir = "steps"
format = "command"
[migrations.command]
up = "{sys.executable} tool.py up"
up-one = "{sys.executable} tool.py up {{id}}"
down-one = "{sys.executable} tool.py down {{id}}"
history-table = "done_steps"
timeout = 90
"""
FIRST = """
def up():
    connection.execute("create table widgets (id bigint primary key, name text)")
    for number in range(3):
        connection.execute("insert into widgets values (%s, %s)", [number, f"it's {number}"])
def down():
    connection.execute("drop table widgets")
"""


@pytest.fixture
def gate(tmp_path):
    root = tmp_path / "repo"
    (root / "steps").mkdir(parents=True)
    (root / "tool.py").write_text(TOOL)
    (root / "kfm-ci.toml").write_text(CONFIG)
    git = ["git", "-c", "user.name=t", "-c", "user.email=t@example.com", "-C", str(root)]
    subprocess.run(["git", "init", "-q", "-b", "main", str(root)], check=True)

    def run(steps, *, base="none", files=None):
        for name, text in {f"steps/{key}.py": text for key, text in steps.items()}.items():
            (root / name).write_text(text)
        for name, text in (files or {}).items():
            (root / name).write_text(text)
        done = subprocess.run([sys.executable, "-m", "kfm_ci", "gate", str(root), "--out", str(tmp_path / "out"), "--base", base],
                              capture_output=True, text=True, cwd=ROOT, check=False)  # fmt: skip
        assert "Traceback" not in done.stderr, done.stderr
        return done.returncode, json.loads((tmp_path / "out/gate.json").read_text())

    def commit():
        subprocess.run([*git, "add", "-A"], check=True)
        subprocess.run([*git, "commit", "-qm", "x"], check=True)

    run.commit = commit
    return run


def test_what_the_tool_did_is_observed_statement_by_statement_and_its_way_back_is_drilled(gate):
    code, report = gate({"1_widgets": FIRST})
    assert code == 0, report
    (migration,) = report["migrations"]
    assert [item["kind"] for item in migration["statements"]] == ["CREATE TABLE", "INSERT", "INSERT", "INSERT"]
    assert migration["schema_diff"]["added"] == ["table public.widgets"] and migration["rollback"]["proof"] == "proven"


def test_the_base_is_built_by_the_tool_and_a_blocking_index_on_it_is_refused(gate):
    gate({"1_widgets": FIRST})
    gate.commit()
    index = 'def up(): connection.execute("create index i on widgets (name)")\ndef down(): connection.execute("drop index i")\n'
    code, report = gate({"2_index": index}, base="main")
    assert code == 1
    found = [item for item in report["findings"] if item["hazard"] == "blocks-writes" and item["severity"] == "error"]
    assert found and found[0]["file"] == "steps/2_index.py" and "create index i on widgets" in found[0]["message"]


def test_a_migration_that_the_server_refuses_is_told_in_the_servers_words(gate):
    code, report = gate({"1_bad": 'def up(): connection.execute("create tabel x ()")\n'})
    assert code == 1
    assert any("42601" in item["message"] and item["rule"] == "migration-failed" for item in report["findings"])


def test_a_tool_that_does_nothing_and_ends_with_0_is_no_pass(gate):
    code, report = gate({"1_widgets": FIRST}, files={"tool.py": "pass"})
    assert code == 3 and report["result"] == "error"


@pytest.mark.parametrize("program", ["import time; time.sleep(60)", "raise SystemExit(0 if input() else 1)"])
def test_a_tool_that_hangs_or_asks_is_no_pass(gate, program):
    code, _ = gate(
        {"1_widgets": FIRST}, files={"tool.py": program, "kfm-ci.toml": CONFIG.replace("timeout = 90", "timeout = 2")}
    )
    assert code in {1, 3}


def test_a_tool_that_is_not_installed_is_told_and_no_pass(gate):
    code, report = gate({"1_widgets": FIRST}, files={"kfm-ci.toml": CONFIG.replace(sys.executable, "no-such-tool")})
    assert code == 3 and "not installed" in json.dumps(report)


def test_what_depends_on_more_than_what_was_sent_is_not_called_checked(gate):
    copy = 'def up():\n  connection.execute("create table a (id int)")\n  with connection.cursor().copy("copy a from stdin") as c: c.write("1\\\\n")\n'
    code, _ = gate({"1_copy": copy})
    assert code == 3
