"""Repositories in every state that a checkout can be in: judged rightly, or a line that says what to change."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.faults.conftest import Repository

SECOND = ("20260102_1200__add_parts", "create table parts (id int);", "drop table parts;")


@pytest.fixture
def merged(repository: Repository) -> Repository:
    """A repository with one merged migration and a new one in a commit on top."""
    repository.add()
    repository.commit()
    repository.add(*SECOND)
    repository.commit()
    return repository


def at(root: Path, like: Repository) -> Repository:
    other = Repository.__new__(Repository)
    other.root, other.out, other.directory = root, like.out, root / "migrations" / "db"
    return other


def clone(merged: Repository, *arguments: str) -> Repository:
    root = merged.root.parent / "clone"
    merged.git("clone", "-q", *arguments, merged.root.as_uri(), str(root))
    return at(root, merged)


def new(ended: object) -> list[str]:
    return [item["id"] for item in ended.report["migrations"] if item["new"]]  # type: ignore[attr-defined]


def test_without_git_everything_is_new(unborn: Repository) -> None:
    unborn.add()
    ended = unborn.gate()
    assert ended.code == 0 and len(new(ended)) == 1
    assert (
        ended.report["source"] == {"git_sha": None, "base_sha": None, "tree_clean": None}
        or ended.report["source"]["git_sha"] is None
    )


def test_without_git_a_base_is_a_wrong_argument(unborn: Repository) -> None:
    unborn.add()
    ended = unborn.gate("--base", "main")
    assert ended.code == 2 and "KFM-U12" in ended.said and "--base none" in ended.said


def test_no_migrations_is_a_wrong_layout_and_names_the_key_to_write(repository: Repository) -> None:
    ended = repository.gate()
    assert ended.code == 2 and "KFM-U31" in ended.said and "[migrations] dir" in ended.said


@pytest.mark.parametrize("base", ["nosuch", "--all", "HEAD:migrations", "$(id)"])
def test_a_base_that_is_not_there_is_a_wrong_argument(merged: Repository, base: str) -> None:
    ended = merged.gate(f"--base={base}", "--base", base)
    assert ended.code == 2 and "KFM-U1" in ended.said and "help" in ended.said


def test_a_shallow_clone_is_told_the_fetch_depth(merged: Repository) -> None:
    ended = clone(merged, "--depth", "1").gate("--base", "HEAD~1")
    assert ended.code == 3 and "fetch-depth: 0" in ended.said


def test_a_partial_clone_whose_objects_are_missing_is_not_judged(merged: Repository) -> None:
    merged.git("config", "uploadpack.allowFilter", "true")
    partial = clone(merged, "--filter=blob:none")
    partial.git("remote", "set-url", "origin", "file:///nonexistent")
    ended = partial.gate("--base", "HEAD~1")
    assert ended.code in {0, 3}, ended.said
    if ended.code == 3:
        assert "KFM-C1" in ended.said and "fetch" in ended.said


def test_a_detached_head_is_judged_against_the_given_base(merged: Repository) -> None:
    merged.git("checkout", "-q", "--detach")
    ended = merged.gate("--base", "HEAD~1")
    assert ended.code == 0 and new(ended) == [SECOND[0]]


def test_a_work_tree_of_a_bare_repository_is_judged(merged: Repository) -> None:
    bare = merged.root.parent / "bare.git"
    merged.git("clone", "-q", "--bare", str(merged.root), str(bare))
    tree = merged.root.parent / "tree"
    merged.git("worktree", "add", "-q", str(tree), cwd=bare)
    ended = at(tree, merged).gate("--base", "HEAD~1")
    assert ended.code == 0 and new(ended) == [SECOND[0]]


def test_a_bare_repository_has_nothing_to_judge(merged: Repository) -> None:
    bare = merged.root.parent / "bare.git"
    merged.git("clone", "-q", "--bare", str(merged.root), str(bare))
    ended = at(bare, merged).gate("--base", "HEAD~1")
    assert ended.code == 2 and "KFM-U12" in ended.said


def test_a_sparse_checkout_does_not_make_migrations_look_deleted(merged: Repository) -> None:
    sparse = clone(merged)
    sparse.git("sparse-checkout", "set", "--no-cone", "*add_parts*")
    ended = sparse.gate("--base", "HEAD~1")
    assert ended.code == 2 and "KFM-U13" in ended.said and "sparse-checkout add migrations/db" in ended.said


def test_a_sparse_checkout_without_migrations_says_so(merged: Repository) -> None:
    sparse = clone(merged)
    sparse.git("sparse-checkout", "set", "docs")
    ended = sparse.gate("--base", "HEAD~1")
    assert ended.code == 2 and "KFM-U13" in ended.said


def test_migrations_in_a_submodule_are_judged_alone_or_told_where(merged: Repository) -> None:
    for path in sorted((merged.root / "migrations/db").iterdir()):
        merged.git("mv", str(path.relative_to(merged.root)), path.name)
    merged.commit()
    outer = Repository(merged.root.parent / "outer", merged.out)
    outer.directory.rmdir()
    outer.git("init", "-q", "-b", "main")
    outer.git("submodule", "add", "-q", str(merged.root), "migrations/db")
    outer.commit()
    ended = outer.gate("--base", "none")
    assert ended.code == 0, ended.said
    ended = outer.gate("--base", "HEAD")
    assert ended.code == 2 and "KFM-U14" in ended.said and "migrations/db" in ended.said
    empty = at(outer.root.parent / "empty", outer)
    outer.git("clone", "-q", str(outer.root), str(empty.root))
    ended = empty.gate("--base", "none")
    assert ended.code == 3 and "submodules: true" in ended.said


@pytest.mark.parametrize("path", ["../x", "/etc", "a/../../b", "a\\\\b"])
def test_a_directory_outside_the_repository_is_a_wrong_configuration(repository: Repository, path: str) -> None:
    repository.add()
    (repository.root / "kfm-ci.toml").write_text(f'[migrations]\ndir = "{path}"\n')
    ended = repository.gate()
    assert ended.code == 2 and "inside the repository" in ended.said


def test_a_directory_that_is_a_link_out_of_the_repository_is_not_followed(
    repository: Repository, tmp_path: Path
) -> None:
    outside = tmp_path / "outside"
    outside.mkdir()
    repository.add()
    for path in repository.directory.iterdir():
        path.rename(outside / path.name)
    repository.directory.rmdir()
    repository.directory.symlink_to(outside)
    ended = repository.gate()
    assert ended.code in {1, 2}, ended.said


@pytest.mark.parametrize(
    ("content", "words"),
    [
        ('[database]\nengin = "embedded"', ["KFM-U02", "Write `engine`"]),
        ("[nosuch]\na = 1", ["KFM-U02", "known keys"]),
        ('[smoke]\ntimeout = "soon"', ["KFM-U03", "smoke.timeout", "soon"]),
        ("[migration]\na = 1", ["KFM-U03", "[[migration]]", "[migrations]"]),
        ('[policy]\nlock-timeout = "2s"', ["KFM-U03", "`policy.lock-timeout`", "valid integer", "milliseconds"]),
        ('[policy.severity]\nblocks-writez = "error"', ["KFM-U03", "Write `blocks-writes`"]),
        ("[smoke", ["KFM-U01", "TOML"]),
        ('[database.settings]\nfoo_bar = "1"', ["KFM-U23", "foo_bar"]),
        ('[database.settings]\nlog_statement = "all"', ["KFM-U23", "superuser"]),
    ],
)
def test_a_wrong_configuration_is_one_line_with_its_key(repository: Repository, content: str, words: list[str]) -> None:
    repository.add()
    (repository.root / "kfm-ci.toml").write_text(content)
    ended = repository.gate()
    assert ended.code == 2, ended.said
    assert all(word in ended.said for word in words), ended.said


def test_a_configuration_of_bytes_is_a_wrong_configuration(repository: Repository) -> None:
    repository.add()
    (repository.root / "kfm-ci.toml").write_bytes(b"\xff\xfe\0")
    ended = repository.gate()
    assert ended.code == 2 and "KFM-U01" in ended.said
