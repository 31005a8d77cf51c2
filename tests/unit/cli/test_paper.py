"""``kfm-ci check``: a repository, or only the files that an editor or pre-commit names."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[3]
GOOD = "migrations/db/V000001__a.up.sql"
BAD = "migrations/db/V000002__b.up.sql"
HOOKS = (ROOT / ".pre-commit-hooks.yaml").read_text()


@pytest.fixture
def repository(tmp_path: Path) -> Path:
    (tmp_path / "migrations/db").mkdir(parents=True)
    (tmp_path / BAD).write_text("drop table a;\n")
    (tmp_path / "other.sql").write_text("drop table b;\n")
    (tmp_path / "kfm-ci.toml").write_text(
        '[policy.severity]\nheader = "off"\ntraceability = "off"\nrollback-missing = "off"\n'
    )
    (tmp_path / GOOD).write_text("create table a (id bigint primary key);\n")
    return tmp_path


def check(repository: Path, *arguments: str) -> tuple[int, str]:
    # The hook's own entry, so that what pre-commit runs is what is tested.
    (entry,) = (line.split(": ", 1)[1] for line in HOOKS.splitlines() if line.strip().startswith("entry:"))
    program, *command = entry.split()
    assert program == "kfm-ci"
    run = [sys.executable, "-m", "kfm_ci", *command, "--base", "none", *arguments]
    ended = subprocess.run(
        run,
        cwd=repository,
        capture_output=True,
        text=True,
        env={"PYTHONPATH": str(ROOT), "PATH": "/usr/bin:/bin"},
        check=False,
    )
    return ended.returncode, ended.stdout + ended.stderr


def test_only_what_stands_in_the_given_files_is_told(repository: Path) -> None:
    (repository / GOOD).write_text("-- [KFM_MIGRATION]\nselect 1;\n")
    (repository / "kfm-ci.toml").unlink()
    code, told = check(repository, BAD)
    assert code == 1 and BAD in told and GOOD not in told
    assert "checked 1 new migration in 1 given file on paper" in told


def test_files_outside_the_migrations_are_passed_over_and_said_to_be(repository: Path) -> None:
    assert check(repository, "other.sql") == (
        0,
        "checked 0 new migrations in 1 given file on paper: 0 errors, 0 warnings, 4 off\n",
    )


def test_an_absolute_path_means_the_same_file(repository: Path) -> None:
    (repository / "kfm-ci.toml").unlink()
    assert check(repository, str(repository / BAD))[0] == check(repository, f"./migrations/../{BAD}")[0] == 1


@pytest.mark.parametrize(
    ("name", "code"), [("migrations/db/V000009__c.up.sql", "KFM-U44"), ("/etc/hostname", "KFM-U45")]
)
def test_a_file_that_is_not_there_is_no_pass(repository: Path, name: str, code: str) -> None:
    exit_code, told = check(repository, name)
    assert exit_code == 2 and code in told


def test_the_hook_is_offered_under_its_name() -> None:
    assert "- id: kfm-ci-check\n" in HOOKS and "types: [sql]" in HOOKS
