"""There is a verdict and a receipt on every path, also where nothing could be judged."""

from __future__ import annotations

import io
import json
import signal
import subprocess
import sys
import time
from pathlib import Path

import jsonschema
import pytest
from rich.console import Console

from kfm_ci.cli import gate
from kfm_ci.cli.gate import GateOptions, judge
from kfm_ci.receipt import statement

ROOT = Path(__file__).resolve().parents[2]
SCHEMA = json.loads((ROOT / "kfm_ci/report/gate.schema.json").read_text())
FILES = {"gate.json", "plan.txt", "receipt.json", "comment.md", "report.html", "findings.sarif", "junit.xml"}


def started(repository: Path, out: Path, *arguments: str) -> subprocess.Popen[str]:
    command = [sys.executable, "-m", "kfm_ci", "gate", str(repository), "--out", str(out), *arguments]
    return subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True, cwd=ROOT)


def left(out: Path, code: int) -> dict:
    assert {path.name for path in out.iterdir()} >= FILES
    report = json.loads((out / "gate.json").read_text())
    jsonschema.validate(report, SCHEMA)
    assert (report["result"], report["exit_code"]) == ("error", code)
    receipt = statement.parse((out / "receipt.json").read_bytes())
    assert receipt["predicate"]["result"] == "failure"
    return report


def test_wrong_usage_leaves_a_receipt_and_json_alone_on_standard_output(tmp_path: Path) -> None:
    (tmp_path / "repo").mkdir()
    run = started(tmp_path / "repo", tmp_path / "out", "--output", "json")
    printed, said = run.communicate(timeout=60)
    assert run.returncode == 2
    assert json.loads(printed) == left(tmp_path / "out", 2)
    assert said.startswith("KFM-U31") and "Traceback" not in said


def test_no_engine_leaves_a_receipt(tmp_path: Path) -> None:
    directory = tmp_path / "repo" / "migrations" / "db"
    directory.mkdir(parents=True)
    (directory / "20260101_1200__a.sql").write_text("select 1;\n")
    run = started(
        tmp_path / "repo", tmp_path / "out", "--engine", "service", "--database-url", "postgresql://127.0.0.1:1/x"
    )
    run.communicate(timeout=60)
    assert run.returncode == 3
    assert left(tmp_path / "out", 3)["failure"].startswith("KFM-C")


@pytest.mark.parametrize(("number", "code"), [(signal.SIGINT, 130), (signal.SIGTERM, 143)])
def test_a_cancelled_run_leaves_a_receipt_and_no_server(tmp_path: Path, number: signal.Signals, code: int) -> None:
    directory = tmp_path / "repo" / "migrations" / "db"
    directory.mkdir(parents=True)
    (directory / "20260101_1200__a.sql").write_text("select pg_sleep(60);\n")
    run = started(tmp_path / "repo", tmp_path / "out")
    journal = tmp_path / "out" / "journal.jsonl"
    for _ in range(300):
        if journal.exists() and "dry-run" in journal.read_text():
            break
        time.sleep(0.1)
    time.sleep(0.5)
    run.send_signal(number)
    _, said = run.communicate(timeout=60)
    assert run.returncode == code, said
    report = left(tmp_path / "out", code)
    statuses = {stage["name"]: stage["status"] for stage in report["stages"]}
    assert statuses["dry-run"] == "errored" and statuses["apply"] == "skipped"
    assert subprocess.run(["pgrep", "-f", f"kfm-ci.*{run.pid}"], capture_output=True, check=False).returncode == 1


def test_a_defect_leaves_a_receipt_that_says_so(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def broken(*_: object, **__: object) -> None:
        raise RuntimeError("hunter2")

    monkeypatch.setattr(gate, "gather", broken)
    options = GateOptions(
        directory=tmp_path,
        config_file=None,
        format="auto",
        out=tmp_path / "out",
        output="human",
        base=None,
        engine=None,
        postgres_version=None,
        database_url=None,
        fail_on=None,
        quiet=True,
    )
    with pytest.raises(RuntimeError):
        judge(options, Console(file=io.StringIO()))
    report = left(tmp_path / "out", 70)
    assert "RuntimeError" in report["failure"] and "hunter2" not in (tmp_path / "out" / "gate.json").read_text()


def test_a_directory_in_which_the_format_sees_nothing_is_no_pass(tmp_path: Path) -> None:
    directory = tmp_path / "repo" / "migrations"
    directory.mkdir(parents=True)
    (directory / "01.00.00_initial.sql").write_text("select 1;\n")
    (tmp_path / "repo" / "kfm-ci.toml").write_text('[migrations]\ndir = "migrations"\nformat = "sqlx"\n')
    run = started(tmp_path / "repo", tmp_path / "out")
    _, said = run.communicate(timeout=60)
    assert run.returncode == 2
    assert "KFM-U34" in said and "01.00.00_initial.sql" in said
