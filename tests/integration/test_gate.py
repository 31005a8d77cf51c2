"""The gate as a user runs it: a repository in, a verdict and files out."""

from __future__ import annotations

import hashlib
import json
import subprocess
import sys
from pathlib import Path

import jsonschema
import pytest

from kfm_ci.rules.squawk import process

ROOT = Path(__file__).resolve().parents[2]
HEADER = """-- [KFM_MIGRATION]
-- id: {id}
-- owner: team
-- ticket: https://github.com/acme/app/issues/1
-- risk: {risk}
-- rollout: {rollout}
-- rollback: down
-- dialect: postgresql
-- [/KFM_MIGRATION]
"""
GIT = ["git", "-c", "user.name=t", "-c", "user.email=t@example.com"]


class Repository:
    def __init__(self, root: Path) -> None:
        self.root = root
        self.directory = root / "migrations" / "db"
        self.directory.mkdir(parents=True)
        subprocess.run(["git", "init", "-q", "-b", "main", root], check=True)

    def add(
        self, id: str, up: str, down: str | None, *, risk: str = "low", rollout: str = "safe", header: str = ""
    ) -> None:
        top = HEADER.format(id=id, risk=risk, rollout=rollout).replace("-- [/", f"{header}-- [/")
        (self.directory / f"{id}.up.sql").write_text(top + up + "\n")
        if down is not None:
            (self.directory / f"{id}.down.sql").write_text(down + "\n")

    def commit(self, path: str = ".") -> None:
        subprocess.run([*GIT, "add", path], cwd=self.root, check=True)
        subprocess.run([*GIT, "commit", "-qm", "x"], cwd=self.root, check=True)

    def gate(self, *arguments: str) -> tuple[int, dict]:
        out = self.root.parent / "out"
        done = subprocess.run(
            [sys.executable, "-m", "kfm_ci", "gate", str(self.root), "--out", str(out), *arguments],
            capture_output=True,
            text=True,
            cwd=ROOT,
            check=False,
        )
        assert "Traceback" not in done.stderr, done.stderr
        report = (
            json.loads((out / "gate.json").read_text()) if (out / "gate.json").exists() else {"stderr": done.stderr}
        )
        return done.returncode, report


@pytest.fixture
def repository(tmp_path: Path) -> Repository:
    return Repository(tmp_path / "repo")


WIDGETS = ("create table widgets (id bigint primary key, name text);", "drop table widgets;")


def test_a_sound_change_passes_and_writes_every_file(repository: Repository) -> None:
    repository.add("20260101_1200__add_widgets", *WIDGETS)
    code, report = repository.gate("--base", "none")
    assert code == 0 and report["result"] == "pass"
    jsonschema.validate(report, json.loads((ROOT / "kfm_ci/report/gate.schema.json").read_text()))
    assert [stage["name"] for stage in report["stages"]] == [
        "validate",
        "provision",
        "dry-run",
        "apply",
        "rollback",
        "smoke",
        "checksums",
    ]
    assert report["migrations"][0]["rollback"]["proof"] == "proven"
    assert report["migrations"][0]["schema_diff"]["added"] == ["table public.widgets"]
    out = repository.root.parent / "out"
    advised = json.loads((out / "receipt.json").read_text())["predicate"]["inputs"]["linter"]
    program = hashlib.sha256(process.binary().read_bytes()).hexdigest()
    assert report["linter"] == {"name": "squawk", "version": process.VERSION, "sha256": program}
    assert advised == {"name": "squawk", "version": process.VERSION, "digest": {"sha256": program}}
    names = {path.name for path in out.iterdir()}
    assert names >= {
        "gate.json",
        "plan.txt",
        "receipt.json",
        "comment.md",
        "report.html",
        "findings.sarif",
        "junit.xml",
        "journal.jsonl",
    }
    rows = [json.loads(line) for line in (repository.root.parent / "out" / "journal.jsonl").read_text().splitlines()]
    told = [
        (row["event"], row.get("migration") or row.get("file")) for row in rows if not row["event"].startswith("stage")
    ]
    down = "migrations/db/20260101_1200__add_widgets.down.sql"
    assert told[:2] == [
        ("migration-attempted", "20260101_1200__add_widgets"),
        ("migration-ended", "20260101_1200__add_widgets"),
    ]
    assert told[2:4] == [("script-attempted", down), ("script-ended", down)] and "create table" not in json.dumps(rows)


def test_a_blocking_index_on_a_merged_table_is_refused_and_on_a_new_one_is_not(repository: Repository) -> None:
    repository.add("20260101_1200__add_widgets", *WIDGETS)
    repository.commit()
    repository.add(
        "20260102_1200__index_widgets",
        "create index widgets_name_idx on widgets (name);",
        "drop index widgets_name_idx;",
    )
    code, report = repository.gate("--base", "main")
    assert code == 1
    assert {item["hazard"] for item in report["findings"] if item["severity"] == "error"} >= {"blocks-writes"}
    assert all(item["docs"] for item in report["findings"])
    code, report = repository.gate("--base", "none")
    assert code == 0, report["findings"]


def test_a_concurrent_index_passes_and_its_lock_is_seen(repository: Repository) -> None:
    repository.add("20260101_1200__add_widgets", *WIDGETS)
    repository.commit()
    up = "create index concurrently widgets_name_idx on widgets (name);"
    repository.add("20260102_1200__index_widgets", up, "drop index widgets_name_idx;")
    code, report = repository.gate("--base", "main")
    assert code == 0, report["findings"]
    new = report["migrations"][1]
    assert new["apply"]["mode"] == "autocommit"
    assert {"public.widgets", "ShareUpdateExclusiveLock"} <= {
        value for lock in new["statements"][0]["locks"] for value in (lock["relation"], lock["mode"])
    }


def test_a_down_that_leaves_something_behind_is_refused(repository: Repository) -> None:
    repository.add("20260101_1200__add_widgets", WIDGETS[0] + "\ncreate table parts (id int);", WIDGETS[1])
    code, report = repository.gate("--base", "none")
    assert code == 1
    assert "rollback-unproven" in {item["hazard"] for item in report["findings"]}
    assert report["migrations"][0]["rollback"]["proof"] == "failed"


def test_an_edited_merged_migration_is_refused(repository: Repository) -> None:
    repository.add("20260101_1200__add_widgets", *WIDGETS)
    repository.commit()
    path = repository.directory / "20260101_1200__add_widgets.up.sql"
    path.write_text(path.read_text() + "-- one more comment\n")
    code, report = repository.gate("--base", "main")
    assert code == 1
    assert "immutability" in {item["hazard"] for item in report["findings"]}


def test_a_syntax_error_is_told_with_our_line(repository: Repository) -> None:
    repository.add(
        "20260101_1200__add_widgets", "create table widgets (id int);\n\ncreate tabel parts (id int);", WIDGETS[1]
    )
    code, report = repository.gate("--base", "none")
    assert code == 1
    found = [item for item in report["findings"] if item["hazard"] == "migration-error"]
    assert len(found) == 1 and found[0]["line"] == 12


def test_a_commit_inside_a_file_is_refused(repository: Repository) -> None:
    repository.add("20260101_1200__add_widgets", "create table widgets (id int);\ncommit;", WIDGETS[1])
    code, report = repository.gate("--base", "none")
    assert code == 1
    assert "transaction" in {item["hazard"] for item in report["findings"]}


def test_session_settings_never_reach_the_next_migration(repository: Repository) -> None:
    repository.add(
        "20260101_1200__one_schema", "create schema side;\nset search_path = side;", "drop schema side cascade;"
    )
    repository.add("20260102_1200__two_widgets", *WIDGETS)
    _, report = repository.gate("--base", "none")
    assert report["migrations"][1]["schema_diff"]["added"] == ["table public.widgets"]


def test_nothing_new_is_a_pass_and_starts_no_server(repository: Repository) -> None:
    repository.add("20260101_1200__add_widgets", *WIDGETS)
    repository.commit()
    code, report = repository.gate("--base", "main")
    assert code == 0 and report["engine"] is None
    assert not any(item["new"] for item in report["migrations"])


@pytest.mark.parametrize(
    ("content", "arguments", "word"),
    [
        ('[migrations]\ndirr = "x"', [], "Write `dir`"),
        ("", ["--base", "nosuch"], "does not exist"),
        ("", ["--format", "flywey"], "format is unknown"),
        ("", ["--postgres-version", "12"], "No PostgreSQL server of that version"),
    ],
)
def test_bad_input_is_one_clear_line_with_its_exit_code(
    repository: Repository, content: str, arguments: list[str], word: str
) -> None:
    repository.add("20260101_1200__add_widgets", *WIDGETS)
    repository.commit()
    (repository.root / "kfm-ci.toml").write_text(content)
    base = [] if "--base" in arguments else ["--base", "none"]
    code, report = repository.gate(*base, *arguments)
    assert code == (3 if "--postgres-version" in arguments else 2)
    assert word in json.dumps(report)


def test_the_shop_passes_its_own_gate(tmp_path: Path) -> None:
    done = subprocess.run(
        [
            sys.executable,
            "-m",
            "kfm_ci",
            "gate",
            "examples/shop",
            "--base",
            "none",
            "--out",
            str(tmp_path),
            "--output",
            "json",
        ],
        capture_output=True,
        text=True,
        cwd=ROOT,
        check=False,
    )
    assert done.returncode == 0, done.stdout
    assert json.loads(done.stdout)["risk"]["level"] == "low"


SIZES = """{{"schema": "kfm-ci/statistics/v1", "environment": "production", "taken_at": "2026-01-01T00:00:00Z",
 "server_version": "17.5", "tables": [{{"name": "public.widgets", "rows": {rows}}}]}}"""


@pytest.mark.parametrize(("rows", "severity"), [(40, "note"), (1_000_000_000, "error")])
def test_sizes_of_production_scale_the_severity_of_a_lock(repository: Repository, rows: int, severity: str) -> None:
    repository.add("20260101_1200__add_widgets", *WIDGETS)
    (repository.root / "kfm-ci.toml").write_text('[database]\nstatistics = "sizes.json"\n')
    (repository.root / "sizes.json").write_text(SIZES.format(rows=rows))
    repository.commit()
    repository.add(
        "20260102_1200__index_widgets",
        "create index widgets_name_idx on widgets (name);",
        "drop index widgets_name_idx;",
    )
    _, report = repository.gate("--base", "main")
    seen = [item for item in report["findings"] if item["rule"] == "index-not-concurrent"]
    assert [item["severity"] for item in seen] == [severity]
    assert f"{rows:,} rows" in seen[0]["message"]
    assert "sizes.json" in report["checksums"]["files"]


def test_a_foreign_key_that_no_index_serves_is_noted_where_it_was_made(repository: Repository) -> None:
    up = "create table parents (id int primary key);\ncreate table children (parent_id int references parents);"
    repository.add("20260101_1200__add_family", up, "drop table children; drop table parents;")
    code, report = repository.gate("--base", "none")
    (found,) = [item for item in report["findings"] if item["rule"] == "foreign-key-without-index"]
    assert (code, found["severity"], found["line"]) == (0, "note", 11)
    assert "create index on public.children (parent_id)" in found["help"]
    repository.commit()
    later = "create table others (id int primary key);\nalter table children add other_id int references others;"
    repository.add("20260102_1200__add_others", later, "alter table children drop other_id; drop table others;")
    _, report = repository.gate("--base", "main")
    (found,) = [item for item in report["findings"] if item["rule"] == "foreign-key-without-index"]
    assert "create index concurrently on public.children (other_id)" in found["help"]
    _, report = repository.gate("--base", "none")
    found = [item["migration"] for item in report["findings"] if item["rule"] == "foreign-key-without-index"]
    assert found == ["20260101_1200__add_family", "20260102_1200__add_others"]


def test_an_assertion_that_only_synthetic_rows_break_warns_and_one_that_is_wrong_refuses(
    repository: Repository,
) -> None:
    (repository.root / "kfm-ci.toml").write_text('[smoke]\nsql = ["smoke/*.sql"]\n')
    (repository.root / "smoke").mkdir()
    (repository.root / "smoke" / "named.sql").write_text(
        "select not exists (select from widgets where name is null);\n"
    )
    repository.add("20260101_1200__add_widgets", *WIDGETS)
    repository.commit()
    repository.add(
        "20260102_1200__add_note", "alter table widgets add column note text;", "alter table widgets drop column note;"
    )
    code, report = repository.gate("--base", "main")
    assert code == 0, report["findings"]
    found = [(item["severity"], item["message"]) for item in report["findings"] if item["hazard"] == "smoke"]
    assert found == [("warning", "On synthetic rows: line 1: expected true, got false. It passes without them.")]
    (repository.root / "smoke" / "named.sql").write_text("select false;\n")
    code, report = repository.gate("--base", "main")
    assert code == 1 and "error" in {item["severity"] for item in report["findings"] if item["hazard"] == "smoke"}


def test_what_another_program_fills_in_runs_with_its_value_and_without_says_where_to_give_it(
    repository: Repository,
) -> None:
    repository.add(
        "20260101_1200__add_widgets", "create table {{ .Schema }}.widgets (id int);", "drop table public.widgets;"
    )
    code, report = repository.gate("--base", "none")
    (failed,) = [item for item in report["findings"] if item["rule"] == "migration-failed"]
    assert code == 1 and "[migrations.placeholders] '{{ .Schema }}'" in failed["help"]
    (repository.root / "kfm-ci.toml").write_text('[migrations.placeholders]\n".Schema" = "public"\n')
    code, report = repository.gate("--base", "none")
    assert code == 0 and report["migrations"][0]["schema_diff"]["added"] == ["table public.widgets"]


def test_a_role_that_a_migration_names_is_made_when_it_is_asked_for(repository: Repository) -> None:
    up = "create table widgets (id int);\ngrant select on widgets to reader;"
    repository.add("20260101_1200__add_widgets", up, "drop table widgets;")
    code, report = repository.gate("--base", "none")
    (failed,) = [item for item in report["findings"] if item["rule"] == "migration-failed"]
    assert code == 1 and failed["help"] == 'Set `[database] roles = ["reader"]` in kfm-ci.toml.'
    (repository.root / "kfm-ci.toml").write_text('[database]\nroles = ["reader"]\n')
    code, report = repository.gate("--base", "none")
    assert code == 0, report["findings"]


def test_whatever_decided_the_verdict_is_named_by_its_digest(repository: Repository) -> None:
    texts = {
        "pyproject.toml": '[tool.kfm-ci.migrations]\nbaseline = "before.sql"\n[tool.kfm-ci.smoke]\n'
        'sql = ["smoke/*.sql"]\nqueries = ["queries/*.sql"]\n',
        "before.sql": "create table before (id int);\n",
        "smoke/one.sql": "select true;\n",
        "queries/one.sql": "select id from before;\n",
        "docs/undo.md": "# Trigger\n\nx\n\n# Steps\n\nx\n\n# Verification\n\nx\n\n# Owner\n\nx\n",
    }
    for path, text in texts.items():
        (repository.root / path).parent.mkdir(exist_ok=True)
        (repository.root / path).write_text(text)
    repository.add("20260101_1200__add_widgets", WIDGETS[0], None, header="-- runbook: docs/undo.md\n")
    up = repository.directory / "20260101_1200__add_widgets.up.sql"
    up.write_text(up.read_text().replace("rollback: down", "rollback: manual"))
    code, report = repository.gate("--base", "none")
    assert code == 0, report["findings"]
    assert set(report["checksums"]["files"]) == {*texts, "migrations/db/20260101_1200__add_widgets.up.sql"}
    inputs = json.loads((repository.root.parent / "out" / "receipt.json").read_text())["predicate"]["inputs"]
    assert inputs["config"]["sha256"] == report["checksums"]["files"]["pyproject.toml"]
    smoke = f"{report['checksums']['files']['smoke/one.sql']}  smoke/one.sql\n"
    assert inputs["smoke"]["sha256"] == hashlib.sha256(smoke.encode()).hexdigest()
