"""Workflows, the action and the documentation's examples, read by GitHub's own parser."""

from __future__ import annotations

import re
import shutil
import subprocess
from pathlib import Path

import pytest
from histories import CACHE

ROOT = Path(__file__).resolve().parents[2]
PARSER = CACHE / "workflows" / "parse.cjs"
FENCE = re.compile(r"^```ya?ml\n(.*?)^```", re.MULTILINE | re.DOTALL)
FILES = [*sorted(ROOT.glob("workflows/*.yml")), *sorted(ROOT.glob(".github/workflows/*.yml")), ROOT / "action.yml"]

pytestmark = pytest.mark.skipif(
    not PARSER.exists() or shutil.which("node") is None,
    reason=f"NOT PARSED: GitHub's parser of workflows is not installed under {CACHE}; run `make test-tools`",
)


def mistakes(*files: Path) -> str:
    done = subprocess.run(["node", PARSER, *files], capture_output=True, text=True, check=False)
    assert not done.stderr, done.stderr
    return done.stdout


def test_no_file_of_ours_has_a_mistake() -> None:
    assert len(FILES) > 8
    assert mistakes(*FILES) == ""


def test_no_workflow_in_the_documentation_has_a_mistake(tmp_path: Path) -> None:
    shown = []
    for page in (ROOT / "README.md", *sorted((ROOT / "docs").rglob("*.md"))):
        for number, text in enumerate(FENCE.findall(page.read_text())):
            if "\njobs:" in text:
                shown.append(tmp_path / f"{page.stem}-{number}.yml")
                shown[-1].write_text(text)
    assert shown
    assert mistakes(*shown) == ""


@pytest.mark.parametrize(
    ("right", "wrong", "reported"),
    [
        ("needs: check", "needs: chek", "depends on unknown job 'chek'"),
        ("matrix.path", "matrx.path", "Unrecognized named-value: 'matrx'"),
        ("contents: read", "contents: reed", "Unexpected value 'reed'"),
    ],
)
def test_a_mistake_is_reported(tmp_path: Path, right: str, wrong: str, reported: str) -> None:
    text = (ROOT / "workflows" / "gate-matrix.yml").read_text()
    assert right in text
    broken = tmp_path / "gate-matrix.yml"
    broken.write_text(text.replace(right, wrong))
    assert reported in mistakes(broken)
