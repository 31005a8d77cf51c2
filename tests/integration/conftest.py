"""Real servers for the tests: one a session for each major version at hand."""

from __future__ import annotations

import itertools
import json
import subprocess
import sys
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from kfm_ci.postgres.engines import installations
from kfm_ci.postgres.engines.base import Server
from kfm_ci.postgres.engines.embedded import EmbeddedEngine

ROOT = Path(__file__).resolve().parents[2]
GIT = ["git", "-c", "user.name=t", "-c", "user.email=t@example.com"]

MAJORS = sorted({item.major for item in installations.find()})
_numbers = itertools.count()


@pytest.fixture(scope="session", params=MAJORS, ids=lambda major: f"pg{major}")
def server(request: pytest.FixtureRequest) -> Iterator[Server]:
    """A running server of each version on this machine."""
    with EmbeddedEngine(major=request.param).start() as running:
        yield running


@pytest.fixture
def database(server: Server) -> Iterator[str]:
    """An empty database; the conninfo connects as administrator."""
    name = server.create_database(f"test_{next(_numbers)}")
    yield server.dsn(name, admin=True)
    server.drop_database(name)


@pytest.fixture
def gate(tmp_path: Path) -> Callable[..., dict[str, Any]]:
    """Write files, commit them on main, write more, and judge these."""
    root = tmp_path / "repo"
    subprocess.run(["git", "init", "-q", "-b", "main", root], check=True)

    def judge(base: dict[str, str], change: dict[str, str], *, against: str = "main") -> dict:
        for number, files in enumerate((base, change)):
            for path, text in files.items():
                (root / path).parent.mkdir(parents=True, exist_ok=True)
                (root / path).write_text(text)
            if number == 0:
                subprocess.run([*GIT, "add", "-A"], cwd=root, check=True)
                subprocess.run([*GIT, "commit", "-qm", "x"], cwd=root, check=True)
        done = subprocess.run(
            [sys.executable, "-m", "kfm_ci", "gate", str(root), "--base", against, "--out", str(tmp_path / "out")],
            cwd=ROOT,
            capture_output=True,
            text=True,
            check=False,
        )
        assert "Traceback" not in done.stderr, done.stderr
        return json.loads((tmp_path / "out/gate.json").read_text())

    return judge
