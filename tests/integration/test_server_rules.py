"""The examples of every rule that a server decides, run on a real one: bad is found, good is not."""

from __future__ import annotations

import io
import subprocess
from dataclasses import replace
from pathlib import Path

import pytest
from rich.console import Console

from kfm_ci.cli.gate import GateOptions, judge
from kfm_ci.evidence.model import Evidence
from kfm_ci.model import default_severity
from kfm_ci.rule_info import RuleInfo
from kfm_ci.rules import ALL
from kfm_ci.rules.server import SERVER_RULES

CONFIRMED = [
    replace(rule.info, base=example.base, bad=example.bad, good=example.good)
    for rule in ALL
    if (example := rule.info.server_example)
]
SHOWN = [*(rule for rule in SERVER_RULES if rule.bad), *CONFIRMED]
GIT = ["git", "-c", "user.name=t", "-c", "user.email=t@example.com"]
HEADER = """-- [KFM_MIGRATION]
-- id: {id}
-- owner: team
-- ticket: ABC-1
-- risk: low
-- rollout: safe
-- rollback: down
-- dialect: postgresql
{more}-- [/KFM_MIGRATION]
"""


def judged(tmp_path: Path, base: str, example: str) -> Evidence:
    directory = tmp_path / "migrations" / "db"
    directory.mkdir(parents=True)
    subprocess.run(["git", "init", "-q", "-b", "main", tmp_path], check=True)
    write(directory, "20260101_1200__base", base, "select 1;")
    subprocess.run([*GIT, "add", "-A"], cwd=tmp_path, check=True)
    subprocess.run([*GIT, "commit", "-qm", "base"], cwd=tmp_path, check=True)
    up, _, down = example.partition("-- down:\n")
    write(directory, "20260102_1200__change", up, down)
    options = GateOptions(
        directory=tmp_path,
        config_file=None,
        format="auto",
        out=tmp_path.parent / f"{tmp_path.name}-out",
        output="human",
        base="main",
        engine="embedded",
        postgres_version=None,
        database_url=None,
        fail_on=None,
        quiet=True,
    )
    return judge(options, Console(file=io.StringIO()))


def write(directory: Path, id: str, up: str, down: str) -> None:
    more = "-- transaction: no\n-- transaction-reason: concurrently\n" if "concurrently" in up else ""
    (directory / f"{id}.up.sql").write_text(HEADER.format(id=id, more=more) + up + "\n")
    (directory / f"{id}.down.sql").write_text(down + "\n")


@pytest.mark.parametrize("rule", SHOWN, ids=lambda rule: rule.id)
def test_the_bad_example_is_found(rule: RuleInfo, tmp_path: Path) -> None:
    found = judged(tmp_path, rule.base, rule.bad).findings
    assert rule.id in {item.rule for item in found}, [(item.rule, item.message) for item in found]
    assert {item.hazard for item in found if item.rule == rule.id} <= {rule.hazard, *RELATED.get(rule.id, ())}
    usual = {default_severity(rule.hazard)}
    assert {item.severity for item in found if item.rule == rule.id} <= (set(rule.severities) or usual)


RELATED = {
    "lock-held-during-work": {"blocks-writes"},
    "brief-lock": {"blocks-writes"},
    "dangerous-statement-not-run": {"data-loss", "breaks-clients", "privilege"},
}


@pytest.mark.parametrize("rule", SHOWN, ids=lambda rule: rule.id)
def test_the_good_example_is_not(rule: RuleInfo, tmp_path: Path) -> None:
    evidence = judged(tmp_path, rule.base, rule.good)
    assert rule.id not in {item.rule for item in evidence.findings}
    assert evidence.exit_code == 0, [(item.rule, item.message) for item in evidence.findings if item.is_blocking]
