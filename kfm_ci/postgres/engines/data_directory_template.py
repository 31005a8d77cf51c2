"""Templates that are built once and copied for each server: data directories and programs."""

from __future__ import annotations

import fcntl
import hashlib
import os
import pwd
import shutil
import subprocess
import sys
import tempfile
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

from kfm_ci.errors import CannotCheck
from kfm_ci.postgres.engines import server_processes
from kfm_ci.postgres.engines.base import ADMIN
from kfm_ci.postgres.engines.installations import Installation

READY = Path(sys.prefix) / "share" / "kfm-ci" / "clusters"
"""Prebuilt data directories for every user; the action's image contains them."""


def store(installation: Installation) -> None:
    """Store a data directory for this installation in READY. It contains no secret: passwords are set at each start."""
    template = READY / _name(installation)
    READY.mkdir(parents=True, exist_ok=True)
    _initialise(installation, server_processes.server_user(), template)
    for path in (template, *template.rglob("*")):
        path.chmod(0o755 if path.is_dir() else 0o644)


def data_directory(installation: Installation, user: pwd.struct_passwd | None, target: Path) -> None:
    """Create a data directory of the server's user at ``target``, from a template if there is a place for one."""
    name = _name(installation)
    template, cache = READY / name, _cache()
    if not template.is_dir():
        if cache is None:
            _initialise(installation, user, target)
            return
        template = _build_once(cache, name, lambda work: _initialise(installation, user, work))
    _copy(template, user, target)


def _name(installation: Installation) -> str:
    return f"{installation.major}-{_key(installation)}"


def _copy(template: Path, user: pwd.struct_passwd | None, target: Path) -> None:
    """Copy with ``cp``, which takes half the time of Python for a thousand small files."""
    target.mkdir(mode=0o700)
    change_owner(target, user)
    done = subprocess.run(
        ["/bin/cp", "-R", f"{template}/.", target],
        capture_output=True,
        text=True,
        errors="replace",
        check=False,
        env={},
        cwd="/",
        **server_processes.popen_identity(user),
    )
    if done.returncode:
        reason = (done.stderr.strip().splitlines() or ["no error message"])[0]
        raise OSError(None, reason.rpartition(": ")[2], str(target))


def runnable(installation: Installation, user: pwd.struct_passwd | None, home: Path) -> Installation:
    """Return the installation, or a copy of it if the server's user cannot run it in place."""
    if user is None or _runs(installation, user):
        return installation
    prefix = installation.bindir.parent
    package = prefix.parent
    libraries = package.with_name(f"{package.name}.libs")

    def copy(work: Path) -> None:
        shutil.copytree(prefix, work / package.name / prefix.name, symlinks=True)
        if libraries.is_dir():  # shared libraries of a wheel
            shutil.copytree(libraries, work / libraries.name, symlinks=True)
        for path in (work, *work.rglob("*")):
            if not path.is_symlink():
                path.chmod(path.stat().st_mode | (0o055 if path.is_dir() or os.access(path, os.X_OK) else 0o044))

    copied = _build_once(_cache() or home, f"programs-{_key(installation)}", copy)
    moved = replace(installation, bindir=copied / package.name / prefix.name / installation.bindir.name)
    if not _runs(moved, user):
        raise CannotCheck(
            code="KFM-C26",
            message=f"User `{user.pw_name}` cannot run the server's programs.",
            where=str(installation.bindir),
            help="Install PostgreSQL in a directory that every user can read, or run kfm-ci as a user other than root.",
        )
    return moved


def change_owner(path: Path, user: pwd.struct_passwd | None) -> None:
    """Change the owner of a directory and its files to the server's user."""
    if user is None:
        return
    for folder, folders, files in os.walk(path):
        for name in [*folders, *files, "."]:
            os.chown(Path(folder) / name, user.pw_uid, user.pw_gid, follow_symlinks=False)
    os.chmod(path, 0o700)


def _runs(installation: Installation, user: pwd.struct_passwd) -> bool:
    for program in ("postgres", "initdb"):
        try:
            done = subprocess.run(
                [installation.bindir / program, "--version"],
                capture_output=True,
                check=False,
                env={},
                cwd="/",
                **server_processes.popen_identity(user),
            )
        except OSError:
            return False
        if done.returncode:
            return False
    return True


def _cache() -> Path | None:
    """Return a directory that only this user can write to, or None."""
    try:
        cache = Path(tempfile.gettempdir()) / f"kfm-ci-cache-{os.getuid()}"
        cache.mkdir(mode=0o711, exist_ok=True)
        state, passable = cache.lstat(), server_processes.is_reachable(cache.parent)
    except OSError:
        return None
    ours = not cache.is_symlink() and state.st_uid == os.getuid() and not state.st_mode & 0o022
    return cache if ours and passable and os.access(cache, os.W_OK | os.X_OK) else None


def _key(installation: Installation) -> str:
    changed = (installation.bindir / "postgres").stat().st_mtime_ns
    return hashlib.sha256(f"{installation.bindir}{installation.version}{changed}".encode()).hexdigest()[:16]


def _build_once(cache: Path, name: str, make: Callable[[Path], None]) -> Path:
    """Return ``cache/name``, created atomically and by one process at a time."""
    final = cache / name
    with (cache / "making").open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        if not final.exists():
            work = Path(tempfile.mkdtemp(prefix="work-", dir=cache))
            work.chmod(0o711)
            try:
                make(work / "made")
                (work / "made").rename(final)
            finally:
                shutil.rmtree(work, ignore_errors=True)
    return final


def _initialise(installation: Installation, user: pwd.struct_passwd | None, target: Path) -> None:
    target.mkdir(mode=0o700)
    change_owner(target, user)
    locale = "--locale=C.UTF-8" if os.uname().sysname == "Linux" else "--locale=C"
    done = subprocess.run(
        [
            installation.bindir / "initdb",
            "-D",
            target,
            "-U",
            ADMIN,
            "-A",
            "trust",
            "-E",
            "UTF8",
            locale,
            "--no-sync",
            "-k",
        ],
        capture_output=True,
        text=True,
        errors="replace",
        check=False,
        env={},
        cwd="/",
        **server_processes.popen_identity(user),
    )
    if done.returncode:
        lines = [
            line for line in done.stderr.splitlines() if "error" in line.lower()
        ] or done.stderr.strip().splitlines()
        raise CannotCheck(
            code="KFM-C03",
            message=f"`initdb` failed: {(lines or ['no output'])[0]}.",
            where=str(installation.bindir),
            help="Free disk space, or reinstall PostgreSQL if its files are incomplete.",
        )
