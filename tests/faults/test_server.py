"""The server that fails under a migration: never a pass, and never the migration's fault."""

from __future__ import annotations

import os
import shutil
import signal
import subprocess
import time
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.faults.conftest import UP, Ended, Repository

FILLS = "insert into widgets select n, repeat(md5(n::text), 40) from generate_series(1, 300000) n;\n"


def failure(ended: Ended) -> str:
    assert ended.code == 3, ended.said
    assert ended.report["result"] == "error" and ended.receipt["predicate"]["result"] == "failure"
    assert not ended.findings("migration-failed")
    return ended.report["failure"]


def postmaster_of(run: subprocess.Popen[str], journal: Path) -> int:
    """Return the server's process once the migration runs on it."""
    for _ in range(300):
        if journal.exists() and "dry-run" in journal.read_text():
            break
        time.sleep(0.1)
    time.sleep(0.5)
    children = Path(f"/proc/{run.pid}/task/{run.pid}/children").read_text().split()
    return next(int(pid) for pid in children if "postgres" in Path(f"/proc/{pid}/comm").read_text())


@pytest.fixture
def small() -> Iterator[Path]:
    """A directory for a disk of few megabytes; root alone can mount one."""
    if os.geteuid() != 0 or shutil.which("unshare") is None:
        pytest.skip("only root mounts a small disk")
    place = Path(f"/tmp/kfm-ci-small-{os.getpid()}")  # noqa: S108
    place.mkdir()
    yield place
    place.rmdir()


def test_a_server_that_dies_under_a_migration_is_no_verdict(repository: Repository) -> None:
    repository.add(up=UP + "select pg_sleep(60);\n")
    run = repository.start()
    os.kill(postmaster_of(run, repository.out / "journal.jsonl"), signal.SIGKILL)
    assert failure(repository.ended(run)).startswith("KFM-C08")


def test_a_migration_that_ends_its_own_session_is_told_so(repository: Repository) -> None:
    repository.add(up=UP + "select pg_terminate_backend(pg_backend_pid());\n")
    said = failure(repository.gate())
    assert said.startswith("KFM-C13") and "pg_terminate_backend" in said


def test_a_full_disk_is_no_verdict(repository: Repository, small: Path) -> None:
    repository.add(up=UP + FILLS)
    disk = f"mount -t tmpfs -o size=200m,mode=1777 small {small} && mount -t tmpfs -o size=4m,mode=1777 ram /dev/shm"
    ended = repository.gate(
        before=["unshare", "-m", "sh", "-c", f'{disk} && exec "$@"', "sh"],
        environment={"TMPDIR": str(small), "XDG_CACHE_HOME": str(small)},
    )
    if "mount:" in ended.stderr:
        pytest.skip(f"nothing can be mounted here: {ended.stderr}")
    said = failure(ended)
    assert said.startswith("KFM-C12") and "TMPDIR" in said
