"""Audits every workflow: no finding of zizmor's strictest persona, and valid by GitHub's schema."""

from __future__ import annotations

import shutil
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[3]
BIN = Path(sys.executable).parent


@pytest.fixture
def copied(tmp_path: Path) -> Path:
    """The workflows, copied to the user's ``.github/workflows``."""
    shutil.copytree(ROOT / "workflows", tmp_path / ".github" / "workflows")
    return tmp_path


def audit(directory: Path) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [BIN / "zizmor", "--offline", "--persona", "pedantic", "--no-progress", directory],
        capture_output=True,
        text=True,
        check=False,
    )


def test_what_users_copy_has_no_finding(copied: Path) -> None:
    done = audit(copied)
    assert done.returncode == 0, done.stdout


def test_what_we_run_and_offer_for_calling_has_no_finding() -> None:
    done = audit(ROOT / ".github")
    assert done.returncode == 0, done.stdout
    assert audit(ROOT / "action.yml").returncode == 0 == audit(ROOT / "on-runner").returncode


def test_the_audit_would_find_something(copied: Path) -> None:
    file = copied / ".github" / "workflows" / "gate.yml"
    file.write_text(file.read_text().replace("permissions: {}", "permissions: write-all"))
    assert audit(copied).returncode != 0


@pytest.mark.parametrize(
    ("schema", "pattern"),
    [
        ("github-workflows", "workflows/*.yml"),
        ("github-workflows", ".github/workflows/*.yml"),
        ("github-actions", "**/action.yml"),
        ("dependabot", ".github/dependabot.yml"),
    ],
)
def test_every_file_has_the_shape_that_github_reads(schema: str, pattern: str) -> None:
    files = sorted(ROOT.glob(pattern))
    assert files
    done = subprocess.run(
        [BIN / "check-jsonschema", "--builtin-schema", f"vendor.{schema}", *files],
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stdout


def test_the_readme_shows_the_workflow_that_is_shipped() -> None:
    shown = (ROOT / "README.md").read_text().split("```yaml\n")[1].split("```")[0]
    assert (ROOT / "workflows" / "gate.yml").read_text().endswith(shown)
