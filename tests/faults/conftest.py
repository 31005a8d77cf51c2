"""A repository of a user who does something odd, and the gate as a real process on it."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import pytest

ROOT = Path(__file__).resolve().parents[2]
HEADER = """-- [KFM_MIGRATION]
-- id: {id}
-- owner: team
-- ticket: https://github.com/acme/app/issues/1
-- risk: low
-- rollout: safe
-- rollback: down
-- dialect: postgresql
-- [/KFM_MIGRATION]
"""
UP = "create table widgets (id bigint primary key, name text);\n"
DOWN = "drop table widgets;\n"
FIRST = "20260101_1200__add_widgets"


@dataclass(frozen=True, kw_only=True)
class Ended:
    """How a run of the gate ended, and what it left."""

    code: int
    stdout: str
    stderr: str
    out: Path

    @property
    def said(self) -> str:
        return self.stdout + self.stderr

    @property
    def report(self) -> dict[str, Any]:
        return json.loads((self.out / "gate.json").read_text())

    @property
    def receipt(self) -> dict[str, Any]:
        return json.loads((self.out / "receipt.json").read_text())

    @property
    def journal(self) -> list[dict[str, Any]]:
        return [json.loads(line) for line in (self.out / "journal.jsonl").read_text().splitlines()]

    def findings(self, rule: str) -> list[dict[str, Any]]:
        return [item for item in self.report["findings"] if item["rule"] == rule]


@dataclass
class Repository:
    root: Path
    out: Path
    directory: Path = field(init=False)

    def __post_init__(self) -> None:
        self.directory = self.root / "migrations" / "db"
        self.directory.mkdir(parents=True)

    def git(self, *arguments: str, cwd: Path | None = None) -> str:
        command = [
            "git",
            "-c",
            "user.name=t",
            "-c",
            "user.email=t@example.com",
            "-c",
            "protocol.file.allow=always",
            *arguments,
        ]
        return subprocess.run(command, cwd=cwd or self.root, check=True, capture_output=True, text=True).stdout

    def add(self, id: str = FIRST, up: str | bytes = UP, down: str | None = DOWN) -> Path:
        path = self.directory / f"{id}.up.sql"
        path.write_bytes(up if isinstance(up, bytes) else (HEADER.format(id=id) + up).encode())
        if down is not None:
            (self.directory / f"{id}.down.sql").write_text(down)
        return path

    def commit(self) -> str:
        self.git("add", "-A")
        self.git("commit", "-qm", "x", "--allow-empty")
        return self.git("rev-parse", "HEAD").strip()

    def start(
        self,
        *arguments: str,
        command: str = "gate",
        cwd: Path = ROOT,
        environment: Mapping[str, str] = {},
        before: Sequence[str] = (),
        **options: Any,
    ) -> subprocess.Popen[str]:
        """Start the gate; the caller waits for it."""
        given = [] if "--base" in arguments else ["--base", "none"]
        return subprocess.Popen(
            [
                *before,
                sys.executable,
                "-m",
                "kfm_ci",
                command,
                str(self.root),
                "--out",
                str(self.out),
                *given,
                *arguments,
            ],
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
            errors="surrogateescape",
            cwd=cwd,
            env={**os.environ, "PYTHONPATH": str(ROOT), "COLUMNS": "200", **environment},
            **options,
        )

    def gate(self, *arguments: str, **options: Any) -> Ended:
        """Run the gate to its end; no end is a traceback."""
        return self.ended(self.start(*arguments, **options))

    def ended(self, process: subprocess.Popen[str]) -> Ended:
        stdout, stderr = process.communicate(timeout=110)
        assert "Traceback" not in stdout + stderr, stderr
        return Ended(code=process.returncode, stdout=stdout, stderr=stderr, out=self.out)


@pytest.fixture
def unborn(tmp_path: Path) -> Repository:
    """A directory with the usual place for migrations, without git."""
    return Repository(tmp_path / "repo", tmp_path / "out")


@pytest.fixture
def repository(unborn: Repository) -> Repository:
    """An empty git repository."""
    unborn.git("init", "-q", "-b", "main")
    return unborn
