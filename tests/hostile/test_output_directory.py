"""A pull request chooses neither where the files of a run are written nor what is published."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

from kfm_ci.cli.output_files import OutputDirectory
from kfm_ci.errors import CannotCheck
from tests.hostile.conftest import BASE, BASE_DOWN, FIRST, ROOT, migration


def is_link(path: str):
    def commit(pull_request, elsewhere: Path) -> None:
        (pull_request.root / path).parent.mkdir(parents=True, exist_ok=True)
        (pull_request.root / path).symlink_to(elsewhere)

    return commit


def has_file(path: str):
    return lambda pull_request, _: pull_request.write({path: "x"})


PLACES = {
    "the directory is a link": ("kfm-ci-out", is_link("kfm-ci-out")),
    "the directory is a link to a missing one": (
        "kfm-ci-out",
        lambda pull_request, elsewhere: (pull_request.root / "kfm-ci-out").symlink_to(elsewhere / "missing"),
    ),
    "a directory above is a link": ("reports/kfm-ci-out", is_link("reports")),
    "a directory two above is a link": ("build/reports/kfm-ci-out", is_link("build")),
    "the way leads through a link and back": ("reports/../kfm-ci-out", is_link("reports")),
    "a link to the old temporary name": ("kfm-ci-out", is_link("kfm-ci-out/.comment.md.tmp")),
    "a link to a written name": ("kfm-ci-out", is_link("kfm-ci-out/gate.json")),
    "a link to the journal": ("kfm-ci-out", is_link("kfm-ci-out/journal.jsonl")),
    "a link to another name": ("kfm-ci-out", is_link("kfm-ci-out/secrets.txt")),
    "a tracked report": ("kfm-ci-out", has_file("kfm-ci-out/gate.json")),
    "a tracked file of another name": ("kfm-ci-out", has_file("kfm-ci-out/deep/notes.txt")),
    "a directory of the sources": ("migrations", has_file("migrations/README")),
    "the repository": (".", has_file("README")),
}


@pytest.mark.parametrize("case", PLACES)
def test_a_directory_of_the_pull_request_is_not_written(pull_request, tmp_path, case):
    elsewhere = tmp_path / "elsewhere"
    elsewhere.mkdir()
    out, commit = PLACES[case]
    commit(pull_request, elsewhere)
    pull_request.commit()
    before = sorted(pull_request.root.rglob("*"))
    with pytest.raises(CannotCheck, match="output directory") as refused:
        OutputDirectory(pull_request.root / out).prepare()
    assert refused.value.code == "KFM-C35"
    assert not list(elsewhere.iterdir())
    assert [path for path in sorted(pull_request.root.rglob("*")) if ".git" not in path.parts] == [
        path for path in before if ".git" not in path.parts
    ]


@pytest.mark.parametrize("case", ["missing", "empty", "earlier reports", "outside, through a link", "no repository"])
def test_a_directory_of_the_user_is_written(pull_request, tmp_path, case):
    pull_request.write({"README": "x"})
    pull_request.commit()
    out = pull_request.root / "build" / "kfm-ci-out"
    if case == "empty":
        out.mkdir(parents=True)
    if case == "earlier reports":
        out.mkdir(parents=True)
        (out / "gate.json").write_text("old")
    if case == "outside, through a link":
        (tmp_path / "disk").mkdir()
        (tmp_path / "link").symlink_to(tmp_path / "disk")
        out = tmp_path / "link" / "kfm-ci-out"
    if case == "no repository":
        out = tmp_path / "kfm-ci-out"
    output = OutputDirectory(out)
    output.prepare()
    with output.locked():
        output.replace("gate.json", b"new")
    assert (out / "gate.json").read_bytes() == b"new" and os.listdir(out) == ["gate.json"]


def test_a_directory_that_is_replaced_during_the_run_is_not_followed(tmp_path):
    out, elsewhere = tmp_path / "out", tmp_path / "elsewhere"
    elsewhere.mkdir()
    (elsewhere / "gate.json").write_text("theirs")
    output = OutputDirectory(out)
    output.prepare()
    with output.locked():
        out.rename(tmp_path / "moved")
        out.symlink_to(elsewhere)
        output.replace("gate.json", b"ours")
        output.create("journal.jsonl").close()
    output.change_owner(12345, 12345)
    assert (elsewhere / "gate.json").read_text() == "theirs" and os.listdir(elsewhere) == ["gate.json"]
    assert elsewhere.stat().st_uid == (elsewhere / "gate.json").stat().st_uid == os.getuid()
    assert dict(output.files) == {"gate.json": b"ours"}


def test_links_that_appear_during_the_run_are_replaced(tmp_path):
    victim = tmp_path / "victim"
    victim.write_text("theirs")
    output = OutputDirectory(tmp_path / "out")
    output.prepare()
    with output.locked():
        for name in ("gate.json", "journal.jsonl", ".gate.json.tmp"):
            (output.path / name).symlink_to(victim)
        output.replace("gate.json", b"ours")
        with output.create("journal.jsonl") as journal:
            journal.write("ours")
    assert victim.read_text() == "theirs"
    assert (output.path / "gate.json").read_bytes() == b"ours" and not (output.path / "gate.json").is_symlink()


@pytest.mark.skipif(os.getuid() != 0, reason="only root changes owners")
def test_the_owner_of_a_file_that_stands_in_place_of_a_report_stays(tmp_path):
    victim, other = tmp_path / "victim", tmp_path / "other"
    for path in (victim, other):
        path.write_text("theirs")
    output = OutputDirectory(tmp_path / "out")
    output.prepare()
    with output.locked():
        for name in ("gate.json", "plan.txt", "receipt.json"):
            output.replace(name, b"ours")
    (output.path / "gate.json").unlink()
    (output.path / "gate.json").symlink_to(victim)
    (output.path / "plan.txt").unlink()
    (output.path / "plan.txt").hardlink_to(other)
    output.change_owner(12345, 12345)
    assert victim.stat().st_uid == other.stat().st_uid == 0
    assert (output.path / "receipt.json").stat().st_uid == output.path.stat().st_uid == 12345


def test_the_gate_ends_with_one_line(pull_request, tmp_path):
    pull_request.write(migration(FIRST, BASE, BASE_DOWN))
    pull_request.commit()
    pull_request.out.symlink_to(tmp_path / "elsewhere")
    pull_request.git("init", "-q", str(tmp_path))
    verdict = pull_request.gate()
    assert verdict.code == 3 and verdict.output.startswith("KFM-C35"), verdict.output


def test_the_runner_uploads_only_the_files_of_a_run():
    lines = (ROOT / "on-runner" / "action.yml").read_text().split("path: |\n")[1].split()
    given = "".join(lines).replace("${{inputs.out}}/", " ").split()
    assert sorted(given) == sorted(
        ["gate.json", "plan.txt", "comment.md", "report.html", "findings.sarif", "junit.xml", "receipt.json"]
    )
