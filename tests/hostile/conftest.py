"""Small repositories through the whole gate, each as a pull request against a base commit.

``make test`` runs every eighth parametrized case of these tests, ``make test-corpus`` every third, and
``make test-hostile`` all of them.
"""

from __future__ import annotations

import json
import os
import subprocess
import sys
import zlib
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest

ROOT = Path(__file__).resolve().parents[2]
GIT = ["git", "-c", "user.name=t", "-c", "user.email=t@example.com"]
SHARE = int(os.environ.get("KFM_HOSTILE_SHARE", "8"))
"""One of how many parametrized cases is run; 1: all."""

HEADER = """-- [KFM_MIGRATION]
-- id: {id}
-- owner: team
-- ticket: ABC-1
-- risk: high
-- rollout: safe
-- rollback: down
-- dialect: postgresql
{more}-- [/KFM_MIGRATION]
"""
BASE = """create table customers (id bigint primary key, name text not null, email text);
create table orders (
  id bigint primary key, customer_id bigint not null references customers (id), total numeric not null, note text
);
create view open_orders as select id, total from orders;
create function order_count() returns bigint language sql stable as 'select count(*) from orders';
"""
"""The schema that most cases change."""
BASE_DOWN = "drop function order_count(); drop view open_orders; drop table orders; drop table customers;\n"
FIRST, SECOND = "20240101000000__base", "20240201000000__change"


@dataclass(frozen=True)
class Verdict:
    """How the gate ended."""

    code: int
    report: Mapping[str, Any]
    output: str
    """Standard output and standard error."""
    root: Path
    """The directory of the written files."""

    @property
    def errors(self) -> set[str]:
        """Return the rules of the findings that fail the gate."""
        return {item["rule"] for item in self.report.get("findings", ()) if _fails(item)}

    def error(self, rule: str) -> Mapping[str, Any]:
        """Return the first failing finding of a rule."""
        return next(item for item in self.report["findings"] if item["rule"] == rule and _fails(item))

    def finding(self, rule: str) -> Mapping[str, Any]:
        """Return the first finding of a rule, of any severity."""
        return next(item for item in self.report["findings"] if item["rule"] == rule)


def _fails(item: Mapping[str, Any]) -> bool:
    return item["severity"] == "error" and item["verdict"] != "refuted"


def migration(id: str, up: str, down: str | None = None, *, more: str = "") -> dict[str, str]:
    """Return the files of a migration in the native format; ``more``: further lines of its header."""
    header = HEADER.format(id=id, more=more)
    files = {f"migrations/db/{id}.up.sql": f"{header}{up}\n"}
    if down is not None:
        files[f"migrations/db/{id}.down.sql"] = f"{header}{down}\n"
    return files


class PullRequest:
    """A repository with a base commit on ``main`` and a change in the work tree."""

    def __init__(self, root: Path) -> None:
        """Make the repository, without a commit."""
        self.root = root / "repo"
        self.out = root / "out"
        subprocess.run(["git", "init", "-q", "-b", "main", self.root], check=True)

    def write(self, files: Mapping[str, str | bytes | None]) -> None:
        """Write files; None deletes one."""
        for path, text in files.items():
            target = self.root / path
            if text is None:
                target.unlink()
                continue
            target.parent.mkdir(parents=True, exist_ok=True)
            target.write_bytes(text.encode() if isinstance(text, str) else text)

    def commit(self, message: str = "x") -> None:
        """Commit everything, ignored files included."""
        self.git("add", "-A", "-f")
        self.git("commit", "-qm", message)

    def git(self, *arguments: str) -> str:
        """Run git and return what it writes."""
        done = subprocess.run([*GIT, *arguments], cwd=self.root, check=True, capture_output=True, text=True)
        return done.stdout.strip()

    def gate(self, *options: str, base: str = "main", environment: Mapping[str, str] | None = None) -> Verdict:
        """Run the command and return how it ended."""
        command = [sys.executable, "-m", "kfm_ci", "gate", str(self.root), "--out", str(self.out)]
        command += ["--base", base] if base else []
        done = subprocess.run(
            [*command, *options],
            cwd=ROOT,
            env={**os.environ, **(environment or {})},
            capture_output=True,
            text=True,
            errors="replace",
            check=False,
        )
        assert "Traceback" not in done.stderr, done.stderr
        path = self.out / "gate.json"
        report = json.loads(path.read_text()) if path.exists() else {}
        return Verdict(code=done.returncode, report=report, output=done.stdout + done.stderr, root=self.out)


@pytest.fixture
def pull_request(tmp_path: Path) -> PullRequest:
    """An empty repository."""
    return PullRequest(tmp_path)


@pytest.fixture
def change(pull_request: PullRequest) -> Callable[..., Verdict]:
    """Run the gate on one migration in the native format that changes the schema ``BASE``."""

    def run(up: str, down: str | None = None, *, base: str = "", more: str = "", settings: str = "") -> Verdict:
        first = migration(FIRST, BASE + base, BASE_DOWN)
        pull_request.write({**first, "kfm-ci.toml": settings} if settings else first)
        pull_request.commit()
        pull_request.write(migration(SECOND, up, down, more=more))
        return pull_request.gate()

    return run


def pytest_collection_modifyitems(config: pytest.Config, items: list[pytest.Item]) -> None:
    """Leave out all but one of ``SHARE`` parametrized cases of this directory, always the same ones."""
    here = Path(__file__).parent
    left_out = [
        item
        for item in items
        if here in item.path.parents and hasattr(item, "callspec") and zlib.crc32(item.nodeid.encode()) % SHARE
    ]
    if left_out:
        config.hook.pytest_deselected(items=left_out)
        items[:] = [item for item in items if item not in set(left_out)]
