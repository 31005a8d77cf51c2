"""A change cannot choose the repository that git is asked about, nor what git runs or compares with."""

from __future__ import annotations

import os
import subprocess
from pathlib import Path

import pytest

from kfm_ci.errors import CannotCheck
from kfm_ci.migrations import git_directory
from kfm_ci.migrations.base_commit import find_base
from kfm_ci.migrations.commit_tree import CommitTree
from kfm_ci.migrations.git import Repository
from tests.hostile.conftest import BASE, BASE_DOWN, FIRST, SECOND, PullRequest, migration

PLACE = "services/shop"


def _below(files: dict[str, str]) -> dict[str, str]:
    return {f"{PLACE}/{path}": text for path, text in files.items()}


def _embed(pull_request: PullRequest, config: str) -> Path:
    """Put a git directory with all of the change among the files of the judged directory."""
    place = pull_request.root / PLACE
    other = pull_request.root.parent / "other"
    subprocess.run(["git", "clone", "-q", "--bare", "--no-local", pull_request.root, other], check=True)
    commands = (
        ["add", "-A", "-f"],
        ["-c", "user.name=t", "-c", "user.email=t@example.com", "commit", "-qm", "all is there already"],
    )
    for command in commands:
        subprocess.run(["git", "--git-dir", other, "--work-tree", place, *command], cwd=place, check=True)
    for name in ("HEAD", "objects", "refs", "packed-refs", "index"):
        if (other / name).exists():
            (other / name).rename(place / name)
    (place / "config").write_text(config)
    return place


@pytest.mark.parametrize(
    "config",
    [
        "[core]\nrepositoryformatversion = 0\nbare = true\n",
        '[core]\nrepositoryformatversion = 0\nbare = false\nworktree = .\n[filter "x"]\nclean = touch {mark}; cat\n',
    ],
    ids=["bare", "with a work tree and a filter"],
)
def test_a_git_directory_among_the_files_hides_no_migration(
    pull_request: PullRequest, tmp_path: Path, config: str
) -> None:
    pull_request.write(_below(migration(FIRST, BASE, BASE_DOWN)))
    pull_request.commit()
    pull_request.write(_below(migration(SECOND, "drop table orders cascade;", "select 1;")))
    pull_request.write({f"{PLACE}/.gitattributes": "* filter=x\n"})
    mark = tmp_path / "ran"
    place = _embed(pull_request, config.format(mark=mark))
    pull_request.root = place
    verdict = pull_request.gate()
    assert verdict.code == 1 and "table-dropped" in verdict.errors, verdict.output
    assert [item["id"] for item in verdict.report["migrations"] if item["new"]] == [SECOND] and not mark.exists()


@pytest.fixture
def repository(pull_request: PullRequest) -> PullRequest:
    """A repository with two commits on main, and the second one checked out."""
    pull_request.write({"m/a.sql": "select 1;\n", ".gitattributes": "*.sql filter=x diff=x merge=x\n"})
    pull_request.commit("one")
    pull_request.git("checkout", "-qb", "change")
    pull_request.write({"m/a.sql": "select 2;\n"})
    pull_request.commit("two")
    return pull_request


SETTINGS = {
    "clean filter": "filter.x.clean=touch {mark}; cat",
    "filter process": "filter.x.process=touch {mark}",
    "smudge filter": "filter.x.smudge=touch {mark}; cat",
    "fsmonitor": "core.fsmonitor=touch {mark}",
    "hooks": "core.hooksPath={hooks}",
    "textconv": "diff.x.textconv=touch {mark}; cat",
    "diff": "diff.external=touch {mark}",
    "pager": "core.pager=touch {mark}",
    "ssh": "core.sshCommand=touch {mark}",
    "editor": "core.editor=touch {mark}",
    "alias": "alias.status=!touch {mark}",
    "alternate refs": "core.alternateRefsCommand=touch {mark}",
    "credentials": "credential.helper=!touch {mark}",
    "included file": "include.path=../settings",
    "included on a condition": "includeIf.gitdir:**.path=../settings",
}


@pytest.mark.parametrize("setting", SETTINGS.values(), ids=SETTINGS)
def test_no_setting_of_the_repository_runs_a_program(repository: PullRequest, tmp_path: Path, setting: str) -> None:
    mark, hooks = tmp_path / "ran", tmp_path / "hooks"
    program = f"#!/bin/sh\ntouch {mark}\ncat\n"
    hooks.mkdir()
    for name in ("post-index-change", "fsmonitor-watchman", "reference-transaction"):
        (hooks / name).write_text(program)
        (hooks / name).chmod(0o755)
    (repository.root / "settings").write_text(f'[filter "x"]\nclean = touch {mark}; cat\n')
    key, _, value = setting.format(mark=mark, hooks=hooks).partition("=")
    repository.git("config", key, value)
    (repository.root / "m/a.sql").write_text("select 3;\n")
    os.utime(repository.root / ".gitattributes", (1, 1))
    found = Repository.around(repository.root / "m")
    assert found is not None and not found.clean and found.tracked()
    base = find_base(found, "main", pull_request_base=None)
    assert base is not None and CommitTree(found, base.tip).read("m/a.sql") == b"select 1;\n"
    assert not mark.exists()


def test_a_commit_is_not_the_branch_that_has_its_name(repository: PullRequest) -> None:
    missing = "1" * 40
    for ref in (f"refs/heads/{missing}", f"refs/remotes/origin/{missing}", f"refs/tags/{missing}"):
        repository.git("update-ref", ref, "HEAD")
    assert Repository(repository.root).resolve(missing) is None
    verdict = repository.gate(base=missing)
    assert verdict.code in {2, 3}, verdict.output


@pytest.mark.parametrize(
    "ref",
    ["refs/tags/main", "refs/main", "refs/tags/heads/main", "refs/tags/refs/remotes/origin/main", "refs/heads/main"],
)
def test_the_base_is_the_branch_of_the_remote_whatever_else_has_its_name(repository: PullRequest, ref: str) -> None:
    repository.git("update-ref", "refs/remotes/origin/main", "main")
    repository.git("update-ref", ref, "HEAD")
    found = Repository(repository.root)
    assert found.resolve("main") == repository.git("rev-parse", "HEAD~1") == found.resolve("origin/main")


@pytest.mark.parametrize("name", ["release", "main", "HEAD", "refs/remotes/origin/gone", "refs/heads/gone"])
def test_a_tag_is_no_base_unless_its_full_name_is_given(repository: PullRequest, name: str) -> None:
    repository.git("update-ref", f"refs/tags/{name}", "HEAD")
    found = Repository(repository.root)
    head, base = repository.git("rev-parse", "HEAD"), repository.git("rev-parse", "refs/heads/main")
    assert found.resolve(name) == {"main": base, "HEAD": head}.get(name)
    assert found.resolve(f"refs/tags/{name}") == head


@pytest.mark.parametrize(
    "ref",
    [
        "--upload-pack=touch x",
        "-n",
        "--all",
        "main:m/a.sql",
        ":/one",
        "main@{0}",
        "main..change",
        "^main",
        "ma\0in",
        "main\n",
        "ma in",
        "\ud800",
        "",
        "*",
        "refs/heads/../heads/main",
        "main^{tree}",
    ],
)
def test_an_odd_name_is_no_commit(repository: PullRequest, ref: str) -> None:
    assert Repository(repository.root).resolve(ref) is None


@pytest.mark.parametrize(
    "name", ["--upload-pack=x", "-n", "caf\u00e9", "\udcff\udcfe", "a;b", "$(id)", "1234567", "a@b"]
)
def test_a_branch_is_found_by_its_name_whatever_its_bytes(repository: PullRequest, name: str) -> None:
    subprocess.run(["git", "update-ref", f"refs/remotes/origin/{name}", "main"], cwd=repository.root, check=True)
    assert Repository(repository.root).resolve(name) == repository.git("rev-parse", "main")


@pytest.mark.parametrize("steps", ["~1", "^", "^1~0", "~"])
def test_a_base_may_be_named_by_its_distance(repository: PullRequest, steps: str) -> None:
    expected = repository.git("rev-parse", "main")
    found = Repository(repository.root)
    assert found.resolve(f"change{steps}") == found.resolve(f"HEAD{steps}") == expected == found.resolve(expected[:9])


def test_a_branch_is_not_taken_for_the_abbreviated_commit_of_its_name(repository: PullRequest) -> None:
    short = repository.git("rev-parse", "main")[:8]
    repository.git("branch", short, "change")
    assert Repository(repository.root).resolve(short) is None


@pytest.mark.parametrize("how", ["replace", "graft"])
def test_a_commit_is_not_replaced(repository: PullRequest, how: str) -> None:
    head, base = repository.git("rev-parse", "HEAD"), repository.git("rev-parse", "main")
    if how == "replace":
        repository.git("replace", base, head)
    else:
        (repository.root / ".git/info").mkdir(exist_ok=True)
        (repository.root / ".git/info/grafts").write_text(f"{head}\n")
    found = Repository(repository.root)
    assert CommitTree(found, base).read("m/a.sql") == b"select 1;\n" and found.merge_base("main", "HEAD") == base


def test_objects_are_not_taken_from_the_files_of_the_repository(repository: PullRequest) -> None:
    (repository.root / "lent").mkdir()
    (repository.root / ".git/objects/info/alternates").write_text("../../lent\n")
    with pytest.raises(CannotCheck, match="KFM-C91"):
        Repository.around(repository.root)


def test_objects_of_a_clone_that_borrows_them_are_read(repository: PullRequest, tmp_path: Path) -> None:
    repository.git("clone", "-q", "--shared", str(repository.root), str(tmp_path / "clone"))
    found = Repository(tmp_path / "clone")
    assert found.resolve("main") == repository.git("rev-parse", "main")


def test_a_linked_work_tree_is_a_repository_of_its_own(repository: PullRequest, tmp_path: Path) -> None:
    repository.git("worktree", "add", "-q", str(tmp_path / "linked"), "main")
    found = Repository.around(tmp_path / "linked" / "m")
    assert found is not None and found.root == tmp_path / "linked" and found.clean
    assert found.head == repository.git("rev-parse", "main") and found.resolve("change") != found.head


@pytest.mark.parametrize("content", ["gitdir: ../bare", "gitdir: /nowhere", "", "x", "gitdir: .git/modules/x"])
def test_a_file_in_place_of_the_git_directory_leads_only_to_a_linked_work_tree(
    repository: PullRequest, content: str
) -> None:
    place = repository.root / "m"
    for path in (repository.root / "bare", repository.root / "m/.git-other", repository.root / ".git/modules/x"):
        subprocess.run(["git", "init", "-q", "--bare", path], check=True)
    (place / ".git").write_text(content)
    with pytest.raises(CannotCheck, match="KFM-C91"):
        Repository.around(place)


@pytest.mark.parametrize("missing", ["HEAD", "objects", "refs"])
def test_a_broken_git_directory_is_not_taken_for_none(repository: PullRequest, missing: str) -> None:
    (repository.root / ".git" / missing).rename(repository.root / "away")
    with pytest.raises(CannotCheck, match="KFM-C91"):
        Repository.around(repository.root)


def test_a_git_directory_of_another_user_is_not_read(repository: PullRequest, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(git_directory.os, "geteuid", lambda: os.getuid() + 1)
    assert Repository.around(repository.root) is not None
    if os.getuid() == 0:
        os.chown(repository.root / ".git", 4242, -1)
        with pytest.raises(CannotCheck, match="another user"):
            Repository.around(repository.root)


def test_a_repository_with_other_object_ids_is_read(tmp_path: Path) -> None:
    root = tmp_path / "other"
    subprocess.run(["git", "init", "-q", "--object-format=sha256", "-b", "main", root], check=True)
    (root / "a").write_text("x")
    for command in (["add", "-A"], ["commit", "-qm", "one"]):
        subprocess.run(["git", "-c", "user.name=t", "-c", "user.email=t@example.com", *command], cwd=root, check=True)
    found = Repository(root)
    assert found.head is not None and len(found.head) == 64 and CommitTree(found, found.head).read("a") == b"x"


@pytest.mark.parametrize("broken", ["index", "HEAD"])
def test_a_broken_repository_is_not_taken_for_an_empty_one(repository: PullRequest, broken: str) -> None:
    (repository.root / ".git" / broken).write_bytes(b"ref: refs/heads/bro\0ken")
    if broken == "HEAD":
        (repository.root / ".git/HEAD").write_text("ref: refs/heads/change\n")
        (repository.root / ".git/refs/heads/change").write_text("no commit")
    found = Repository(repository.root)
    with pytest.raises(CannotCheck):
        assert found.tracked() and found.head
