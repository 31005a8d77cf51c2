"""Files that cannot be judged as they are: one clear finding each, at the file, and no traceback."""

from __future__ import annotations

import os
import shutil
import subprocess
from pathlib import Path

import pytest

from tests.faults.conftest import DOWN, FIRST, HEADER, ROOT, UP, Repository

GOOD = (HEADER.format(id=FIRST) + UP).encode()
SECOND = "20260102_1200__add_parts"


@pytest.mark.parametrize(
    ("content", "rule", "line"),
    [
        (b"", "empty-file", 1),
        (b"\xef\xbb\xbf" + GOOD, "byte-order-mark", 1),
        (GOOD + b"select '\0';", "nul-byte", 11),
        (GOOD + b"-- caf\xe9", "encoding", 11),
    ],
)
def test_bytes_that_are_no_migration_are_refused_at_their_line(
    repository: Repository, content: bytes, rule: str, line: int
) -> None:
    repository.add(up=content)
    ended = repository.gate()
    assert ended.code == 1
    (found,) = ended.findings(rule)
    assert found["severity"] == "error" and found["line"] == line and found["help"]
    assert found["file"] == f"migrations/db/{FIRST}.up.sql"


def test_a_byte_order_mark_is_told_once_and_hides_nothing(repository: Repository) -> None:
    repository.add(up=b"\xef\xbb\xbf" + GOOD)
    assert [item["rule"] for item in repository.gate().report["findings"]] == ["byte-order-mark"]


def test_windows_line_ends_are_a_note_and_no_refusal(repository: Repository) -> None:
    repository.add(up=GOOD.replace(b"\n", b"\r\n"))
    ended = repository.gate()
    assert ended.code == 0
    assert [item["severity"] for item in ended.findings("line-endings")] == ["note"]


@pytest.mark.parametrize(
    ("make", "words"),
    [
        (lambda path: path.symlink_to("/etc/passwd"), "link that leaves the repository"),
        (lambda path: path.symlink_to(path.name), "link that leads to itself"),
        (lambda path: path.symlink_to("nowhere"), "No such file"),
        (lambda path: os.mkfifo(path), "not a regular file"),
        (lambda path: path.open("wb").truncate(65 * 1024 * 1024), "larger than 64 MiB"),
    ],
    ids=["link out", "link loop", "dangling link", "pipe", "enormous"],
)
def test_what_cannot_be_read_safely_is_not_read(repository: Repository, make: object, words: str) -> None:
    path = repository.add()
    path.unlink()
    make(path)  # type: ignore[operator]
    ended = repository.gate()
    assert ended.code == 1
    (found,) = ended.findings("unreadable-file")
    assert words in found["message"]
    assert str(repository.root) not in found["message"]
    assert "root:" not in (ended.out / "comment.md").read_text()


WITHOUT_POWER = ("setpriv", "--bounding-set=-dac_override,-dac_read_search")
"""Root reads everything; so started it is bound by modes as everybody is."""


@pytest.mark.skipif(os.getuid() == 0 and shutil.which("setpriv") is None, reason="root reads every file")
def test_a_file_that_the_user_may_not_read_is_told(repository: Repository) -> None:
    repository.add()
    repository.add(SECOND, "create table parts (id int);", "drop table parts;").chmod(0)
    ended = repository.gate(before=WITHOUT_POWER if os.getuid() == 0 else ())
    assert ended.code == 1, ended.said
    (found,) = ended.findings("unreadable-file")
    assert "Permission denied" in found["message"] and found["file"] == f"migrations/db/{SECOND}.up.sql"


def test_two_files_of_one_version_are_told_with_both_names(repository: Repository) -> None:
    repository.add("20260101_1200__add_widgets")
    repository.add("20260101_1200__add_parts", "create table parts (id int);", "drop table parts;")
    ended = repository.gate()
    assert ended.code == 1
    message = ended.findings("duplicate-version")[0]["message"]
    assert "add_widgets.up.sql" in message and "add_parts.up.sql" in message


def test_a_down_without_its_up_is_told(repository: Repository) -> None:
    repository.add()
    (repository.directory / f"{SECOND}.down.sql").write_text(DOWN)
    ended = repository.gate()
    assert ended.code == 1
    (found,) = ended.findings("down-without-up")
    assert found["file"] == f"migrations/db/{SECOND}.down.sql"


@pytest.mark.parametrize(
    ("name", "code"),
    [
        (b"20260101_1200__new\nline.up.sql", 1),
        (b"20260101_1200__sur\xffrogate.up.sql", 1),
        ("20260101_1200__bidi\u202egnp.up.sql".encode(), 1),
        (b"20260101_1200__per%0Acent.up.sql", 1),
        (b"20260101_1200__quo'te\"`<b>|.up.sql", 1),
        (b"20260101_1200__::error::x.up.sql", 1),
        (b"$(touch pwned).up.sql", 1),
    ],
    ids=["newline", "no text", "turned", "percent", "quotes", "command", "shell"],
)
def test_a_hostile_name_is_refused_and_stays_a_name(repository: Repository, name: bytes, code: int) -> None:
    repository.add()
    Path(os.fsdecode(os.fsencode(repository.directory) + b"/" + name)).write_text(UP)
    ended = repository.gate("--output", "github")
    assert ended.code == code
    assert not any(line.startswith("::error::x") for line in ended.stdout.splitlines())
    assert not list(repository.root.rglob("pwned"))
    assert "\u202e" not in (ended.out / "comment.md").read_text()
    plan = (ended.out / "plan.txt").read_bytes()
    assert all(len(row.split(b"  ", 1)[0].lstrip(b"\\")) == 64 for row in plan.splitlines())


def test_a_name_that_is_no_text_elsewhere_in_the_repository_hurts_nobody(repository: Repository) -> None:
    repository.add()
    Path(os.fsdecode(os.fsencode(repository.root) + b"/n\xff\n.txt")).write_text("x")
    repository.commit()
    assert repository.gate("--base", "HEAD").code == 0
    assert repository.gate("--base", "none").code == 0


def test_a_directory_deeper_than_any_tool_likes_is_found(unborn: Repository) -> None:
    deep = unborn.root.joinpath(*["d" * 60] * 40)
    deep.mkdir(parents=True)
    (deep / f"{FIRST}.up.sql").write_bytes(GOOD)
    (deep / f"{FIRST}.down.sql").write_text(DOWN)
    ended = unborn.gate()
    assert ended.code == 0, ended.said


def test_a_file_of_a_megabyte_is_refused_for_its_size_and_still_judged(
    repository: Repository,
) -> None:
    repository.add(up=UP + "-- much is said here\n" * 60_000 + "comment on table widgets is 'x';\n" * 500)
    ended = repository.gate("--output", "json")
    assert ended.code == 1
    assert ended.findings("oversized-file")
    assert ended.report["migrations"][0]["apply"]["outcome"] == "applied"


def test_a_history_that_was_merged_unordered_is_not_passed_in_silence(repository: Repository) -> None:
    repository.add("20260101_1200__add_widgets")
    repository.add("20260101_1200__add_parts", "create table parts (id int);", "drop table parts;")
    repository.commit()
    repository.add("20260103_1200__add_more", "create table more (id int);", "drop table more;")
    ended = repository.gate("--base", "HEAD")
    assert ended.code == 3, ended.said
    assert "KFM-C24" in ended.said and "share version" in ended.said
    assert ended.report["result"] == "error"


def test_check_says_the_same_without_a_server(repository: Repository) -> None:
    repository.add(up=GOOD + b"\0")
    done = subprocess.run(
        [os.sys.executable, "-m", "kfm_ci", "check", str(repository.root), "--base", "none"],  # type: ignore[attr-defined]
        capture_output=True,
        text=True,
        cwd=ROOT,
        check=False,
    )
    assert done.returncode == 1 and "NUL" in done.stdout and "Traceback" not in done.stderr
