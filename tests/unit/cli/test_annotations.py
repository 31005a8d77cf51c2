"""``--output github``: the log of a workflow."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

ROOT = Path(__file__).parents[3]


def test_check_annotates_a_file_whose_text_looks_like_a_command(tmp_path: Path) -> None:
    folder = tmp_path / "migrations/db"
    folder.mkdir(parents=True)
    (folder / "V000001__a.up.sql").write_text("-- ::add-mask::b\n::error::owned\n")
    command = [sys.executable, "-m", "kfm_ci", "check", str(tmp_path), "--base", "none", "--output", "github"]
    ended = subprocess.run(command, capture_output=True, text=True, cwd=ROOT, check=False)
    lines = ended.stdout.splitlines()
    token = lines[0].removeprefix("::stop-commands::")
    assert ended.returncode == 1 and len(token) == 32
    after = lines[lines.index(f"::{token}::") + 1 :]
    assert after and all(line.startswith(("::error file=", "::warning file=", "::notice file=")) for line in after)
