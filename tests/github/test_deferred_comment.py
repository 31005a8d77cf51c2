"""The verdict of a fork's run, published by a workflow that may write: the artifact is data, GitHub says where to."""

from __future__ import annotations

import io
import json
from pathlib import Path
from typing import Any

import pytest
from evidence_samples import dangerous, hostile
from local_github import Failure, GitHub, pull
from markdown_it import MarkdownIt

from kfm_ci.cli import comment
from kfm_ci.errors import KfmError
from kfm_ci.github.action_inputs import Inputs
from kfm_ci.github.context import Context
from kfm_ci.github.publication import Credentials
from kfm_ci.report import gate_json

TIP = "c" * 40


@pytest.fixture
def tell(github: GitHub, tmp_path: Path) -> Any:
    def run(text: str | None, *, tip: str | None = TIP) -> tuple[int, str]:
        if text is not None:
            (tmp_path / "gate.json").write_text(text)
        log = io.StringIO()
        platform = Context(
            repository="acme/shop",
            api_url=github.url,
            head_sha=tip,
            event="workflow_run",
            workflow="migrations",
            triggering_run_url="https://github.com/acme/shop/actions/runs/5",
        )
        return comment.post(
            Inputs(command="comment", out=str(tmp_path)), platform, Credentials(token="secret-token"), log
        ), log.getvalue()

    return run


def test_the_comment_goes_to_the_pull_request_whose_tip_was_judged(github: GitHub, tell: Any) -> None:
    github.pulls = [pull(3, "d" * 40), pull(4, TIP, "closed"), pull(7, TIP)]
    assert tell(gate_json.dumps(dangerous()))[0] == 0
    (written,) = github.comments
    assert "kfm-ci failed: 2 errors in 1 new migration" in written["body"]
    assert "[full report](https://github.com/acme/shop/actions/runs/5)" in written["body"]
    assert tell(gate_json.dumps(dangerous()))[0] == 0 and len(github.comments) == 1


def test_a_commit_that_no_open_pull_request_ends_in_gets_no_comment(github: GitHub, tell: Any) -> None:
    github.pulls = [pull(7, "d" * 40), pull(7, TIP, "closed")]
    code, log = tell(gate_json.dumps(dangerous()))
    assert code == 0 and github.comments == [] and "::notice" in log


def test_what_the_artifact_says_is_written_escaped(github: GitHub, tell: Any) -> None:
    github.pulls = [pull(7, TIP)]
    attack = "@octocat <!-- x --> </details> [l](https://evil.example)"
    assert tell(gate_json.dumps(hostile(attack)))[0] == 0
    page = MarkdownIt("commonmark").enable("table").render(github.comments[0]["body"])
    assert 'href="https://evil' not in page and "<!-- x" not in page and "octocat" in page


@pytest.mark.parametrize("text", [None, "", "{}", json.dumps({"schema": "kfm-ci/gate/v1"})])
def test_an_artifact_without_a_verdict_is_told_in_one_line_and_nothing_is_written(
    github: GitHub, tell: Any, text: str | None
) -> None:
    with pytest.raises(KfmError, match=r"KFM-(C61|U69)"):
        tell(text)
    assert github.comments == []


@pytest.mark.parametrize("tip", [None, "../../x", "main"])
def test_an_event_about_no_commit_asks_nothing_of_github(github: GitHub, tell: Any, tip: str | None) -> None:
    with pytest.raises(KfmError, match="KFM-G11"):
        tell(gate_json.dumps(dangerous()), tip=tip)
    assert github.asked == []


def test_a_refusal_of_github_is_an_error_here_for_there_is_nothing_else_to_do(github: GitHub, tell: Any) -> None:
    github.failures.append(Failure("GET", "/pulls", 403, times=9))
    with pytest.raises(KfmError, match="KFM-G04"):
        tell(gate_json.dumps(dangerous()))
