"""The git directory of a repository, and a private one for git whose configuration kfm-ci writes.

A repository's configuration can name programs (filters, fsmonitor, hooks, textconv), include files of the work tree and
replace objects. git therefore reads a directory that has the refs, the index and the objects, but none of the settings.
"""

from __future__ import annotations

import os
import re
import stat
import tempfile
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from kfm_ci.errors import CannotCheck

_SHARED = ("refs", "packed-refs", "reftable", "shallow")
SETTINGS = re.compile(
    r"core\.(?:autocrlf|eol|filemode|symlinks|ignorecase|precomposeunicode)|extensions\.(?:objectformat|refstorage)"
)
"""Settings of the repository that git needs in order to read it, and that start no program."""
_VALUE = re.compile(r"[A-Za-z0-9]{1,20}")


@dataclass(frozen=True, slots=True, kw_only=True)
class GitDirectory:
    """Where a repository has its files."""

    top: Path
    """Root of the work tree."""
    own: Path
    """Directory of HEAD and the index."""
    common: Path
    """Directory of the refs and the objects; another one than ``own`` in a linked work tree."""

    @property
    def objects(self) -> Path:
        """Return the directory of the objects."""
        return self.common / "objects"

    @property
    def shallow(self) -> bool:
        """Whether the clone is shallow."""
        return (self.common / "shallow").is_file()


def find(directory: Path) -> GitDirectory | None:
    """Return the git directory of the nearest directory with ``.git``; None if there is none.

    Other directories that look like a git directory are files of the repository. Raises CannotCheck if ``.git`` is
    not readable, belongs to another user, or is that of a submodule.
    """
    for top in (directory, *directory.parents):
        entry = top / ".git"
        try:
            is_file = stat.S_ISREG(os.stat(entry).st_mode)
        except (FileNotFoundError, NotADirectoryError):
            if entry.is_symlink():
                raise _unusable(entry, "a link to nothing") from None
            continue
        except OSError as error:
            raise _unusable(entry, error.strerror or "an error") from error
        found = _linked(top, entry) if is_file else GitDirectory(top=top, own=entry.resolve(), common=entry.resolve())
        _check(found)
        return found
    return None


def _linked(top: Path, entry: Path) -> GitDirectory:
    """Return the git directory of a linked work tree."""
    try:
        text = entry.read_text("utf-8", "surrogateescape").strip()
        own = (top / text.removeprefix("gitdir:").strip()).resolve()
        common = (own / (own / "commondir").read_text("utf-8", "surrogateescape").strip()).resolve()
    except (OSError, ValueError) as error:
        raise _unusable(entry, "a file that leads to no linked work tree") from error
    if not text.startswith("gitdir:") or own.parent != common / "worktrees":
        raise _unusable(entry, "a file that leads to no linked work tree")
    return GitDirectory(top=top, own=own, common=common)


def _check(found: GitDirectory) -> None:
    entry = found.top / ".git"
    for place in {found.own, found.common}:
        if place.is_relative_to(found.top) and not place.is_relative_to(found.top / ".git") and not entry.is_symlink():
            raise _unusable(entry, f"{place}, which is among the files of the repository")
    try:
        allowed = {os.geteuid(), 0, found.top.stat().st_uid}
        if {place.stat().st_uid for place in (found.own, found.common)} - allowed:
            raise _unusable(entry, "a directory of another user")
        complete = (found.own / "HEAD").is_file() and found.objects.is_dir() and (found.common / "refs").is_dir()
        borrowed = (found.objects / "info/alternates").read_bytes() if complete else b""
    except FileNotFoundError:
        return
    except OSError as error:
        raise _unusable(entry, error.strerror or "an error") from error
    if not complete:
        raise _unusable(entry, "no complete git directory")
    for line in borrowed.splitlines():
        other = (found.objects / os.fsdecode(line)).resolve()
        if other.is_relative_to(found.top) and not other.is_relative_to(found.common):
            raise _unusable(entry, "objects that are among the files of the repository")


def _unusable(entry: Path, got: str) -> CannotCheck:
    return CannotCheck(
        code="KFM-C91",
        message="git's directory cannot be used.",
        where=str(entry),
        expected="a git directory, or the file of a linked work tree",
        got=got,
        help="Run the command in a clone of its own, which your user can read.",
    )


@contextmanager
def private(found: GitDirectory, settings: Mapping[str, str]) -> Iterator[Path]:
    """Yield a git directory with the repository's HEAD, refs and index, and a configuration of ``settings`` alone."""
    with tempfile.TemporaryDirectory(prefix="kfm-git-") as name:
        directory = Path(name)
        (directory / "HEAD").write_bytes((found.own / "HEAD").read_bytes())
        (directory / "config").write_text(_config(settings))
        (directory / "info").mkdir()
        links = [(found.common / item, item) for item in _SHARED]
        links += [(found.common / "info/exclude", "info/exclude"), (found.own / "index", "index")]
        links += [(item, item.name) for item in found.own.glob("sharedindex.*")]
        for target, link in links:
            if target.exists():
                (directory / link).symlink_to(target)
        yield directory


def _config(settings: Mapping[str, str]) -> str:
    extensions = any(key.startswith("extensions.") for key in settings)
    lines = [f"[core]\nrepositoryformatversion = {int(extensions)}\nbare = false\n"]
    for key, value in settings.items():
        section, _, name = key.partition(".")
        if SETTINGS.fullmatch(key) and _VALUE.fullmatch(value):
            lines.append(f"[{section}]\n{name} = {value}\n")
    return "".join(lines)
