"""The files of a directory of the file system."""

from __future__ import annotations

import errno
import os
import stat
from collections.abc import Iterable, Iterator
from pathlib import Path

from kfm_ci.errors import CannotCheck
from kfm_ci.migrations.model import Unreadable

SKIPPED = frozenset({".git", "node_modules", ".venv", "__pycache__", "kfm-ci-out"})
"""Directories of which only the tracked files count."""
MAX_FILE_BYTES = 64 * 1_048_576
MAX_LINKED_FILES = 50_000
"""Files that links to directories may show a second time."""


class WorkTree:
    """Files of a directory."""

    def __init__(self, root: Path, *, tracked: Iterable[str] = ()) -> None:
        """Set the root, which must exist, and the paths that git tracks below it."""
        self._root = root.resolve()
        self._inside = f"{self._root}{'' if self._root == Path('/') else '/'}"
        self._folders = {self._inside[:-1]: self._inside[:-1]}
        self._tracked = [path for path in tracked if SKIPPED.intersection(path.split("/")[:-1])]

    def paths(self, directory: str) -> Iterator[str]:
        """Yield the paths of all files and links below a directory, sorted.

        A link to a directory inside the repository is followed as tools follow it, but not below the root itself,
        where its files have another path. Of directories such as ``node_modules``, only tracked files count.
        """
        top = os.path.normpath(f"{self._inside}{directory}")
        real = os.path.realpath(top)
        if not f"{real}/".startswith(self._inside):
            return
        follow = directory not in {"", "."}
        found = set(self._below(top, (real,), [0], follow=follow))
        start = "" if directory in {"", "."} else f"{directory}/"
        found.update(
            path for path in self._tracked if path.startswith(start) and os.path.lexists(f"{self._inside}{path}")
        )
        yield from sorted(found)

    def _below(self, top: str, within: tuple[str, ...], count: list[int], *, follow: bool) -> Iterator[str]:
        for folder, folders, files in os.walk(top, followlinks=False, onerror=_fail if follow else None):
            folders[:] = sorted(name for name in folders if name not in SKIPPED)
            prefix = f"{folder}/".removeprefix(self._inside)
            # a file `.git` marks a submodule or a linked work tree
            yield from (f"{prefix}{name}" for name in files if name != ".git")
            for name in folders:
                link = f"{folder}/{name}"
                if not os.path.islink(link):
                    continue
                target = os.path.realpath(link)
                above = (*within, os.path.realpath(folder))
                is_above = any(f"{place}/".startswith(f"{target}/") for place in above)
                if not follow or is_above or not f"{target}/".startswith(self._inside):
                    yield f"{prefix}{name}"
                    continue
                for path in self._below(link, (*above, target), count, follow=True):
                    count[0] += 1
                    if count[0] > MAX_LINKED_FILES:
                        raise too_many_links(f"{prefix}{name}")
                    yield path

    def read(self, path: str) -> bytes:
        """Return the raw bytes; raises Unreadable for links out of the repository and for irregular files."""
        try:
            resolved = self._resolved(path)
            if not f"{resolved}/".startswith(self._inside):
                raise Unreadable("symbolic link that leaves the repository")
            # O_NONBLOCK: opening a named pipe would wait for its writer
            with open(os.open(resolved, os.O_RDONLY | os.O_NOFOLLOW | os.O_NONBLOCK), "rb") as file:
                about = os.fstat(file.fileno())
                if not stat.S_ISREG(about.st_mode):
                    raise Unreadable("not a regular file")
                if about.st_size > MAX_FILE_BYTES:
                    raise Unreadable(f"larger than {MAX_FILE_BYTES // 1_048_576} MiB")
                return file.read()
        except OSError as error:
            loop = error.errno == errno.ELOOP
            raise Unreadable("symbolic link that leads to itself" if loop else error.strerror or str(error)) from error

    def _resolved(self, path: str) -> str:
        """Return the real path; each directory is resolved once, because it may have hundreds of migrations."""
        folder, _, name = f"{self._inside}{path}".rpartition("/")
        if folder not in self._folders:
            above, _, last = folder.rpartition("/")
            if above not in self._folders:
                self._folders[above] = os.path.realpath(above, strict=True)
            self._folders[folder] = _followed(self._folders[above], last)
        return _followed(self._folders[folder], name)

    def is_taken(self, path: str) -> bool:
        """Whether there is anything of that path: also a directory, a pipe or a link that leads nowhere."""
        return os.path.lexists(f"{self._inside}{path}")

    def exists(self, path: str) -> bool:
        """Whether there is a file of that path inside the repository."""
        target = f"{self._inside}{path}"
        return os.path.isfile(target) and os.path.realpath(target).startswith(self._inside)


def too_many_links(path: str) -> CannotCheck:
    """Return the error for links that show the same files too many times."""
    return CannotCheck(
        code="KFM-C94",
        message="Symbolic links lead to too many files.",
        where=path,
        expected=f"at most {MAX_LINKED_FILES:,} files",
        help="Remove links to directories from the migrations directory.",
    )


def _fail(error: OSError) -> None:
    if isinstance(error, FileNotFoundError | NotADirectoryError):
        return
    raise CannotCheck(
        code="KFM-C95",
        message="A directory cannot be read.",
        where=str(error.filename),
        got=error.strerror,
        help="Make the directory readable.",
    ) from error


def _followed(folder: str, name: str) -> str:
    """Return the real path of a name in a resolved directory; raises OSError for a dangling link."""
    path = f"{folder}/{name}"
    plain = name not in {"", ".", ".."} and not stat.S_ISLNK(os.lstat(path).st_mode)
    return path if plain else os.path.realpath(path, strict=True)
