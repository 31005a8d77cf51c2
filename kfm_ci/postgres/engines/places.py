"""Where a throwaway server lives: directories that are ours alone, and the user it runs as."""

from __future__ import annotations

import os
import pwd
import shutil
import stat
import tempfile
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import TypedDict

MEMORY = Path("/dev/shm")  # noqa: S108 - sticky, and what we make there is checked
DISKS = (Path("/var/tmp"), Path("/tmp"))  # noqa: S108 - the same
ROOM_IN_MEMORY = 512 * 1024 * 1024


class Privileges(TypedDict, total=False):
    """Arguments of ``subprocess`` that give up root."""

    user: int
    group: int
    extra_groups: list[int]


@dataclass(frozen=True, slots=True, kw_only=True)
class Account:
    """The user a server runs as."""

    uid: int
    gid: int
    name: str

    @property
    def foreign(self) -> bool:
        """Whether it is not ourselves."""
        return self.uid != os.geteuid()

    def privileges(self) -> Privileges:
        """Return the arguments for ``subprocess`` that make a child run as this user."""
        if not self.foreign:
            return {}
        return {"user": self.uid, "group": self.gid, "extra_groups": []}


def account() -> Account:
    """Return who runs servers: ourselves; for root, ``postgres`` or ``nobody``, for a server refuses root."""
    if os.geteuid() != 0:
        return Account(uid=os.geteuid(), gid=os.getegid(), name=str(os.geteuid()))
    for name in ("postgres", "nobody"):
        try:
            entry = pwd.getpwnam(name)
        except KeyError:
            continue
        if entry.pw_uid != 0:
            return Account(uid=entry.pw_uid, gid=entry.pw_gid, name=name)
    return Account(uid=65534, gid=65534, name="65534")


def ours(directory: Path, mode: int) -> bool:
    """Make a directory if need be, and say whether it is a real one, ours, and nobody else's to write."""
    try:
        directory.mkdir(mode=mode, parents=True, exist_ok=True)
        status = directory.lstat()
    except OSError:
        return False
    safe = stat.S_ISDIR(status.st_mode) and status.st_uid == os.geteuid() and not status.st_mode & 0o022
    if safe and stat.S_IMODE(status.st_mode) != mode:
        directory.chmod(mode)
    return safe


def runtime_roots() -> tuple[Path, ...]:
    """Return every directory in which servers of this user may live, in memory first."""
    return tuple(parent / f"kfm-ci-{os.geteuid()}" for parent in (MEMORY, *DISKS))


def new_home() -> Path:
    """Return a fresh directory for one server: in memory where there is room, else on disk.

    Others may pass through it (the server's user must) and not list it.
    """
    for root in runtime_roots():
        if root.parent == MEMORY and _room(MEMORY) < ROOM_IN_MEMORY:
            continue
        if root.parent.is_dir() and ours(root, 0o711):
            home = Path(tempfile.mkdtemp(prefix="r-", dir=root))
            home.chmod(0o711)
            return home
    home = Path(tempfile.mkdtemp(prefix=f"kfm-ci-{os.geteuid()}-"))
    home.chmod(0o711)
    return home


def cache(environment: Mapping[str, str]) -> Path | None:
    """Return a directory of ours that outlives the run; None when there is none to trust."""
    home = environment.get("HOME")
    wanted = environment.get("XDG_CACHE_HOME") or (f"{home}/.cache" if home else None)
    candidates = [Path(wanted) / "kfm-ci"] if wanted and wanted.startswith("/") else []
    candidates += [disk / f"kfm-ci-cache-{os.geteuid()}" for disk in DISKS if disk.is_dir()]
    return next((path for path in candidates if ours(path, 0o700)), None)


def _room(path: Path) -> int:
    try:
        return shutil.disk_usage(path).free
    except OSError:
        return 0
