"""What a killed run leaves behind: found by a lock that nobody holds any more, ended and removed."""

from __future__ import annotations

import fcntl
import json
import os
import shutil
import signal
import subprocess
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from kfm_ci.postgres.engines.places import runtime_roots

STATE = "state.json"
CLAIM = "claim"
GRACE = 5.0
"""Seconds that a server gets to go at once before it is killed."""
UNCLAIMED_AGE = 600.0
"""Seconds after which a directory without any claim is a leftover: its maker died in the first instant."""


@contextmanager
def claimed(home: Path) -> Iterator[None]:
    """Hold a server's directory as ours.

    The kernel lets go of the lock when the process ends, however it ends; unlike a process number it is never
    given to somebody else, and it means the same in every container that shares the directory.
    """
    descriptor = os.open(home / CLAIM, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC | os.O_NOFOLLOW, 0o600)
    try:
        fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
        yield
    finally:
        os.close(descriptor)


@dataclass(frozen=True, slots=True, kw_only=True)
class Postmaster:
    """The process of a server and the data directory that proves it is that one."""

    pid: int
    data: Path
    born: str | None
    """Start time as the kernel counts it; None where it does not say."""

    def alive(self) -> bool:
        """Whether the process exists, is no zombie, and is the server of that directory."""
        told = _command_line(self.pid)
        same = self.born is None or born(self.pid) == self.born
        return told is not None and str(self.data) in told and same

    def end(self) -> None:
        """Shut it down at once, without saving anything; returns when it is gone."""
        for number in (signal.SIGQUIT, signal.SIGKILL):
            if not self.alive():
                return
            try:
                os.kill(self.pid, number)
            except ProcessLookupError:
                return
            deadline = time.monotonic() + GRACE
            while self.alive() and time.monotonic() < deadline:
                time.sleep(0.002)


def record(home: Path, postmaster: Postmaster) -> None:
    """Write which server lives in a directory, for whoever has to clear it away."""
    state = {"parent": os.getpid(), "pid": postmaster.pid, "born": postmaster.born, "data": str(postmaster.data)}
    temporary = home / f"{STATE}.new"
    temporary.write_text(json.dumps(state), encoding="utf-8")
    temporary.replace(home / STATE)


def reap() -> tuple[Path, ...]:
    """End the servers whose run is dead, remove their directories, and return those."""
    return tuple(home for root in runtime_roots() for home in _homes(root) if _reap(home))


def remove(home: Path) -> None:
    """Remove a server's directory with all that is in it."""
    shutil.rmtree(home, ignore_errors=True)


def born(pid: int) -> str | None:
    """Return when a process started, in the kernel's own counting; None where there is no /proc."""
    try:
        text = Path(f"/proc/{pid}/stat").read_text(encoding="utf-8", errors="replace")
    except OSError:
        return None
    # The name in parentheses may hold anything; start time is field 22.
    return text.rpartition(")")[2].split()[19]


def _homes(root: Path) -> list[Path]:
    try:
        # Only a directory of our own is looked into: a path that someone else prepared would name their prey.
        if root.is_symlink() or root.stat().st_uid != os.geteuid():
            return []
        return sorted(path for path in root.iterdir() if path.name.startswith("r-") and not path.is_symlink())
    except OSError:
        return []


def _reap(home: Path) -> bool:
    try:
        descriptor = os.open(home / CLAIM, os.O_RDWR | os.O_CLOEXEC | os.O_NOFOLLOW)
    except OSError:
        return _reap_unclaimed(home)
    try:
        fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except OSError:
        return False
    else:
        postmaster = _postmaster(home)
        if postmaster:
            postmaster.end()
        remove(home)
        return True
    finally:
        os.close(descriptor)


def _reap_unclaimed(home: Path) -> bool:
    try:
        old = time.time() - home.stat().st_mtime > UNCLAIMED_AGE  # compared with a file's time, not told to anyone
    except OSError:
        return False
    if old:
        remove(home)
    return old


def _postmaster(home: Path) -> Postmaster | None:
    """Return the server of a directory: as we recorded it, else as its own file says."""
    data = home / "data"
    try:
        state = json.loads((home / STATE).read_text(encoding="utf-8"))
        return Postmaster(pid=int(state["pid"]), data=data, born=state["born"])
    except (OSError, ValueError, KeyError, TypeError):
        pass
    try:
        lines = (data / "postmaster.pid").read_text(encoding="utf-8", errors="replace").splitlines()
        return Postmaster(pid=int(lines[0]), data=data, born=None) if lines[1] == str(data) else None
    except (OSError, ValueError, IndexError):
        return None


def _command_line(pid: int) -> str | None:
    """Return a live process's command line; None when there is none, or only a zombie."""
    if pid <= 1:
        return None
    if Path("/proc/self").exists():
        try:
            return Path(f"/proc/{pid}/cmdline").read_bytes().decode("utf-8", "replace") or None
        except OSError:
            return None
    done = subprocess.run(  # noqa: S603
        ["/bin/ps", "-o", "command=", "-p", str(pid)], capture_output=True, text=True, check=False, env={}
    )
    return done.stdout.strip() or None
