"""Files written to ``--out``, each atomically, into the directory that was checked.

A pull request may bring the directory along, and its commands may replace it during the run. So every file is opened
relative to one descriptor, under a name that is not known before, and never through a link.
"""

from __future__ import annotations

import fcntl
import os
import secrets
import stat
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import TextIO

from kfm_ci.errors import CannotCheck
from kfm_ci.migrations.git import Repository

_NEW = os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_NOFOLLOW | os.O_CLOEXEC
_DIRECTORY = os.O_RDONLY | os.O_DIRECTORY | os.O_CLOEXEC


class OutputDirectory:
    """The directory of one run, with the files that this run wrote."""

    def __init__(self, path: Path) -> None:
        """Name the directory; nothing is created before ``prepare``."""
        self.path = path
        self.files: dict[str, bytes] = {}
        """The contents by name: what is published is never read from the directory again."""
        self._created: list[str] = []
        self._descriptor = -1
        self._identity: tuple[int, int] | None = None

    def prepare(self) -> None:
        """Create the directory before the first stage, so that a full disk is detected early.

        Raises CannotCheck for a directory through which a pull request could choose what is written or uploaded.
        """
        _check_links_in_path(self.path)
        try:
            self.path.mkdir(parents=True, exist_ok=True)
            links = sorted(entry.name for entry in os.scandir(self.path) if entry.is_symlink())
        except OSError as error:
            raise _unwritable(self.path, error) from error
        if links:
            raise _unsafe("The output directory contains a link.", self.path / links[0])
        tracked = _tracked(self.path)
        if tracked is not None:
            raise _unsafe("The output directory contains a file that git tracks.", self.path / tracked)

    @contextmanager
    def locked(self) -> Iterator[OutputDirectory]:
        """Hold the directory for one run; raises CannotCheck if another run writes to it.

        The lock is that of the open directory, so it ends with the process. File systems without locks are not
        protected.
        """
        try:
            self._descriptor = os.open(self.path, _DIRECTORY)
        except OSError as error:
            raise _unwritable(self.path, error) from error
        try:
            self._lock()
            status = os.fstat(self._descriptor)
            self._identity = status.st_dev, status.st_ino
            yield self
        finally:
            os.close(self._descriptor)
            self._descriptor = -1

    def _lock(self) -> None:
        try:
            fcntl.flock(self._descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError as error:
            raise CannotCheck(
                code="KFM-C29",
                message="Another run writes to the output directory.",
                where=str(self.path),
                help="Choose another `--out`, or run again after it has ended.",
            ) from error
        except OSError:
            pass

    def create(self, name: str) -> TextIO:
        """Return a new file that is written during the run; an older one of the name is removed."""
        try:
            with suppress(FileNotFoundError):
                os.unlink(name, dir_fd=self._descriptor)
            file = os.open(name, _NEW, 0o666, dir_fd=self._descriptor)
        except OSError as error:
            raise _unwritable(self.path / name, error) from error
        self._created.append(name)
        return os.fdopen(file, "w", encoding="utf-8")

    def replace(self, name: str, data: bytes) -> None:
        """Replace a file atomically; raises CannotCheck when it cannot be written."""
        temporary = f".{name}.{secrets.token_hex(8)}.tmp"
        try:
            try:
                with os.fdopen(os.open(temporary, _NEW, 0o666, dir_fd=self._descriptor), "wb") as file:
                    file.write(data)
                    file.flush()
                    os.fsync(file.fileno())
                os.replace(temporary, name, src_dir_fd=self._descriptor, dst_dir_fd=self._descriptor)
            except OSError:
                with suppress(OSError):
                    os.unlink(temporary, dir_fd=self._descriptor)
                raise
        except OSError as error:
            raise _unwritable(self.path / name, error) from error
        self.files[name] = data

    def change_owner(self, user: int, group: int) -> None:
        """Change the owner of the directory and of the files of this run; what stands in their place keeps its own."""
        if self._identity is None:
            return
        with suppress(OSError):
            directory = os.open(self.path, _DIRECTORY | os.O_NOFOLLOW)
            try:
                status = os.fstat(directory)
                if (status.st_dev, status.st_ino) == self._identity:
                    os.fchown(directory, user, group)
                    for name in (*self._created, *self.files):
                        _change_owner(directory, name, user, group)
            finally:
                os.close(directory)


def _change_owner(directory: int, name: str, user: int, group: int) -> None:
    with suppress(OSError):
        file = os.open(name, os.O_RDONLY | os.O_NOFOLLOW | os.O_NONBLOCK | os.O_CLOEXEC, dir_fd=directory)
        try:
            status = os.fstat(file)
            if stat.S_ISREG(status.st_mode) and status.st_nlink == 1:
                os.fchown(file, user, group)
        finally:
            os.close(file)


def _check_links_in_path(path: Path) -> None:
    """Raise CannotCheck for a link on the way to the directory that lies in a repository; others are the user's own."""
    absolute = path.absolute()
    for part in (absolute, *absolute.parents):
        if part.is_symlink() and _is_in_repository(part.parent.resolve()):
            raise _unsafe("The path of the output directory contains a link.", part)


def _is_in_repository(directory: Path) -> bool:
    return any((each / ".git").exists() for each in (directory, *directory.parents))


def _tracked(directory: Path) -> str | None:
    """Return a tracked file below the directory; None if there is none, or the directory is in no repository."""
    if not _is_in_repository(directory.resolve()):
        return None
    # a repository that git cannot read fails the run itself, with its files written
    with suppress(CannotCheck):
        return next((entry.path for entry in Repository.index_entries(directory.resolve())), None)
    return None


def _unsafe(message: str, where: Path) -> CannotCheck:
    return CannotCheck(
        code="KFM-C35",
        message=message,
        where=str(where),
        help="Remove it from the repository, or choose another `--out`.",
    )


def _unwritable(path: Path, error: OSError) -> CannotCheck:
    return CannotCheck(
        code="KFM-C30",
        message=f"The output cannot be written: {error.strerror}.",
        where=str(path),
        help="Free disk space, or choose another `--out`.",
    )
