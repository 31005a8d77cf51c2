"""A fresh data directory: initialised once per installation, unpacked from one archive ever after."""

from __future__ import annotations

import hashlib
import os
import stat
import subprocess
import tempfile
from collections.abc import Mapping
from pathlib import Path

from kfm_ci.errors import CannotCheck
from kfm_ci.postgres.engines.base import OWNER_ROLE
from kfm_ci.postgres.engines.binaries import Installation
from kfm_ci.postgres.engines.places import Account, cache

ADMIN_ROLE = "kfm_admin"
LAYOUT = 1
"""Raised whenever what is made below changes, so that older archives are not used."""
PATIENCE = 120
"""Seconds that any of the programs here may take."""
LOCALES = ("C.UTF-8", "C")
"""The second is for systems whose C library has no ``C.UTF-8``."""
TAR = ("/bin/tar", "/usr/bin/tar")

CREATE_OWNER = f"create role {OWNER_ROLE} login nosuperuser nocreatedb nocreaterole noreplication nobypassrls;\n"


def unpack(
    installation: Installation, data: Path, runs_as: Account, environment: Mapping[str, str], settings: Mapping[str, str]
) -> None:
    """Fill an empty directory of the server's user with a fresh cluster; raises CannotCheck ``KFM-C02``.

    The cluster has a superuser ``kfm_admin`` and a plain role ``kfm_owner``, both without a password.
    ``settings`` is what the programs need in their environment. The archive stands in a directory that only
    we can write, is checked to be ours, and is never rewritten in place; without such a directory, or
    without ``tar``, every start initialises anew.
    """
    tar = next((path for path in TAR if os.access(path, os.X_OK)), None)
    store = cache(environment) if tar else None
    archive = store / f"{_key(installation)}.tar" if store else None
    if tar and archive and _extract(tar, archive, data, runs_as):
        return
    _initialise(installation, data, runs_as, settings)
    if tar and archive:
        _keep(tar, data, archive)


def _key(installation: Installation) -> str:
    status = (installation.bindir / "postgres").stat()
    identity = f"{installation.bindir}\n{installation.version}\n{status.st_size}\n{status.st_mtime_ns}\n{LAYOUT}"
    return f"postgres-{installation.version}-{hashlib.sha256(identity.encode()).hexdigest()[:16]}"


def _extract(tar: str, archive: Path, data: Path, runs_as: Account) -> bool:
    """Unpack as the server's user from a descriptor of ours, for that user cannot reach the archive."""
    try:
        descriptor = os.open(archive, os.O_RDONLY | os.O_NOFOLLOW | os.O_CLOEXEC)
    except OSError:
        return False
    with os.fdopen(descriptor, "rb") as stream:
        status = os.fstat(descriptor)
        if not stat.S_ISREG(status.st_mode) or status.st_uid != os.geteuid() or status.st_mode & 0o022:
            return False
        argv = [tar, "-x", "-p", "-f", "-", "-C", str(data)]
        done = subprocess.run(  # noqa: S603
            argv, stdin=stream, capture_output=True, timeout=PATIENCE, check=False, cwd="/", env={},
            **runs_as.privileges(),
        )
    if done.returncode == 0 and (data / "global" / "pg_control").exists():
        return True
    # A damaged archive is no reason to fail: it is made again.
    archive.unlink(missing_ok=True)
    _clear(data)
    return False


def _initialise(installation: Installation, data: Path, runs_as: Account, settings: Mapping[str, str]) -> None:
    initdb = [
        str(installation.bindir / "initdb"), "-D", str(data), "-U", ADMIN_ROLE, "--auth=reject", "--encoding=UTF8",
        "--no-sync",
    ]
    for locale in LOCALES:
        said = _run([*initdb, f"--locale={locale}"], runs_as, settings)
        if said is None:
            break
        _clear(data)
    else:
        raise _failed(installation, "initdb", said)
    single = [str(installation.bindir / "postgres"), "--single", "-F", "-D", str(data), "postgres"]
    said = _run(single, runs_as, settings, feed=CREATE_OWNER)
    if said is not None:
        raise _failed(installation, "postgres --single", said)


def _keep(tar: str, data: Path, archive: Path) -> None:
    """Put a cluster that has not been started yet away for the next time; a full disk only costs speed."""
    descriptor, name = tempfile.mkstemp(prefix="new-", dir=archive.parent)
    with os.fdopen(descriptor, "wb") as stream:
        argv = [tar, "-c", "-f", "-", "-C", str(data), "."]
        done = subprocess.run(  # noqa: S603
            argv, stdout=stream, stderr=subprocess.DEVNULL, timeout=PATIENCE, check=False, cwd="/", env={}
        )
    if done.returncode == 0:
        os.replace(name, archive)
    else:
        os.unlink(name)


def _run(argv: list[str], runs_as: Account, settings: Mapping[str, str], feed: str = "") -> str | None:
    """Return None when a program succeeds, else what it said."""
    try:
        done = subprocess.run(  # noqa: S603
            argv, input=feed, capture_output=True, text=True, errors="replace", timeout=PATIENCE, check=False, cwd="/",
            env=dict(settings), umask=0o077, **runs_as.privileges(),
        )
    except (OSError, subprocess.TimeoutExpired) as error:
        return str(error)
    wrong = done.returncode != 0 or "ERROR:" in done.stderr or "FATAL:" in done.stderr
    return (done.stderr.strip() or done.stdout.strip()) if wrong else None


def _failed(installation: Installation, program: str, said: str | None) -> CannotCheck:
    lines = (said or "it said nothing").splitlines()
    return CannotCheck(
        code="KFM-C02", message=f"{program} failed: {lines[-1]}", where=str(installation),
        help="see that there is room on the disk and that the server's user may run the programs; kfm-ci doctor says more",
    )


def _clear(data: Path) -> None:
    for directory, names, files in os.walk(data, topdown=False):
        for name in files:
            os.unlink(os.path.join(directory, name))
        for name in names:
            path = os.path.join(directory, name)
            os.unlink(path) if os.path.islink(path) else os.rmdir(path)
