"""Processes of servers, identified by their data directory, never by a process id alone."""

from __future__ import annotations

import contextlib
import os
import pwd
import signal
import subprocess
import time
from pathlib import Path
from typing import Any

from kfm_ci.errors import CannotCheck

PATIENCE = 5.0
"""Seconds until a server that does not stop is killed."""


def server_user() -> pwd.struct_passwd | None:
    """Return the user that servers run as, because PostgreSQL does not run as root; None: the current user."""
    if os.getuid() != 0:
        return None
    for name in ("postgres", "nobody"):
        with contextlib.suppress(KeyError):
            return pwd.getpwnam(name)
    raise CannotCheck(
        code="KFM-C02",
        message="PostgreSQL does not run as root, and there is no user `postgres` or `nobody` to run it as.",
        help="Run kfm-ci as another user, or create one of the two users.",
    )


def popen_identity(user: pwd.struct_passwd | None) -> dict[str, Any]:
    """Return the arguments of Popen that start a program as that user without supplementary groups."""
    return {"user": user.pw_uid, "group": user.pw_gid, "extra_groups": []} if user else {}


def is_reachable(place: Path) -> bool:
    """Whether the server's user can reach a directory; True unless kfm-ci runs as root."""
    above = (place, *place.parents)
    return os.getuid() != 0 or all(folder.stat().st_mode & 0o001 for folder in above)


def stop(home: Path) -> None:
    """Stop the server whose data directory is in ``home``, by SIGQUIT and after ``PATIENCE`` by SIGKILL."""
    pid = _postmaster(home)
    if pid is None:
        return
    with contextlib.suppress(ProcessLookupError):
        os.kill(pid, signal.SIGQUIT)
        deadline = time.monotonic() + PATIENCE
        while _postmaster(home) == pid and _serves(pid, home):
            if time.monotonic() > deadline:
                os.kill(pid, signal.SIGKILL)
                return
            time.sleep(0.02)


def _postmaster(home: Path) -> int | None:
    with contextlib.suppress(OSError, ValueError, IndexError):
        pid = int((home / "data" / "postmaster.pid").read_text(errors="replace").splitlines()[0])
        return pid if pid > 1 and _serves(pid, home) else None
    return None


def _serves(pid: int, home: Path) -> bool:
    """Whether a process runs and was started with this data directory, whose name is unique."""
    try:
        command = Path(f"/proc/{pid}/cmdline").read_bytes().split(b"\0")
    except FileNotFoundError:
        if Path("/proc/self").exists():
            return False
        asked = subprocess.run(["ps", "-o", "command=", "-p", str(pid)], capture_output=True, check=False)
        command = asked.stdout.split()
    except OSError:
        return False
    return os.fsencode(home / "data") in command
