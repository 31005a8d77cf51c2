"""A module of the pull request never runs in the place of an installed one."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest

from tests.hostile.conftest import ROOT

NAMES = ("typer", "rich", "psycopg", "signal", "gc", "json", "logging", "tomllib", "traceback", "decimal", "ctypes")
STARTS = {
    "module": ([sys.executable, "-m", "kfm_ci"], {}),
    "console script": ([str(Path(sys.executable).with_name("kfm-ci"))], {}),
    "isolated": ([sys.executable, "-I", "-m", "kfm_ci"], {}),
    "empty part of PYTHONPATH": ([sys.executable, "-m", "kfm_ci"], {"PYTHONPATH": "/nowhere:"}),
}


@pytest.mark.parametrize("directory", [".", "sub"])
@pytest.mark.parametrize("start", STARTS)
def test_a_module_in_the_working_directory_is_not_imported(pull_request, start, directory):
    where = pull_request.root / directory
    for name in NAMES:
        pull_request.write({f"{directory}/{name}.py": f"open({str(pull_request.out)!r}, 'a').write({name!r})\n"})
    command, variables = STARTS[start]
    done = subprocess.run(
        [*command, "check", "."],
        cwd=where,
        env={**os.environ, **variables},
        capture_output=True,
        text=True,
        check=False,
    )
    assert not pull_request.out.exists(), pull_request.out.read_text()
    assert "Traceback" not in done.stderr, done.stderr


@pytest.mark.parametrize("path", ["action.yml", "on-runner/action.yml", "Dockerfile"])
def test_python_starts_in_isolated_mode_wherever_the_repository_may_be_the_working_directory(path):
    lines = (ROOT / path).read_text().splitlines()
    starts = [line for line in lines if ("-m venv" in line or "-m pip" in line or '"-m", "kfm_ci"' in line)]
    if path == "Dockerfile":  # the image is built from this repository
        starts = [line for line in starts if "ENTRYPOINT" in line]
    assert [line for line in starts if "-I" not in line] == []
    assert starts or path == "action.yml"
