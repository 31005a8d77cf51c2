"""The pair of files that authors begin with."""

from __future__ import annotations

from pathlib import Path

import pytest

from kfm_ci.cli import new
from kfm_ci.errors import UsageError

UP = "migrations/db/20260101_1200__add_widgets.up.sql"


@pytest.fixture
def repository(tmp_path: Path) -> Path:
    (tmp_path / UP).parent.mkdir(parents=True)
    (tmp_path / UP).write_text("-- header\ncreate table widgets (id int);\nupdate parts set a = 1;\n")
    return tmp_path


def test_the_down_of_an_up_is_written_beside_it_with_what_is_left_to_the_author(repository: Path) -> None:
    path = new.write_down(repository, Path(UP))
    assert path == UP.replace(".up.", ".down.")
    assert (repository / path).read_text().splitlines() == [
        "-- Rolls back 20260101_1200__add_widgets.",
        "",
        "-- TODO (line 3 of the up migration): unknown: the former values of the rows of parts",
        "drop table widgets;",
    ]


def test_a_skeleton_is_filled_and_a_written_down_is_never_overwritten(repository: Path) -> None:
    down = repository / UP.replace(".up.", ".down.")
    down.write_text("-- Rolls it back.\n")
    new.write_down(repository, Path(UP))
    written = down.read_text()
    with pytest.raises(UsageError, match="KFM-U63"):
        new.write_down(repository, Path(UP))
    assert down.read_text() == written


@pytest.mark.parametrize(
    ("path", "code"),
    [("migrations/db/x.sql", "KFM-U61"), ("migrations/none.up.sql", "KFM-U62"), ("../up.sql", "KFM-U62")],
)
def test_what_is_no_up_file_of_the_repository_is_told(repository: Path, path: str, code: str) -> None:
    with pytest.raises(UsageError, match=code):
        new.write_down(repository, Path(path))


def test_a_new_pair_goes_where_the_settings_say_also_as_the_first(repository: Path) -> None:
    (repository / "kfm-ci.toml").write_text('[migrations]\ndir = "db/changes"\n')
    written = new.create(repository, "Add widgets", config_file=None, numbered=True)
    assert written == ("db/changes/V000001__add_widgets.up.sql", "db/changes/V000001__add_widgets.down.sql")
    assert all((repository / path).exists() for path in written)


def test_a_directory_keeps_its_style(repository: Path) -> None:
    new.create(repository, "add widgets", config_file=None, numbered=None)
    with pytest.raises(UsageError, match="KFM-U70"):
        new.create(repository, "second thing", config_file=None, numbered=True)


def test_a_manifest_that_no_longer_agrees_is_told_line_by_line_with_the_way_out(repository: Path) -> None:
    told: list[str] = []

    def run(*, verify: bool) -> int:
        told.clear()
        return new.manifest(repository, config_file=None, verify=verify, report=told.append)

    assert run(verify=True) == 1 and "kfm-ci manifest" in told[0]
    assert run(verify=False) == 0 and run(verify=True) == 0 and told == ["migrations/db/meta: matches 1 migration"]
    (repository / UP).write_text("select 1;\n")
    assert run(verify=True) == 1 and told[-1] == "Run `kfm-ci manifest` to update both files."
    assert [line.split(":")[0] for line in told[:-1]] == [
        f"migrations/db/meta/{name}" for name in ("manifest.json", "checksums.txt")
    ]
    assert all("ManifestProblem" not in line and "20260101_1200__add_widgets" in line for line in told[:-1])
