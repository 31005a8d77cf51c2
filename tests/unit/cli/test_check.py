"""``kfm-ci check``: a repository, or only the files that an editor or pre-commit names."""

from __future__ import annotations

import json
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
    assert "checked 1 new migration in 1 given file statically" in told


def test_files_outside_the_migrations_are_passed_over_and_said_to_be(repository: Path) -> None:
    assert check(repository, "other.sql") == (
        0,
        "checked 0 new migrations in 1 given file statically: 0 errors, 0 warnings, 4 off\n",
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


ALLOW = '-- kfm:allow data-loss reason="nobody reads it"\n'


def test_what_is_acknowledged_is_no_error_and_is_told_only_to_who_asks(repository: Path) -> None:
    (repository / BAD).write_text(f"{ALLOW}alter table c drop column d;\n")
    with (repository / "kfm-ci.toml").open("a") as settings:
        settings.write('naming = "off"\n')
    code, told = check(repository)
    assert code == 0 and "column-dropped" not in told and "0 errors, 0 warnings, 1 acknowledged" in told
    code, told = check(repository, "-v")
    assert code == 0 and f"acknowledged[column-dropped] at {BAD}:2:1" in told and "reason: nobody reads it" in told
    assert "compared with nothing" in told and "linter squawk" in told and "took " in told


def test_findings_are_written_where_one_asks_for_them_and_nowhere_else(repository: Path, tmp_path: Path) -> None:
    before = sorted(repository.rglob("*"))
    code, _ = check(repository)
    assert code == 1 and sorted(repository.rglob("*")) == before
    out = tmp_path / "deep" / "out"
    code, told = check(repository, "--out", str(out))
    assert code == 1 and sorted(path.name for path in out.iterdir()) == ["findings.json", "findings.sarif"]
    rows = json.loads((out / "findings.json").read_text())
    assert {row["rule"] for row in rows} == {"unreadable-name"} and all(row["file"] for row in rows)
    results = json.loads((out / "findings.sarif").read_text())["runs"][0]["results"]
    assert [item["ruleId"] for item in results] == [row["rule"] for row in rows]
    assert json.loads(check(repository, "--output", "json")[1]) == rows


def test_no_line_of_a_file_that_holds_a_secret_is_quoted(repository: Path, tmp_path: Path) -> None:
    password = "Kq7vTr2mZx91"
    (repository / BAD).write_text(f"create role reporter\n  login password '{password}'; drop table a;\n")
    (repository / GOOD).write_text("create table b (id bigint primary key);\ndrop table c;\n")
    code, told = check(repository, "--out", str(tmp_path / "out"), "-v")
    assert code == 1 and "error[secret]" in told and "error[server-settings]" in told and "2 | drop table c;" in told
    written = "".join(path.read_text() for path in (tmp_path / "out").iterdir())
    written += check(repository, "--output", "github")[1] + check(repository, "--output", "json")[1]
    assert password not in told + written and "create role" not in told


def test_a_directory_that_cannot_be_written_is_no_pass(repository: Path) -> None:
    code, told = check(repository, "--out", str(repository / "other.sql" / "out"))
    assert code == 3 and "KFM-C30" in told


HEADER = """-- [KFM_MIGRATION]
-- id: V000002__drop_colour
-- owner: team
-- ticket: https://github.com/acme/app/issues/1
-- risk: high
-- rollout: safe
-- rollback: down
-- phase: contract
-- dialect: postgresql
-- impact: the column goes
-- [/KFM_MIGRATION]
"""


@pytest.mark.parametrize(
    ("code", "refused", "told"),
    [
        ("db.run('select colour_name from widgets')", 1, "which is still used: app.py:1"),
        ("widgets = []\ncolour_name = 'red'", 0, "which may still be used unless these mean another object: app.py:2"),
        ("widgets = []", 0, "0 errors, 1 warning"),
    ],
)
def test_a_contract_step_passes_when_nothing_surely_uses_what_it_removes(
    repository: Path, code: str, refused: int, told: str
) -> None:
    (repository / GOOD).rename(repository / "migrations/db/V000001__make_widgets.up.sql")
    (repository / BAD).unlink()
    (repository / "kfm-ci.toml").unlink()
    made = "create table widgets (id bigint primary key, colour_name text);\n"
    (repository / "migrations/db/V000001__make_widgets.up.sql").write_text(made)
    git = ["git", "-C", str(repository), "-c", "user.name=t", "-c", "user.email=t@example.com"]
    subprocess.run([*git, "init", "-q"], check=True)
    (repository / "app.py").write_text(code)
    for arguments in (["add", "."], ["commit", "-qm", "base"]):
        subprocess.run([*git, *arguments], check=True)
    stem = repository / "migrations/db/V000002__drop_colour"
    stem.with_suffix(".up.sql").write_text(f"{HEADER}alter table widgets drop column colour_name;\n")
    stem.with_suffix(".down.sql").write_text("alter table widgets add column colour_name text;\n")
    ended, said = check(repository, "--base", "HEAD")
    assert (ended, told in said) == (refused, True), said
