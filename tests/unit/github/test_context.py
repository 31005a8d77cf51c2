"""Events of every kind, strange ones too."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from kfm_ci.github import context


@pytest.fixture
def event(tmp_path: Path, monkeypatch: pytest.MonkeyPatch):  # noqa: ANN201
    def write(content: object, name: str = "pull_request") -> context.Context:
        file = tmp_path / "event.json"
        file.write_text(content if isinstance(content, str) else json.dumps(content))
        for key, value in {
            "GITHUB_ACTIONS": "true",
            "GITHUB_EVENT_PATH": str(file),
            "GITHUB_EVENT_NAME": name,
            "GITHUB_SHA": "merge",
            "GITHUB_REPOSITORY": "acme/shop",
        }.items():
            monkeypatch.setenv(key, value)
        monkeypatch.delenv("GITHUB_BASE_REF", raising=False)
        return context.read()

    return write


def pull(head: object) -> dict:
    return {
        "pull_request": {
            "number": 7,
            "head": {"sha": "tip", "repo": head},
            "base": {"sha": "base", "repo": {"full_name": "acme/shop"}},
        }
    }


def test_a_pull_request_names_its_base_tip_and_number(event) -> None:  # noqa: ANN001
    read = event(pull({"full_name": "acme/shop"}))
    assert (read.base, read.head_sha, read.pull, read.fork) == ("base", "tip", 7, False)


@pytest.mark.parametrize("head", [{"full_name": "eve/shop"}, None])
def test_another_repository_or_a_deleted_one_is_a_fork(event, head) -> None:  # noqa: ANN001
    assert event(pull(head)).fork


def test_a_merge_queue_has_a_base_and_no_pull_request(event) -> None:  # noqa: ANN001
    read = event({"merge_group": {"base_sha": "b", "head_sha": "h"}}, "merge_group")
    assert (read.base, read.pull, read.head_sha) == ("b", None, "merge")


REPOSITORY = {"default_branch": "main"}


def test_a_push_to_the_default_branch_is_compared_with_what_it_found(event, monkeypatch) -> None:  # noqa: ANN001
    monkeypatch.setenv("GITHUB_REF", "refs/heads/main")
    assert event({"before": "abc", "repository": REPOSITORY}, "push").base == "abc"
    assert event({"before": "0" * 40, "repository": REPOSITORY}, "push").base is None
    assert event({"inputs": {}, "repository": REPOSITORY}, "workflow_dispatch").base is None


@pytest.mark.parametrize("name", ["push", "workflow_dispatch"])
def test_another_branch_is_compared_with_the_default_one(event, monkeypatch, name: str) -> None:  # noqa: ANN001
    monkeypatch.setenv("GITHUB_REF", "refs/heads/change")
    # the commit before a push may be missing after a rebase, and has files that were judged before and are still new
    assert event({"before": "abc", "repository": REPOSITORY}, name).base == "main"


def test_a_tag_has_no_base_of_its_own(event, monkeypatch) -> None:  # noqa: ANN001
    monkeypatch.setenv("GITHUB_REF", "refs/tags/v1")
    assert event({"before": "0" * 40, "repository": REPOSITORY}, "push").base is None


@pytest.mark.parametrize(
    "content", ["", "[]", "{", '{"pull_request": 3}', '{"pull_request": {"number": "x", "head": []}}']
)
def test_a_strange_event_is_no_pull_request(event, content: str) -> None:  # noqa: ANN001
    assert event(content).pull is None


def test_tokens_and_inputs_leave_the_environment(monkeypatch: pytest.MonkeyPatch) -> None:
    secrets = {"INPUT_GITHUB-TOKEN": "a", "ACTIONS_RUNTIME_TOKEN": "b", "GITHUB_TOKEN": "c", "GH_TOKEN": "d"}
    for name, value in secrets.items():
        monkeypatch.setenv(name, value)
    assert secrets.items() <= context.withdraw_secrets().items()
    assert not any(name in context.os.environ for name in secrets)


@pytest.mark.parametrize(
    "content", ["", "{", "[]", "null", "{}", {"pull_request": 5}, {"pull_request": {"number": "7"}}], ids=str
)
def test_a_pull_request_whose_event_tells_none_is_said_to_be_strange(event, content: object) -> None:  # noqa: ANN001
    read = event(content)
    assert read.pull is None and "The event file" in (read.event_problem or "")


def test_a_missing_event_is_said_to_be_missing(event, tmp_path: Path) -> None:  # noqa: ANN001
    assert event(pull(None)).event_problem is None
    (tmp_path / "event.json").unlink()
    assert "No such file" in (context.read().event_problem or "")


def test_an_event_without_a_pull_request_is_not_strange(event) -> None:  # noqa: ANN001
    assert event({"before": "abc"}, "push").event_problem is None
