from __future__ import annotations

import hashlib
import shutil
import subprocess
from pathlib import Path

import pytest

from kfm_ci.model import Digest
from kfm_ci.report import plan_txt

ONE, TWO = Digest.of(b"one"), Digest.of(b"two")


def test_lines_stand_in_plan_order() -> None:
    assert plan_txt.render((("b.sql", TWO), ("a.sql", ONE))) == f"{TWO}  b.sql\n{ONE}  a.sql\n"


def test_the_digest_is_that_of_the_text() -> None:
    entries = (("a.sql", ONE),)
    assert plan_txt.digest(entries).hex == hashlib.sha256(plan_txt.render(entries).encode()).hexdigest()


@pytest.mark.skipif(shutil.which("sha256sum") is None, reason="no sha256sum on this machine")
@pytest.mark.parametrize("name", ["a b.sql", "été.sql", "back\\slash.sql", "new\nline.sql"])
def test_sha256sum_reads_the_plan(tmp_path: Path, name: str) -> None:
    (tmp_path / name).write_bytes(b"one")
    (tmp_path / "plan.txt").write_text(plan_txt.render(((name, ONE),)))
    assert subprocess.run(["sha256sum", "-c", "plan.txt"], cwd=tmp_path, capture_output=True).returncode == 0
    (tmp_path / name).write_bytes(b"two")
    assert subprocess.run(["sha256sum", "-c", "plan.txt"], cwd=tmp_path, capture_output=True).returncode == 1
