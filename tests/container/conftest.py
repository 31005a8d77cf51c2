"""Containers for real: skipped, with the reason, where no engine runs or the images are not built."""

from __future__ import annotations

import os
import shutil
import subprocess
from pathlib import Path

import pytest
from runner import Runner

ROOT = Path(__file__).resolve().parents[2]
IMAGE = os.environ.get("KFM_TEST_IMAGE", "kfm-ci:test")
GIT = ["git", "-c", "user.name=t", "-c", "user.email=t@example.com"]


def socket() -> Path:
    host = os.environ.get("DOCKER_HOST", "unix:///var/run/docker.sock")
    return Path(host.removeprefix("unix://"))


@pytest.fixture(scope="session")
def image() -> str:
    if shutil.which("docker") is None:
        pytest.skip("no docker client")
    known = subprocess.run(["docker", "image", "inspect", IMAGE], capture_output=True, check=False)
    if known.returncode:
        pytest.skip(f"no engine, or no image {IMAGE}: `make test-container` builds it")
    return IMAGE


@pytest.fixture
def runner(image: str, tmp_path: Path) -> Runner:
    """A runner whose workspace holds the shop: what is merged, and a pull request with three migrations."""
    runner = Runner(home=tmp_path, image=image, socket=socket())
    where = runner.workspace
    shutil.copytree(ROOT / "examples" / "shop", where, dirs_exist_ok=True)
    run = lambda *arguments: subprocess.run([*GIT, *arguments], cwd=where, check=True, capture_output=True, text=True)  # noqa: E731
    run("init", "-q", "-b", "main")
    run(
        "add",
        "-A",
        ".",
        ":!migrations/db/20260216*",
        ":!migrations/db/20260223*",
        ":!migrations/db/20260302*",
        ":!migrations/db/meta",
    )
    run("commit", "-qm", "merged")
    base = run("rev-parse", "HEAD").stdout.strip()
    run("checkout", "-q", "-b", "change")
    run("add", "-A")
    run("commit", "-qm", "change")
    head = run("rev-parse", "HEAD").stdout.strip()
    repository = {"full_name": "acme/shop"}
    runner.event = {
        "pull_request": {
            "number": 7,
            "body": "Index orders",
            "base": {"sha": base, "repo": repository},
            "head": {"sha": head, "repo": repository},
        }
    }
    # the runner's user owns the workspace, and it is not root
    subprocess.run(["chown", "-R", "1001:1001", where], check=False)
    return runner
