"""Two pull requests raced: the second gets a version after all others, in a real repository."""

from __future__ import annotations

import subprocess
from collections.abc import Callable
from datetime import datetime
from pathlib import Path

import pytest

from kfm_ci.cli import new, renumber
from kfm_ci.cli.subject import gather
from kfm_ci.errors import UsageError
from kfm_ci.github.context import Context
from kfm_ci.rules.files.out_of_order import OutOfOrder

NOW = datetime(2026, 3, 5, 14, 30)
HEADER = "-- [KFM_MIGRATION]\n-- id: {0}\n-- owner: a\n-- [/KFM_MIGRATION]\nselect '{0}';\n"
Repository = Callable[..., Path]


@pytest.fixture
def repository(tmp_path: Path) -> Repository:
    """Commit files on the base, and write those of a change beside them."""

    def git(*arguments: str) -> None:
        subprocess.run(
            ["git", "-C", str(tmp_path), "-c", "user.name=a", "-c", "user.email=a@example.org", *arguments],
            check=True,
            capture_output=True,
        )

    def write(files: dict[str, str]) -> None:
        for name, text in files.items():
            path = tmp_path / "migrations/db" / name
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_text(text, newline="")

    def build(base: dict[str, str], head: dict[str, str]) -> Path:
        git("init", "-q", "-b", "main")
        write(base)
        git("add", ".")
        git("commit", "-qm", "base")
        write(head)
        return tmp_path

    return build


def pair(stem: str) -> dict[str, str]:
    return {f"{stem}.up.sql": HEADER.format(stem), f"{stem}.down.sql": f"-- Takes {stem} back.\nselect 1;\n"}


def run(root: Path, name: str, base: str | None = "main") -> list[str]:
    return list(renumber.renumber(root, Path("migrations/db") / name, config_file=None, base=base, now=NOW))


def names(root: Path) -> list[str]:
    return sorted(path.name for path in (root / "migrations/db").glob("*.sql"))


def test_the_pair_its_header_and_its_comments_move_together_and_sql_is_left_alone(repository: Repository) -> None:
    root = repository(pair("20260301_0900__orders"), pair("20260225_1200__widgets"))
    run(root, "20260225_1200__widgets.down.sql")
    assert names(root)[2:] == ["20260305_1430__widgets.down.sql", "20260305_1430__widgets.up.sql"]
    text = (root / "migrations/db/20260305_1430__widgets.up.sql").read_text()
    assert "-- id: 20260305_1430__widgets\n" in text
    assert "select '20260225_1200__widgets';" in text
    assert "Takes 20260305_1430__widgets back" in (root / "migrations/db/20260305_1430__widgets.down.sql").read_text()


def test_numbers_go_on_in_their_own_style(repository: Repository) -> None:
    root = repository(pair("V000007__orders"), pair("V000007__widgets"))
    run(root, "V000007__widgets.up.sql")
    assert names(root)[2:] == ["V000008__widgets.down.sql", "V000008__widgets.up.sql"]


def test_what_builds_on_it_stays_behind_it(repository: Repository) -> None:
    change = {**pair("20260225_1200__widgets"), **pair("20260302_1000__fill_widgets")}
    root = repository(pair("20260301_0900__orders"), change)
    run(root, "20260225_1200__widgets.up.sql")
    assert names(root)[2::2] == ["20260305_1430__widgets.down.sql", "20260305_1431__fill_widgets.down.sql"]


def test_a_clock_behind_the_base_still_sorts_last(repository: Repository) -> None:
    root = repository(pair("20261231_2359__orders"), pair("20260225_1200__widgets"))
    run(root, "20260225_1200__widgets.up.sql")
    assert names(root)[-1] == "20270101_0000__widgets.up.sql"


def test_the_command_of_the_finding_is_the_one_that_mends_it(repository: Repository) -> None:
    change = {**pair("20260225_1200__widgets"), **pair("20260226_1200__parts")}
    root = repository(pair("20260301_0900__orders"), change)

    def findings() -> list[str]:
        subject = gather(root, config_file=None, format="auto", base_ref="main", context=Context())
        return [item.help or "" for item in OutOfOrder().check(subject.change)]

    (command,) = set(findings())
    assert command == "Run `kfm-ci new --renumber migrations/db/20260225_1200__widgets.up.sql`."
    run(root, command.rpartition("/")[2].removesuffix("`."))
    assert findings() == []


def test_the_manifest_is_right_afterwards(repository: Repository) -> None:
    root = repository(pair("20260301_0900__orders"), pair("20260225_1200__widgets"))
    new.manifest(root, config_file=None, verify=False, report=lambda _: None)
    run(root, "20260225_1200__widgets.up.sql")
    assert new.manifest(root, config_file=None, verify=True, report=print) == 0


@pytest.mark.parametrize(
    ("base", "head", "expected"),
    [
        ("000007_orders", "000006_widgets", "000008_widgets"),
        ("20260301090000_orders", "20260225120000_widgets", "20260305143000_widgets"),
        ("20260401090000_orders", "20260225120000_widgets", "20260401090001_widgets"),
    ],
)
def test_numbered_pairs_of_other_tools_move_too(repository: Repository, base: str, head: str, expected: str) -> None:
    root = repository(pair(base), pair(head))
    run(root, f"{head}.up.sql")
    assert names(root)[2:] == [f"{expected}.down.sql", f"{expected}.up.sql"]


def test_line_ends_and_bytes_around_the_id_stay(repository: Repository) -> None:
    root = repository(pair("V000007__orders"), {"V000006__w.up.sql": "-- id: V000006__w\r\nselect 'é';\r\n"})
    run(root, "V000006__w.up.sql")
    written = (root / "migrations/db/V000008__w.up.sql").read_bytes()
    assert written == "-- id: V000008__w\r\nselect 'é';\r\n".encode()


def test_what_cannot_be_renumbered_is_told_and_nothing_is_renamed(repository: Repository) -> None:
    root = repository(pair("V000007__orders"), pair("V000006__widgets"))
    for name, code in (("V000007__orders.up.sql", "KFM-U67"), ("V000001__none.up.sql", "KFM-U64")):
        with pytest.raises(UsageError, match=code):
            run(root, name)
    (root / "migrations/db/V000008__widgets.down.sql").mkdir()
    with pytest.raises(UsageError, match="KFM-U66"):
        run(root, "V000006__widgets.up.sql")
    assert names(root)[:2] == ["V000006__widgets.down.sql", "V000006__widgets.up.sql"]


def test_formats_of_directories_are_left_to_their_tool(repository: Repository) -> None:
    root = repository({"2026-01-02-000000_a/up.sql": "select 1;"}, {"2026-01-01-000000_b/up.sql": "select 1;"})
    with pytest.raises(UsageError, match="KFM-U65"):
        run(root, "2026-01-01-000000_b/up.sql")


def test_without_a_base_nothing_is_taken_for_new(tmp_path: Path) -> None:
    folder = tmp_path / "migrations/db"
    folder.mkdir(parents=True)
    (folder / "V000001__a.up.sql").write_text("select 1;")
    with pytest.raises(UsageError, match="KFM-U68"):
        run(tmp_path, "V000001__a.up.sql", base=None)
