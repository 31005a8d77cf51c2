"""The image, started with the very flags, mounts and variables of GitHub's runner."""

from __future__ import annotations

import json
from collections.abc import Callable

import pytest
from runner import Runner


def test_the_shop_passes_and_every_output_is_written(runner: Runner) -> None:
    ended = runner.step()
    assert ended.code == 0, ended.log
    assert ended.outputs["result"] == "pass"
    assert ended.outputs["new-migrations"] == "3"
    assert ended.outputs["receipt-path"] == "kfm-ci-out/receipt.json"
    report = json.loads((runner.workspace / ended.outputs["gate-json"]).read_text())
    assert report["engine"]["kind"] == "embedded"
    assert report["exit_code"] == 0
    assert ended.summary.startswith("## ✅ kfm-ci passed")


@pytest.mark.parametrize(
    ("name", "make"),
    [
        (
            "merge_group",
            lambda base, head: {"merge_group": {"base_sha": base, "head_sha": head, "base_ref": "refs/heads/main"}},
        ),
        ("push", lambda base, head: {"before": "9" * 40, "after": head, "repository": {"default_branch": "main"}}),
        ("workflow_dispatch", lambda base, head: {"inputs": {}, "repository": {"default_branch": "main"}}),
    ],
    ids=lambda value: value if isinstance(value, str) else "",
)
def test_every_event_finds_its_base(runner: Runner, name: str, make: Callable[[str, str], dict]) -> None:
    pull = runner.event["pull_request"]
    base, head = pull["base"]["sha"], pull["head"]["sha"]
    runner.event_name, runner.event = name, make(base, head)
    ended = runner.step(extra={"GITHUB_SHA": head, "GITHUB_REF": "refs/heads/change"})
    assert ended.code == 0, ended.log
    assert ended.outputs["new-migrations"] == "3" and ended.outputs["comment-url"] == ""
    source = json.loads((runner.workspace / ended.outputs["gate-json"]).read_text())["source"]
    assert (source["base_sha"], source["git_sha"]) == (base, head)


def test_files_belong_to_the_owner_of_the_workspace(runner: Runner) -> None:
    runner.step()
    owners = {path.stat().st_uid for path in (runner.workspace / "kfm-ci-out").rglob("*")}
    assert owners == {runner.workspace.stat().st_uid}


def test_a_jobs_own_variables_do_not_matter(runner: Runner) -> None:
    nonsense = {"HOME": "/nowhere", "PYTHONPATH": "/github/workspace", "PYTHONHOME": "/nowhere", "TMPDIR": "/nowhere"}
    (runner.workspace / "kfm_ci.py").write_text("raise SystemExit('taken over')")
    ended = runner.step(extra=nonsense)
    assert ended.code == 0, ended.log


def test_a_user_that_the_image_does_not_know_judges_as_well(runner: Runner) -> None:
    """As on clusters that start every container under a number of their own; the runner's files are not its own."""
    (runner.workspace / "kfm-ci-out").mkdir()
    (runner.workspace / "kfm-ci-out").chmod(0o777)
    runner.user = "4711:4711"
    ended = runner.step({"comment": "never"})
    assert ended.code == 0, ended.log
    assert "KFM-G14 /github/file_commands/output: The runner's file cannot be written: Permission denied" in ended.log


def test_a_workspace_that_may_only_be_read_takes_another_directory(runner: Runner) -> None:
    runner.mode = ":ro"
    refused = runner.step({"comment": "never"})
    assert refused.code == 3 and "KFM-C30 kfm-ci-out: The output cannot be written" in refused.log
    ended = runner.step({"comment": "never", "out": "/github/runner_temp/out"})
    assert ended.code == 0, ended.log
    assert ended.outputs["gate-json"] == "/github/runner_temp/out/gate.json"


def test_a_wrong_input_is_told_with_what_is_possible(runner: Runner) -> None:
    ended = runner.step({"fail-on": "sometimes"})
    assert ended.code == 2
    assert "input fail-on" in ended.log and "low | medium | high | never" in ended.log
    assert ended.outputs["result"] == "error"


def test_a_smoke_command_finds_no_token_anywhere(runner: Runner) -> None:
    command = "cat /proc/*/environ > found 2>/dev/null; env >> found; ! grep -a -q SECRET found"
    config = runner.workspace / "kfm-ci.toml"
    text = config.read_text()
    assert "[smoke]" in text
    config.write_text(text.replace("[smoke]", f"[smoke]\ncommand = '{command}'"))
    secrets = {"ACTIONS_RUNTIME_TOKEN": "SECRET-runtime", "GITHUB_TOKEN": "SECRET-api"}
    ended = runner.step({"github-token": "SECRET-input", "comment": "never"}, secrets)
    assert ended.code == 0, ended.log
    assert "SECRET" not in ended.log
