"""A settings file that cannot be read or parsed ends the run with one line, never with a defect, a hang or a pass."""

from __future__ import annotations

import os
import re
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import pytest

Make = Callable[[Path], object]

TEXTS = {
    "nested arrays": "a = " + "[" * 100_000,
    "nested tables": "a = " + "{b = " * 50_000,
    "nested arrays in a table": "[policy]\nseverity = { x = " + "[" * 100_000 + "]" * 100_000 + " }",
    "key of many parts": "a." * 100_000 + "a = 1",
    "key of many quoted parts": "'a' . " * 100_000 + "a = 1",
    "table of many parts": "[" + "a." * 100_000 + "a]",
    "deep value": "a = " + ("{" + "a." * 90 + "a = ") * 50 + "1" + "}" * 50,
    "deep value of a known key": "[database]\nextensions = " + ("{" + "a." * 90 + "a = ") * 50 + "1" + "}" * 50,
    "long number": "a = " + "1" * 5000,
    "long hexadecimal number": "[policy]\nmax_file_size = 0x" + "f" * 100_000,
    "long hexadecimal number in a list": "[database]\nextensions = [0x" + "f" * 100_000 + "]",
    "NUL": "a = '\0'",
    "bytes": "a = '\udcff'",
}


def outside(path: Path) -> None:
    target = path.parent.parent / "outside.toml"
    target.write_text("")
    path.symlink_to(target)


def large(path: Path, size: int) -> None:
    path.touch()
    os.truncate(path, size)


FILES: dict[str, Make] = {
    "pipe": os.mkfifo,
    "directory": Path.mkdir,
    "link out of the repository": outside,
    "link to itself": lambda path: path.symlink_to(path.name),
    "link to nothing": lambda path: path.symlink_to("gone"),
    "link to a device": lambda path: path.symlink_to("/dev/zero"),
    "link to a pipe": lambda path: (os.mkfifo(path.parent / "pipe"), path.symlink_to("pipe")),
    "2 MiB": lambda path: large(path, 2 * 1_048_576),
    "1 GiB": lambda path: large(path, 1024 * 1_048_576),
}


def check(root: Path, *options: str) -> subprocess.CompletedProcess[str]:
    (root / "migrations").mkdir()
    (root / "migrations/0001_a.up.sql").write_text("create table a (b int);\n")
    (root / "migrations/0001_a.down.sql").write_text("drop table a;\n")
    command = [sys.executable, "-m", "kfm_ci", "check", str(root), "--base", "none", *options]
    return subprocess.run(command, capture_output=True, text=True, timeout=60, check=False)


@pytest.mark.parametrize("text", TEXTS.values(), ids=TEXTS.keys())
def test_a_text_that_is_no_valid_settings_is_one_line(tmp_path: Path, text: str) -> None:
    (tmp_path / "kfm-ci.toml").write_bytes(text.encode(errors="surrogateescape"))
    refused(check(tmp_path))


@pytest.mark.parametrize("name", ["kfm-ci.toml", "pyproject.toml", "own.toml"])
@pytest.mark.parametrize("make", FILES.values(), ids=FILES.keys())
def test_a_file_that_cannot_be_read_is_not_ignored(tmp_path: Path, name: str, make: Make) -> None:
    root = tmp_path / "repository"
    root.mkdir()
    make(root / name)
    refused(check(root, *(("--config", name) if name == "own.toml" else ())))


@pytest.mark.parametrize("text", ["", "[database]\nextensions = ['a.b.c']\n"])
def test_a_valid_file_passes(tmp_path: Path, text: str) -> None:
    (tmp_path / "kfm-ci.toml").write_text(text)
    (tmp_path / "pyproject.toml").symlink_to("kfm-ci.toml")
    assert check(tmp_path).returncode == 0


def refused(run: subprocess.CompletedProcess[str]) -> None:
    assert (run.returncode, run.stdout) == (2, ""), run.stderr
    assert re.match(r"KFM-U0[1-5] ", run.stderr), run.stderr
    assert "Traceback" not in run.stderr
    assert len(run.stderr) < 1000
