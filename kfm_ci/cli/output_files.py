"""Files written to ``--out``, each atomically."""

from __future__ import annotations

import fcntl
import os
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from kfm_ci.errors import CannotCheck


def prepare(out: Path) -> None:
    """Create the directory before the first stage, so that a full disk is detected early."""
    try:
        out.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise CannotCheck(
            code="KFM-C30",
            message=f"The output cannot be written: {error.strerror}.",
            where=str(out),
            help="Choose another `--out`.",
        ) from error


@contextmanager
def locked(out: Path) -> Iterator[None]:
    """Hold the directory for one run; raises CannotCheck if another run writes to it.

    The lock is that of the open directory, so it ends with the process. File systems without locks are not protected.
    """
    try:
        descriptor = os.open(out, os.O_RDONLY | os.O_DIRECTORY)
    except OSError as error:
        raise CannotCheck(
            code="KFM-C30",
            message=f"The output cannot be written: {error.strerror}.",
            where=str(out),
            help="Choose another `--out`.",
        ) from error
    try:
        fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError as error:
        os.close(descriptor)
        raise CannotCheck(
            code="KFM-C29",
            message="Another run writes to the output directory.",
            where=str(out),
            help="Choose another `--out`, or run again after it has ended.",
        ) from error
    except OSError:
        pass
    try:
        yield
    finally:
        os.close(descriptor)


def replace(path: Path, data: bytes) -> None:
    """Replace a file atomically; raises CannotCheck when it cannot be written."""
    temporary = path.with_name(f".{path.name}.tmp")
    try:
        with temporary.open("wb") as file:
            file.write(data)
            file.flush()
            os.fsync(file.fileno())
        temporary.replace(path)
    except OSError as error:
        raise CannotCheck(
            code="KFM-C30",
            message=f"The output cannot be written: {error.strerror}.",
            where=str(path),
            help="Free disk space, or choose another `--out`.",
        ) from error
