"""A base that cannot be read is never an absent base: exit 3, one line, and no verdict."""

from __future__ import annotations

import json
import shutil

import pytest

from tests.hostile.conftest import BASE, BASE_DOWN, FIRST, SECOND, migration

DROP = migration(SECOND, "drop table orders cascade;", "select 1;")


@pytest.fixture
def changed(pull_request):
    """Return a repository with a base and a change that drops a table."""
    pull_request.write(migration(FIRST, BASE, BASE_DOWN))
    pull_request.commit()
    pull_request.write(DROP)
    return pull_request


def event(pull_request, base: str) -> dict[str, str]:
    path = pull_request.root.parent / "event.json"
    path.write_text(json.dumps({"pull_request": {"number": 1, "base": {"sha": base}}}))
    return {"GITHUB_ACTIONS": "true", "GITHUB_EVENT_PATH": str(path), "GITHUB_EVENT_NAME": "pull_request"}


def without_repository(changed) -> None:
    shutil.rmtree(changed.root / ".git")


def without_objects(changed) -> None:
    shutil.rmtree(changed.root / ".git/objects")
    (changed.root / ".git/objects").mkdir()


def with_truncated_objects(changed) -> None:
    for path in (changed.root / ".git/objects").rglob("*"):
        if path.is_file():
            path.chmod(0o600)
            path.write_bytes(path.read_bytes()[:10])


def with_damaged_index(changed) -> None:
    (changed.root / ".git/index").write_bytes(b"DIRC damaged")


def with_damaged_head(changed) -> None:
    (changed.root / ".git/HEAD").write_bytes(b"nothing")


@pytest.mark.parametrize(
    "damage", [without_repository, without_objects, with_truncated_objects, with_damaged_index, with_damaged_head]
)
def test_a_damaged_repository_is_not_checked(changed, damage):
    base = changed.git("rev-parse", "main")
    damage(changed)
    verdict = changed.gate(base="", environment=event(changed, base))
    assert verdict.code == 3 and len([line for line in verdict.output.splitlines() if "KFM-C" in line]) == 1


def test_a_commit_that_the_clone_lacks_is_not_checked(changed):
    assert changed.gate(base="a" * 40).code == 3
    assert changed.gate(base="", environment=event(changed, "a" * 40)).code == 3


def test_settings_of_the_base_that_are_not_valid_are_not_ignored(changed):
    (changed.root / "kfm-ci.toml").write_text("[policy")
    changed.git("add", "kfm-ci.toml")
    changed.git("commit", "-qm", "x")
    (changed.root / "kfm-ci.toml").write_text("")
    verdict = changed.gate()
    assert verdict.code == 3 and "KFM-C16" in verdict.output


def test_a_repository_without_a_known_default_branch_names_the_option(changed):
    changed.git("branch", "-m", "main", "trunk")
    verdict = changed.gate(base="")
    assert verdict.code == 3 and "--base" in verdict.output
    assert changed.gate(base="trunk").code == 1
