"""Read-only access to the files of the work tree and of a commit."""

from __future__ import annotations

import errno
import os
import stat
import subprocess
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path

from kfm_ci.errors import CannotCheck
from kfm_ci.migrations.model import Unreadable

SKIPPED = frozenset({".git", "node_modules", ".venv", "__pycache__", "kfm-ci-out"})
MAX_FILE_BYTES = 64 * 1_048_576


class WorkTree:
    """Files of a directory."""

    def __init__(self, root: Path) -> None:
        """Set the root, which must exist."""
        self._root = root.resolve()
        self._inside = f"{self._root}{'' if self._root == Path('/') else '/'}"
        self._folders = {self._inside[:-1]: self._inside[:-1]}

    def paths(self, directory: str) -> Iterator[str]:
        """Yield the paths of all files and links below a directory, sorted, except in directories such as ``.git``."""
        found: list[str] = []
        for folder, folders, files in os.walk(self._root / directory, followlinks=False):
            folders[:] = sorted(name for name in folders if name not in SKIPPED)
            links = [name for name in folders if os.path.islink(f"{folder}/{name}")]
            prefix = f"{folder}/".removeprefix(self._inside)
            # a file `.git` marks a submodule or a linked work tree
            found.extend(f"{prefix}{name}" for name in [*files, *links] if name != ".git")
        yield from sorted(found)

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

    def exists(self, path: str) -> bool:
        """Whether there is a file of that path inside the repository."""
        target = f"{self._inside}{path}"
        return os.path.isfile(target) and os.path.realpath(target).startswith(self._inside)


def _followed(folder: str, name: str) -> str:
    """Return the real path of a name in a resolved directory; raises OSError for a dangling link."""
    path = f"{folder}/{name}"
    plain = name not in {"", ".", ".."} and not stat.S_ISLNK(os.lstat(path).st_mode)
    return path if plain else os.path.realpath(path, strict=True)


@dataclass(frozen=True, slots=True, kw_only=True)
class IndexEntry:
    """A file of the git index."""

    path: str
    """Relative to the listed directory."""
    omitted: bool
    """Whether a sparse checkout omits the file."""
    submodule: bool


@dataclass(slots=True)
class Repository:
    """A git repository, read by the git program in a clean environment."""

    root: Path

    @classmethod
    def around(cls, directory: Path) -> Repository | None:
        """Return the repository whose root is ``directory`` or above it; or None."""
        answer = _git(directory, "rev-parse", "--show-toplevel")
        return cls(Path(answer.decode().strip())) if answer is not None else None

    def resolve(self, ref: str) -> str | None:
        """Return the commit a ref names, or None."""
        answer = _git(self.root, "rev-parse", "--verify", "--quiet", "--end-of-options", f"{ref}^{{commit}}")
        return answer.decode().strip() if answer else None

    @property
    def head(self) -> str | None:
        """Checked-out commit; None before the first commit."""
        return self.resolve("HEAD")

    @property
    def shallow(self) -> bool:
        """Whether the clone is shallow."""
        return (_git(self.root, "rev-parse", "--is-shallow-repository") or b"").strip() == b"true"

    @property
    def clean(self) -> bool:
        """Whether the work tree equals the checked-out commit (untracked files count)."""
        return not (_git(self.root, "status", "--porcelain", "--ignore-submodules") or b"").strip()

    def default_branch(self) -> str | None:
        """Return the ref of the default branch, or None."""
        for ref in (
            "refs/remotes/origin/HEAD",
            "refs/remotes/origin/main",
            "refs/remotes/origin/master",
            "refs/heads/main",
            "refs/heads/master",
        ):
            if self.resolve(ref):
                return ref
        return None

    def merge_base(self, one: str, other: str) -> str | None:
        """Return the newest common ancestor, or None."""
        answer = _git(self.root, "merge-base", one, other)
        return answer.decode().split()[0] if answer and answer.split() else None

    def tracked(self) -> tuple[str, ...]:
        """Return the paths of all tracked files."""
        answer = _git(self.root, "ls-files", "-z") or b""
        return tuple(name.decode("utf-8", "surrogateescape") for name in answer.split(b"\0") if name)

    @staticmethod
    def index_entries(directory: Path) -> tuple[IndexEntry, ...]:
        """Return the entries of the index below a directory; none outside a repository."""
        rows = (_git(directory, "ls-files", "-t", "-s", "-z") or b"").split(b"\0")
        found: list[IndexEntry] = []
        for row in rows:
            meta, _, name = row.partition(b"\t")
            if name:
                path = name.decode("utf-8", "surrogateescape")
                found.append(IndexEntry(path=path, omitted=meta.startswith(b"S "), submodule=b" 160000 " in meta))
        return tuple(found)


@dataclass(slots=True)
class CommitTree:
    """Files of a commit below one directory of the repository."""

    repository: Repository
    commit: str
    prefix: str = ""
    """Directory inside the repository that paths are relative to; empty for its root."""
    _entries: dict[str, tuple[str, str]] = field(default_factory=dict)
    _contents: dict[str, bytes] = field(default_factory=dict)

    def __post_init__(self) -> None:
        answer = _git(self.repository.root, "ls-tree", "-r", "-z", "--full-tree", self.commit) or b""
        start = f"{self.prefix}/" if self.prefix else ""
        for row in answer.split(b"\0"):
            if not row:
                continue
            meta, _, name = row.partition(b"\t")
            mode, _kind, object_id = meta.decode().split()
            path = name.decode("utf-8", "surrogateescape")
            if path.startswith(start):
                self._entries[path[len(start) :]] = (mode, object_id)

    def paths(self, directory: str) -> Iterator[str]:
        """Yield the paths of all files and links below a directory, sorted."""
        start = "" if directory in {"", "."} else f"{directory}/"
        yield from sorted(path for path in self._entries if path.startswith(start))

    def read(self, path: str) -> bytes:
        """Return the raw bytes; raises Unreadable for links, submodules and missing files."""
        if path not in self._entries:
            raise Unreadable("not in the commit")
        mode, _ = self._entries[path]
        if mode in {"120000", "160000"}:
            raise Unreadable("symbolic link or submodule")
        if path not in self._contents:
            self._load(path)
        return self._contents[path]

    def exists(self, path: str) -> bool:
        """Whether the commit has a file of that path."""
        return path in self._entries

    def _load(self, path: str) -> None:
        """Read all files of a directory with one process of git."""
        folder = path.rpartition("/")[0]
        wanted = [
            (name, oid)
            for name, (mode, oid) in self._entries.items()
            if name.rpartition("/")[0] == folder and mode.startswith("100") and name not in self._contents
        ]
        wanted = wanted if len(wanted) < 20_000 else [(path, self._entries[path][1])]
        asked = "".join(f"{oid}\n" for _, oid in wanted).encode()
        answer = _git(self.repository.root, "cat-file", "--batch", stdin=asked)
        if answer is None:
            raise CannotCheck(
                code="KFM-C10",
                message="git cannot read the files of the base commit.",
                where=self.commit,
                help="Check the clone with `git fsck`, or clone again.",
            )
        position = 0
        for name, _oid in wanted:
            end = answer.index(b"\n", position)
            header = answer[position:end].split()
            if len(header) != 3:
                raise CannotCheck(
                    code="KFM-C11",
                    message="An object of the base commit is missing in the clone.",
                    where=name,
                    help="Set `fetch-depth: 0` for actions/checkout, without a partial clone filter.",
                )
            size = int(header[2])
            self._contents[name] = answer[end + 1 : end + 1 + size]
            position = end + 1 + size + 1


def _git(directory: Path, *arguments: str, stdin: bytes | None = None) -> bytes | None:
    """Return git's output, or None if it fails; no program named in the repository's configuration is run."""
    environment = {
        "PATH": os.defpath + ":/usr/local/bin:/opt/homebrew/bin",
        "GIT_CONFIG_NOSYSTEM": "1",
        "GIT_CONFIG_GLOBAL": os.devnull,
        "GIT_OPTIONAL_LOCKS": "0",
        "GIT_TERMINAL_PROMPT": "0",
        "LC_ALL": "C",
    }
    command = [
        "git",
        "-c",
        "safe.directory=*",
        "-c",
        "core.fsmonitor=false",
        "-c",
        "core.hooksPath=/dev/null",
        *arguments,
    ]
    try:
        done = subprocess.run(command, cwd=directory, env=environment, input=stdin, capture_output=True, check=False)
    except FileNotFoundError:
        return None
    return done.stdout if done.returncode == 0 else None
