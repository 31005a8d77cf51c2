"""The pinned commit of the action, and the release steps that write it, run in a clone."""

from __future__ import annotations

import os
import re
import subprocess
from pathlib import Path

import pytest
import yaml

ROOT = Path(__file__).resolve().parents[3]
PIN = re.compile(r"uses: kfm-ci/kfm-ci(?:/on-runner)?@(\S+) # (\S+)$", re.MULTILINE)
NAMING = [
    "README.md",
    "workflows/gate.yml",
    "workflows/gate-matrix.yml",
    "workflows/gate-on-runner.yml",
    "workflows/comment.yml",
]
DIGEST = f"sha256:{'c' * 64}"


def git(where: Path, *arguments: str) -> str:
    return subprocess.run(["git", *arguments], cwd=where, check=True, capture_output=True, text=True).stdout.strip()


def pins(where: Path) -> set[tuple[str, str]]:
    return {pin for name in NAMING for pin in PIN.findall((where / name).read_text())}


def test_all_name_one_commit_and_it_knows_what_they_use() -> None:
    for name in NAMING:
        assert PIN.search((ROOT / name).read_text()), name
    ((commit, name),) = pins(ROOT)
    assert re.fullmatch("[0-9a-f]{40}", commit) and re.fullmatch(r"main|v\d+\.\d+\.\d+", name)
    if subprocess.run(["git", "cat-file", "-e", commit], cwd=ROOT, capture_output=True, check=False).returncode:
        pytest.skip(f"NOT COMPARED: {commit} is not in the history here")
    files = {f"kfm-ci/kfm-ci@{commit}": "action.yml", f"kfm-ci/kfm-ci/on-runner@{commit}": "on-runner/action.yml"}
    known = {name: yaml.safe_load(git(ROOT, "show", f"{commit}:{file}")) for name, file in files.items()}
    for file in (ROOT / "workflows").glob("*.yml"):
        for job in yaml.safe_load(file.read_text())["jobs"].values():
            for step in job["steps"]:
                if step.get("uses", "").startswith("kfm-ci/"):
                    action = known[step["uses"]]
                    assert step.get("with", {}).keys() <= action["inputs"].keys()
                    assert (
                        f"`{step.get('with', {}).get('command', 'gate')}`" in action["inputs"]["command"]["description"]
                    )


def test_what_is_called_uses_the_action_of_its_own_commit() -> None:
    for name in ("gate", "gate-matrix", "comment"):
        assert "uses: $/. #" in (ROOT / ".github" / "workflows" / f"{name}.yml").read_text()


def test_the_readme_names_the_version_to_come() -> None:
    version = re.search(r"rev: v(\S+)", (ROOT / "README.md").read_text())
    assert version and f'__version__ = "{version[1]}"' in (ROOT / "kfm_ci" / "__init__.py").read_text()


@pytest.fixture
def released(tmp_path: Path) -> Path:
    """The checkout of the release job, after the steps that need no registry."""
    checkout, remote = tmp_path / "checkout", tmp_path / "acme" / "shop.git"
    git(tmp_path, "init", "-q", "--bare", str(remote))
    git(tmp_path, "init", "-q", "-b", "main", str(checkout))
    for name in (*NAMING, "action.yml", ".ci/pin", "kfm_ci/__init__.py", ".github/workflows/gate.yml"):
        (checkout / name).parent.mkdir(parents=True, exist_ok=True)
        (checkout / name).write_bytes((ROOT / name).read_bytes())
        (checkout / name).chmod((ROOT / name).stat().st_mode)
    identity = ["-c", "user.name=t", "-c", "user.email=t@example.com"]
    git(checkout, "add", "-A")
    git(checkout, *identity, "commit", "-qm", "merged")
    environment = {
        "PATH": os.environ["PATH"],
        "HOME": str(tmp_path),
        "IMAGE": "ghcr.io/acme/shop",
        "VERSION": "0.1.0",
        "DIGEST": DIGEST,
        "TOKEN": "secret",
        "GITHUB_SHA": git(checkout, "rev-parse", "HEAD"),
        "GITHUB_SERVER_URL": str(tmp_path),
        "GITHUB_REPOSITORY": "acme/shop.git",
        "GITHUB_STEP_SUMMARY": str(tmp_path / "summary"),
    }
    jobs = yaml.safe_load((ROOT / ".github/workflows/release.yml").read_text())["jobs"]
    steps = [
        step
        for job in jobs.values()
        for step in job["steps"]
        if "run" in step and "docker" not in step["run"] or "docker://" in step.get("run", "")
    ]
    assert [step["name"].split()[0] for step in steps] == ["Compare", "Tag", "Push"]
    for step in steps:
        done = subprocess.run(
            ["bash", "-e", "-c", step["run"]],
            cwd=checkout,
            env=environment,
            capture_output=True,
            text=True,
            check=False,
        )
        assert done.returncode == 0, f"{step['name']}: {done.stderr}"
    return checkout


def test_a_release_is_a_tag_whose_action_names_the_image_by_its_digest(released: Path) -> None:
    remote = released.parent / "acme" / "shop.git"
    action = yaml.safe_load(git(remote, "show", "v0.1.0:action.yml"))
    assert action["runs"]["image"] == f"docker://ghcr.io/acme/shop@{DIGEST}"
    assert git(remote, "diff", "--name-only", "v0.1.0~", "v0.1.0") == "action.yml"


def test_a_release_leaves_a_branch_that_names_the_tag_wherever_users_copy(released: Path) -> None:
    remote = released.parent / "acme" / "shop.git"
    tag = git(remote, "rev-parse", "v0.1.0^{commit}")
    assert pins(released) == {(tag, "v0.1.0")}
    changed = set(git(remote, "diff", "--name-only", "pins-v0.1.0~", "pins-v0.1.0").split())
    # the token of a workflow cannot push to .github/workflows
    assert changed == set(NAMING)
    assert "pins-v0.1.0" in (released.parent / "summary").read_text()
