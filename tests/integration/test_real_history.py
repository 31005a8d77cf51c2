"""A history that people run: the migrations that the task queue procrastinate ships in its package."""

from __future__ import annotations

import io
import re
from collections import Counter
from importlib import resources

import pytest
from rich.console import Console

from kfm_ci.cli.gate import GateOptions, judge
from kfm_ci.evidence.model import Evidence

procrastinate = pytest.importorskip("procrastinate")


@pytest.fixture(scope="module")
def evidence(tmp_path_factory: pytest.TempPathFactory) -> Evidence:
    root = tmp_path_factory.mktemp("procrastinate")
    (root / "migrations").mkdir()
    files = sorted(
        (item for item in resources.files("procrastinate.sql.migrations").iterdir() if item.name.endswith(".sql")),
        key=lambda item: item.name,
    )
    for number, file in enumerate(files, start=1):
        name = re.sub(r"^[0-9.]+_[0-9]+_", "", file.name)
        (root / "migrations" / f"{number:04}_{name}").write_bytes(file.read_bytes())
    (root / "kfm-ci.toml").write_text('[migrations]\ndir = "migrations"\nformat = "sqlx"\n')
    options = GateOptions(
        directory=root,
        config_file=None,
        format="auto",
        out=root / "out",
        output="human",
        base="none",
        engine="embedded",
        postgres_version=None,
        database_url=None,
        fail_on=None,
        quiet=True,
    )
    return judge(options, Console(file=io.StringIO()))


def test_every_migration_applies_in_its_order(evidence: Evidence) -> None:
    assert len(evidence.new) >= 38
    assert Counter(item.apply.outcome.value for item in evidence.new) == {"applied": len(evidence.new)}


def test_nothing_in_it_is_called_an_error(evidence: Evidence) -> None:
    assert [(item.rule, item.place.file, item.message) for item in evidence.findings if item.is_blocking] == []
    assert evidence.exit_code == 0


def test_that_it_has_no_way_back_is_said_of_each(evidence: Evidence) -> None:
    missing = [item.migration for item in evidence.findings if item.rule == "rollback-missing"]
    assert sorted(map(str, missing)) == sorted(item.id for item in evidence.new)
