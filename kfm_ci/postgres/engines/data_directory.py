"""Data directories of servers, in RAM if it has enough space, each locked by its process."""

from __future__ import annotations

import contextlib
import fcntl
import os
import shutil
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from kfm_ci.errors import CannotCheck
from kfm_ci.postgres.engines import server_processes

RAM = Path("/dev/shm")  # noqa: S108
MIN_FREE_BYTES = 512 * 1024 * 1024
PREFIX = "kfm-ci-pg-"
SOCKET_BYTES = 107 - len(f"/{PREFIX}12345678/.s.PGSQL.5432")
"""Longest path of a parent directory: the kernel limits the path of a Unix socket to 107 bytes."""


@contextmanager
def claim() -> Iterator[Path]:
    """Yield a new directory and remove it at the end; stop the servers of killed runs first.

    A file lock, not a process id, shows that a directory is in use: it works across containers that share the
    parent directory, and the kernel releases it however the process ends.
    """
    parent = _parent_directory()
    with _creation_lock(parent) as alone:
        if alone:
            _remove_abandoned(parent)
        home = Path(tempfile.mkdtemp(prefix=PREFIX, dir=parent))
        held = os.open(home / "lock", os.O_CREAT | os.O_RDWR | os.O_NOFOLLOW | os.O_CLOEXEC, 0o600)
        fcntl.flock(held, fcntl.LOCK_EX)
    try:
        yield home
    finally:
        server_processes.stop(home)
        shutil.rmtree(home, ignore_errors=True)
        os.close(held)


def _parent_directory() -> Path:
    with contextlib.suppress(OSError):
        free = os.statvfs(RAM)
        if free.f_bavail * free.f_frsize >= MIN_FREE_BYTES and os.access(RAM, os.W_OK):
            return RAM
    for place in (_temporary(), Path("/tmp"), Path("/var/tmp")):  # noqa: S108
        with contextlib.suppress(OSError):
            short = place is not None and len(os.fsencode(place)) <= SOCKET_BYTES
            if place and short and os.access(place, os.W_OK | os.X_OK) and server_processes.is_reachable(place):
                return place
    raise CannotCheck(
        code="KFM-C25",
        message="There is no directory for the server's files.",
        where="TMPDIR",
        expected=f"a writable directory with a path of at most {SOCKET_BYTES} bytes",
        got=str(_temporary() or "none"),
        help="Set TMPDIR to such a directory.",
    )


def _temporary() -> Path | None:
    try:
        return Path(tempfile.gettempdir())
    except FileNotFoundError:
        return None


@contextmanager
def _creation_lock(parent: Path) -> Iterator[bool]:
    """Lock the creation and removal of directories; yields False if another user owns the lock file."""
    try:
        door = os.open(
            parent / f"kfm-ci-door-{os.getuid()}", os.O_CREAT | os.O_RDWR | os.O_NOFOLLOW | os.O_CLOEXEC, 0o600
        )
    except OSError:
        yield False
        return
    try:
        alone = os.fstat(door).st_uid == os.getuid()
        if alone:
            fcntl.flock(door, fcntl.LOCK_EX)
        yield alone
    finally:
        os.close(door)


def _remove_abandoned(parent: Path) -> None:
    user = server_processes.server_user()
    owners = {os.getuid(), user.pw_uid if user else os.getuid()}
    for home in parent.glob(f"{PREFIX}*"):
        with contextlib.suppress(OSError):
            if home.is_symlink() or not home.is_dir() or home.stat().st_uid not in owners:
                continue
            if _is_abandoned(home):
                server_processes.stop(home)
                shutil.rmtree(home, ignore_errors=True)


def _is_abandoned(home: Path) -> bool:
    """Whether no process has locked a directory; without a lock file, its creation was interrupted."""
    try:
        lock = os.open(home / "lock", os.O_RDWR | os.O_NOFOLLOW | os.O_CLOEXEC)
    except FileNotFoundError:
        return True
    try:
        fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        return False
    finally:
        os.close(lock)
    return True
