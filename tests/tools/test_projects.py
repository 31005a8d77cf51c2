"""The complete gate with external migration tools: findings, their places, and the rollback."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path

import pytest
from histories import CACHE, JVM, NODE
from projects import PRISMA, PROJECTS, RAILS

ROOT = Path(__file__).resolve().parents[2]
GIT = ["git", "-c", "user.name=t", "-c", "user.email=t@example.com"]


def write(root, files):
    for name, text in files.items():
        (root / name).parent.mkdir(parents=True, exist_ok=True)
        (root / name).write_text(text)


def commit(root):
    subprocess.run([*GIT, "add", "-A"], cwd=root, check=True)
    subprocess.run([*GIT, "commit", "-qm", "x"], cwd=root, check=True)


def programs(place):
    """Return a directory with a program that starts a tool from its library."""
    program = place / "bin/liquibase"
    program.parent.mkdir(exist_ok=True)
    program.write_text(
        f'#!/bin/sh\nexec java -XX:TieredStopAtLevel=1 -cp "{JVM}/*" '
        'liquibase.integration.commandline.LiquibaseCommandLine "$@"\n'
    )
    program.chmod(0o755)
    return program.parent


def gate(root, base, passes=None):
    path = f"{programs(root.parent)}:{CACHE}/python/bin:{os.environ['PATH']}"
    environment = {**os.environ, "PATH": path, **(passes or {})}
    out = root.parent / "out"
    done = subprocess.run(
        [sys.executable, "-m", "kfm_ci", "gate", str(root), "--base", base, "--out", str(out)],
        env=environment,
        cwd=ROOT,
        capture_output=True,
        text=True,
        check=False,
    )
    assert "Traceback" not in done.stderr, done.stderr
    return json.loads((out / "gate.json").read_text())


@pytest.fixture(params=PROJECTS, ids=lambda item: item.name)
def project(request):
    if not request.param.needs.exists():
        pytest.skip(f"NOT RUN: {request.param.name} is not installed under {CACHE}; run `make test-tools`")
    return request.param


@pytest.fixture
def root(project, tmp_path):
    root = tmp_path / "repo"
    write(root, {**project.files, ".gitignore": "node_modules\n"})
    subprocess.run(["git", "init", "-q", "-b", "main", root], check=True)
    (root / "node_modules").symlink_to(NODE)
    commit(root)
    return root


def test_the_tools_own_run_is_judged_and_its_way_back_drilled(project, root):
    report = gate(root, "none", project.passes)
    assert report["result"] == "pass" and report["format"] == project.name, (report["stages"], report["findings"])
    assert [item["apply"]["outcome"] for item in report["migrations"]] == ["applied", "applied"]
    assert [item["rollback"]["proof"] for item in report["migrations"]] == ["proven", "proven"]


def test_a_blocking_index_is_refused_at_its_line_in_the_program(project, root):
    write(root, dict([project.blocking]))
    report = gate(root, "main", project.passes)
    assert report["result"] == "fail", (report["stages"], report["findings"])
    wrong = [item for item in report["findings"] if item["severity"] == "error"]
    assert {item["hazard"] for item in wrong} == {"blocks-writes"}, wrong
    assert {(item["file"], item["line"]) for item in wrong} == {(project.blocking[0], project.line)}, wrong


def test_rails_makes_the_base_from_the_schema_that_it_keeps_and_runs_an_index_outside_a_transaction(tmp_path):
    if not RAILS.needs.exists():
        pytest.skip("NOT RUN: rails is not installed; run `make test-tools`")
    root = tmp_path / "repo"
    rotten = {
        "db/migrate/20260105090000_create_customers.rb": RAILS.files["db/migrate/20260112100000_add_name.rb"].replace(
            "AddName", "CreateCustomers"
        )
    }
    kept = (
        'ActiveRecord::Schema.define(version: 2026_01_12_100000) do\n  create_table "customers" do |t|\n'
        '    t.text "email"\n    t.text "name"\n  end\nend\n'
    )
    ruby = {
        "config/application.rb": RAILS.files["config/application.rb"].replace(":sql", ":ruby"),
        "db/schema.rb": kept,
    }
    write(root, {**RAILS.files, **rotten, **ruby})
    subprocess.run(["git", "init", "-q", "-b", "main", root], check=True)
    commit(root)
    name, text = RAILS.blocking
    text = text.replace("  def", "  disable_ddl_transaction!\n\n  def", 1).replace(
        ":email", ":email, algorithm: :concurrently"
    )
    write(root, {name: text})
    report = gate(root, "main")
    assert report["result"] == "pass" and report["risk"]["level"] == "low", (report["stages"], report["findings"])
    migration = report["migrations"][-1]
    assert migration["apply"]["mode"] == "autocommit" and migration["rollback"]["proof"] == "proven"


def test_prismas_empty_engine_that_ends_with_0_is_no_pass(tmp_path):
    if not PRISMA.needs.exists():
        pytest.skip(f"NOT RUN: prisma is not installed under {CACHE}; run `make test-tools`")
    root = tmp_path / "repo"
    write(root, {name: text for name, text in PRISMA.files.items() if name != "prisma.config.ts"})
    (root / "node_modules").symlink_to(NODE)
    report = gate(root, "none")
    assert report["exit_code"] == 3 and report["result"] == "error"
    (reported,) = [item["message"] for item in report["stages"] if item["status"] == "errored"]
    assert "KFM-C44" in reported and "_prisma_migrations did not change" in reported


OPENING = {".py": "# {}", ".rb": "# {}", ".exs": "# {}", ".js": "// {}", ".xml": "<!-- {} -->", ".sql": "-- {}"}


def test_the_acknowledgement_that_is_advised_works_where_the_finding_stands(project, root):
    name, text = project.blocking
    write(root, {name: text})
    report = gate(root, "main", project.passes)
    advised = OPENING[Path(name).suffix].format('kfm:allow blocks-writes reason="…"')
    assert advised in (root.parent / "out/comment.md").read_text(), report["findings"]
    lines = text.split("\n")
    advised = advised.replace("…", "the table has 40 rows")
    write(root, {name: "\n".join([*lines[: project.line - 1], advised, *lines[project.line - 1 :]])})
    report = gate(root, "main", project.passes)
    assert report["result"] == "pass", (report["stages"], report["findings"])
    assert [item["hazard"] for item in report["findings"] if item["acknowledged"]] == ["blocks-writes"]
    assert "unused-acknowledgement" not in {item["rule"] for item in report["findings"]}
