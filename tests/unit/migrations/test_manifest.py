"""The manifest: the same bytes for the same files, and every disagreement told."""

from __future__ import annotations

import json
import shutil
import subprocess

import pytest

from kfm_ci.migrations.manifest import build, checksums, verify_checksums, verify_manifest
from kfm_ci.migrations.model import Header, History, Migration
from kfm_ci.model import Digest
from kfm_ci.sql.script import Script, SourceFile


def source(name: str, text: str) -> SourceFile:
    return SourceFile(path=f"db/{name}", data=text.encode(), text=text, sha256=Digest.of(text.encode()))


def history(*names: str, text: str = "select 1;\n") -> History:
    migrations = []
    for index, name in enumerate(names):
        up, down = source(f"{name}.up.sql", text), source(f"{name}.down.sql", "select 0;\n")
        header = Header(values={"id": name, "owner": "zoë"}, lines={"id": 2, "owner": 3}, start=1, end=4)
        migrations.append(
            Migration(
                id=name,
                version=name,
                sort_key=(index,),
                name=name,
                up=Script(file=up, text=text),
                down=Script(file=down, text=down.text),
                header=header,
            )
        )
    return History(format="kfm", directory="db", migrations=tuple(migrations))


def test_the_same_files_give_the_same_bytes():
    data = build(history("a", "b")).to_bytes()
    assert data == build(history("a", "b")).to_bytes()
    assert data.endswith(b"}\n") and data.isascii()
    assert [entry["order"] for entry in json.loads(data)["migrations"]] == [1, 2]
    assert json.loads(data)["migrations"][0]["metadata"] == {"owner": "zoë"}


def test_what_was_built_agrees():
    files = history("a", "b")
    assert verify_manifest(build(files).to_bytes(), files) == ()
    assert verify_checksums(checksums(files), files) == ()


@pytest.mark.parametrize(
    ("now", "says"),
    [
        (history("a", "b", "c"), "no entry for `c`"),
        (history("a"), "names `b`, which is not a migration here"),
        (history("b", "a"), "order of `b` differs: expected 1, got 2"),
        (history("a", "b", text="select 2;\n"), "sha256 of `a.up.sql`"),
    ],
)
def test_each_disagreement_is_told(now, says):
    problems = verify_manifest(build(history("a", "b")).to_bytes(), now)
    assert any(says in problem.message for problem in problems)


@pytest.mark.parametrize("data", [b"", b"[]", b"{", b"\xff", b'{"schema": "kfm-ci/manifest/v2"}', b"[" * 100_000])
def test_what_is_no_manifest_is_told_and_never_crashes(data):
    (problem,) = verify_manifest(data, history("a"))
    assert "is not a manifest" in problem.message


def test_other_bytes_with_the_same_meaning_are_told():
    data = json.dumps(json.loads(build(history("a")).to_bytes())).encode()
    (problem,) = verify_manifest(data, history("a"))
    assert "bytes differ" in problem.message


def test_checksums_in_another_form_are_told():
    (problem,) = verify_checksums(b"nonsense\n", history("a"))
    assert "Line 1" in problem.message
    assert verify_checksums(checksums(history("a")).replace(b"  ", b" *"), history("a"))


def test_sha256sum_itself_accepts_the_checksums(tmp_path):
    if shutil.which("sha256sum") is None:
        pytest.skip("no sha256sum on this machine")
    files = history("a", "b c", "d\\e")
    for migration in files.migrations:
        for file in (migration.up.file, migration.down.file):
            (tmp_path / file.path.removeprefix("db/")).write_bytes(file.data)
    done = subprocess.run(
        ["sha256sum", "--check", "--strict"], cwd=tmp_path, input=checksums(files), capture_output=True, check=False
    )
    assert done.returncode == 0, done.stderr
    assert verify_checksums(checksums(files), files) == ()
