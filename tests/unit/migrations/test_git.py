"""Trees and commits, read from a real repository."""

from __future__ import annotations

import os
import subprocess
from pathlib import Path

import pytest

from kfm_ci.errors import UsageError
from kfm_ci.migrations.base_commit import find_base
from kfm_ci.migrations.commit_tree import CommitTree
from kfm_ci.migrations.git import Repository
from kfm_ci.migrations.model import Unreadable
from kfm_ci.migrations.work_tree import WorkTree


def git(root: Path, *arguments: str) -> str:
    command = ["git", "-c", "user.name=t", "-c", "user.email=t@example.com", *arguments]
    return subprocess.run(command, cwd=root, check=True, capture_output=True, text=True).stdout.strip()


@pytest.fixture
def root(tmp_path: Path) -> Path:
    """A repository with one commit on main, and another on the branch that is checked out."""
    root = tmp_path / "repo"
    (root / "m" / "sub").mkdir(parents=True)
    git(tmp_path, "init", "-q", "-b", "main", str(root))
    (root / "m" / "a.sql").write_bytes(b"select 1;\r\n\xff")
    (root / "m" / "sub" / "b c\u00e9.sql").write_text("select 2;")
    (root / "m" / "link.sql").symlink_to("a.sql")
    git(root, "add", "-A")
    git(root, "commit", "-qm", "one")
    git(root, "checkout", "-qb", "change")
    (root / "m" / "a.sql").write_text("edited")
    git(root, "commit", "-qam", "two")
    return root


def test_a_commit_is_read_from_its_objects_byte_for_byte_whatever_the_work_tree_holds(root: Path) -> None:
    repository = Repository(root)
    tree = CommitTree(repository, str(repository.resolve("main")))
    assert tree.read("m/a.sql") == b"select 1;\r\n\xff" and WorkTree(root).read("m/a.sql") == b"edited"
    assert list(tree.paths("m")) == ["m/a.sql", "m/link.sql", "m/sub/b c\u00e9.sql"] == list(WorkTree(root).paths("m"))
    assert tree.read("m/sub/b c\u00e9.sql") == b"select 2;"
    assert tree.exists("m/a.sql") and not tree.exists("m/gone.sql")


def test_a_directory_of_the_repository_can_be_its_root(root: Path) -> None:
    repository = Repository(root)
    tree = CommitTree(repository, str(repository.head), "m")
    assert list(tree.paths(".")) == ["a.sql", "link.sql", "sub/b c\u00e9.sql"] and tree.read("a.sql") == b"edited"


def test_a_link_in_a_commit_is_followed_only_inside_it(root: Path) -> None:
    targets = {"abs": "/etc/hostname", "out": "../../x", "loop": "loop", "nowhere": "gone", "more": "sub"}
    for name, target in targets.items():
        (root / "m" / name).symlink_to(target)
    (root / "m" / "far.sql").symlink_to("more/b c\u00e9.sql")
    git(root, "add", "-A")
    git(root, "commit", "-qm", "links")
    repository = Repository(root)
    tree = CommitTree(repository, str(repository.head))
    assert tree.read("m/link.sql") == b"edited" and tree.read("m/far.sql") == b"select 2;"
    assert tree.exists("m/far.sql") and not tree.exists("m/nowhere")
    assert list(tree.paths("m")) == list(WorkTree(root).paths("m")) and "m/more/b c\u00e9.sql" in tree.paths("m")
    for path in ("m/gone.sql", "m/abs", "m/out", "m/loop", "m/nowhere"):
        with pytest.raises(Unreadable):
            tree.read(path)


@pytest.mark.parametrize("target", ["/etc/hostname", "../../outside", "nowhere", "self"])
def test_a_link_in_the_work_tree_is_followed_only_inside_it(root: Path, target: str) -> None:
    (root.parent.parent / "outside").write_text("secret")
    (root / "m" / "self").symlink_to(target)
    assert WorkTree(root).read("m/link.sql") == b"edited"
    with pytest.raises(Unreadable):
        WorkTree(root).read("m/self")


def test_the_base_is_where_the_change_parted_and_the_tip_is_where_it_will_go(root: Path) -> None:
    repository = Repository(root)
    parted = repository.resolve("main")
    git(root, "checkout", "-q", "main")
    git(root, "commit", "-qm", "three", "--allow-empty")
    git(root, "checkout", "-q", "change")
    found = find_base(repository, None, pull_request_base="main")
    assert found is not None and (found.tip, found.merge_base) == (repository.resolve("main"), parted)
    alone = find_base(repository, None, pull_request_base=None)
    assert alone is not None and alone.tip == alone.merge_base == parted
    assert find_base(repository, "none", pull_request_base="main") is None


@pytest.mark.parametrize("ref", ["gone", "--upload-pack=x", "main:m/a.sql", ""])
def test_what_names_no_commit_is_a_wrong_argument(root: Path, ref: str) -> None:
    with pytest.raises(UsageError, match="KFM-U10"):
        find_base(Repository(root), ref or "\n", pull_request_base=None)


def test_settings_of_the_repository_start_no_program(root: Path, tmp_path: Path) -> None:
    mark = tmp_path / "ran"
    script = tmp_path / "run.sh"
    script.write_text(f"#!/bin/sh\ntouch {mark}\n")
    script.chmod(0o755)
    git(root, "config", "core.fsmonitor", str(script))
    git(root, "config", "core.hooksPath", str(tmp_path))
    repository = Repository(root)
    assert repository.clean and repository.tracked() and not mark.exists()


def test_an_untracked_file_makes_the_tree_unclean(root: Path) -> None:
    assert Repository(root).clean
    (root / "new").touch()
    assert not Repository(root).clean


def test_a_pipe_is_no_file_and_nobody_waits_for_it(root: Path) -> None:
    os.mkfifo(root / "m" / "pipe.sql")
    with pytest.raises(Unreadable, match="not a regular file"):
        WorkTree(root).read("m/pipe.sql")
