"""Removing things, judged on paper and by the server together."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

ROOT = Path(__file__).resolve().parents[2]
GIT = ["git", "-c", "user.name=t", "-c", "user.email=t@example.com"]
HEADER = """-- [KFM_MIGRATION]
-- id: {id}
-- owner: team
-- ticket: https://github.com/acme/app/issues/1
-- risk: high
-- rollout: safe
-- rollback: manual
-- runbook: runbook.md
-- dialect: postgresql
{phase}-- [/KFM_MIGRATION]
"""
RUNBOOK = "# Back\n\n## Trigger\n\nx\n\n## Steps\n\nx\n\n## Verification\n\nx\n\n## Owner\n\nx\n"


@pytest.fixture
def gate(tmp_path: Path) -> Any:
    def run(up: str, code: str, *, phase: str = "contract") -> tuple[int, list[dict[str, Any]]]:
        root = tmp_path / "repo"
        directory = root / "migrations" / "db"
        directory.mkdir(parents=True)
        (root / "runbook.md").write_text(RUNBOOK)
        (root / "app.py").write_text(code)
        first, second = "20260101_1200__make", "20260102_1200__take"
        subprocess.run(["git", "init", "-q", "-b", "main", root], check=True)
        made = "create table widgets (id bigint primary key, colour text, shade text);\n"
        (directory / f"{first}.sql").write_text(HEADER.format(id=first, phase="") + made)
        commit(root)
        declared = f"-- phase: {phase}\n" if phase else ""
        (directory / f"{second}.sql").write_text(HEADER.format(id=second, phase=declared) + up)
        commit(root)
        done = subprocess.run(
            [
                sys.executable,
                "-m",
                "kfm_ci",
                "gate",
                str(root),
                "--base",
                "HEAD~1",
                "--out",
                str(tmp_path / "out"),
                "--output",
                "json",
            ],
            capture_output=True,
            text=True,
            cwd=ROOT,
            check=False,
        )
        return done.returncode, json.loads(done.stdout)["findings"]

    return run


def commit(root: Path) -> None:
    subprocess.run([*GIT, "add", "-A"], cwd=root, check=True)
    subprocess.run([*GIT, "commit", "-qm", "x"], cwd=root, check=True)


DROP = "alter table widgets drop column colour;\n"


def removing(findings: list[dict[str, Any]]) -> dict[str, str]:
    return {item["rule"]: item["severity"] for item in findings if item["hazard"] in {"data-loss", "breaks-clients"}}


def test_a_contract_step_that_nothing_uses_passes_with_warnings(gate: Any) -> None:
    code, findings = gate(DROP, "class Widget:\n    shade = Text()\n")
    assert removing(findings) == {"column-dropped": "warning", "column-in-use-dropped": "warning"}
    assert code == 0, findings


def test_a_contract_step_whose_column_is_still_used_is_refused_with_the_place(gate: Any) -> None:
    code, findings = gate(DROP, "class Widget:\n    colour = Text()\n")
    assert removing(findings) == {"column-dropped": "error", "dropped-object-in-use": "error"}
    assert code == 1
    assert "app.py:2" in next(item["message"] for item in findings if item["rule"] == "dropped-object-in-use")


def test_a_removal_without_its_phase_is_refused_and_said_once(gate: Any) -> None:
    code, findings = gate(DROP, "", phase="")
    assert removing(findings) == {"column-dropped": "error", "column-in-use-dropped": "error"}
    assert len(findings) == len({(item["rule"], item["line"]) for item in findings})
    assert code == 1


def test_what_the_block_removed_is_told_by_the_server(gate: Any) -> None:
    code, findings = gate("do $$ begin execute 'alter table widgets drop column ' || 'colour'; end $$;\n", "", phase="")
    assert code == 1 and "column-dropped" in removing(findings)
    assert [item["verdict"] for item in findings if item["rule"] == "dynamic-sql"] == ["refuted"]
