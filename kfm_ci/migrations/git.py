"""Read-only access to a repository by the git program, which obeys no setting of the repository."""

from __future__ import annotations

import os
import re
import subprocess
from dataclasses import dataclass, field
from pathlib import Path

from kfm_ci.errors import CannotCheck
from kfm_ci.migrations import git_directory
from kfm_ci.migrations.git_directory import GitDirectory

_OBJECT_ID = re.compile(r"[0-9a-f]{40}|[0-9a-f]{64}", re.IGNORECASE)
_ABBREVIATED = re.compile(r"[0-9a-f]{4,63}", re.IGNORECASE)
_EXPRESSION = re.compile(r"(?P<name>[^\x00-\x20\x7f~^:?*\[\\]+)(?P<steps>(?:[~^][0-9]{0,6})*)")
_UNAMBIGUOUS = 7
"""Digits from which an abbreviated commit is not taken for a branch of the same name, nor the other way round."""
_OPTIONS = (
    "--no-replace-objects",
    "-c",
    "safe.bareRepository=explicit",
    "-c",
    "safe.directory=*",
    "-c",
    "core.fsmonitor=false",
    "-c",
    "core.hooksPath=/dev/null",
    "-c",
    "core.attributesFile=/dev/null",
    "-c",
    "core.untrackedCache=false",
)
_ENVIRONMENT = {
    "GIT_CONFIG_NOSYSTEM": "1",
    "GIT_CONFIG_GLOBAL": os.devnull,
    "GIT_ATTR_NOSYSTEM": "1",
    "GIT_NO_REPLACE_OBJECTS": "1",
    "GIT_GRAFT_FILE": os.devnull,
    "GIT_NO_LAZY_FETCH": "1",
    "GIT_ALLOW_PROTOCOL": "none",
    "GIT_OPTIONAL_LOCKS": "0",
    "GIT_TERMINAL_PROMPT": "0",
}


@dataclass(frozen=True, slots=True, kw_only=True)
class IndexEntry:
    """A file of the git index."""

    path: str
    """Relative to the listed directory."""
    omitted: bool
    """Whether a sparse checkout omits the file."""
    submodule: bool
    link: bool = False


@dataclass(slots=True)
class Repository:
    """A git repository."""

    root: Path
    """Root of the work tree."""
    _found: GitDirectory = field(init=False, repr=False)
    _settings: dict[str, str] = field(init=False, repr=False, default_factory=dict)

    def __post_init__(self) -> None:
        found = git_directory.find(self.root)
        if found is None:
            raise CannotCheck(
                code="KFM-C93",
                message="The directory is in no git repository.",
                where=str(self.root),
                help="Run the command inside a repository.",
            )
        self.root, self._found = found.top, found
        self._settings = self._read_settings()

    @classmethod
    def around(cls, directory: Path) -> Repository | None:
        """Return the repository whose root is ``directory`` or above it; or None.

        A git directory among the files of a repository is no repository of its own: it is what a change says.
        """
        directory = directory.resolve()
        return cls(directory) if git_directory.find(directory) is not None else None

    def resolve(self, ref: str) -> str | None:
        """Return the commit of an object id, a branch, a full ref name or ``HEAD``, also with ``~2`` or ``^``; or None.

        A full object id is never the name of a branch, a branch of the remote comes before a local one, and a tag
        needs its full name.
        """
        found = _EXPRESSION.fullmatch(ref)
        if found is None or ".." in ref or "@{" in ref or not _is_encodable(ref):
            return None
        object_id = self._object_id(found["name"])
        if object_id is None:
            return None
        answer = self._ask("rev-parse", "--verify", "--quiet", f"{object_id}{found['steps']}^{{commit}}")
        return answer.decode().strip() if answer else None

    def _object_id(self, name: str) -> str | None:
        if _OBJECT_ID.fullmatch(name):
            return name.lower()
        if name in {"HEAD", "@"}:
            return self._ref("HEAD")
        if name.startswith("refs/"):
            return self._ref(name)
        names = [f"refs/remotes/{name}"] if "/" in name else []
        names += [f"refs/remotes/origin/{name}", f"refs/heads/{name}"]
        branch = next((found for item in names if (found := self._ref(item)) is not None), None)
        if not _ABBREVIATED.fullmatch(name) or (branch is not None and len(name) < _UNAMBIGUOUS):
            return branch
        commits = {item for item in self._disambiguated(name) if self._is_commit(item)}
        commits |= {branch} if branch is not None else set()
        return commits.pop() if len(commits) == 1 else None

    def _ref(self, name: str) -> str | None:
        """Return what a ref of exactly that name points at."""
        answer = self._ask("show-ref", "--verify", "--hash", "--quiet", "--", name)
        if answer is None:
            return None
        return self._git("show-ref", "--verify", "--hash", "--", name).decode().strip()

    def _disambiguated(self, name: str) -> list[str]:
        return (self._ask("rev-parse", f"--disambiguate={name}") or b"").decode().split()

    def _is_commit(self, object_id: str) -> bool:
        return self._git("cat-file", "-t", object_id).strip() == b"commit"

    @property
    def head(self) -> str | None:
        """Checked-out commit; None before the first commit."""
        found = self.resolve("HEAD")
        if found is not None:
            return found
        branch = self._ask("symbolic-ref", "--quiet", "HEAD")
        if branch is None or os.path.lexists(self._found.common / os.fsdecode(branch.strip())):
            raise CannotCheck(
                code="KFM-C92",
                message="The checked-out commit cannot be read.",
                where=str(self.root),
                help="Run `git fsck`, or clone the repository again.",
            )
        return None

    @property
    def shallow(self) -> bool:
        """Whether the clone is shallow."""
        return self._found.shallow

    @property
    def clean(self) -> bool:
        """Whether the work tree equals the checked-out commit (untracked files count)."""
        return not self._git("status", "--porcelain", "--ignore-submodules").strip()

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
        first, second = self.resolve(one), self.resolve(other)
        if first is None or second is None:
            return None
        answer = self._ask("merge-base", first, second)
        return answer.decode().split()[0] if answer and answer.split() else None

    def tracked(self) -> tuple[str, ...]:
        """Return the paths of all tracked files."""
        answer = self._git("ls-files", "-z")
        return tuple(name.decode("utf-8", "surrogateescape") for name in answer.split(b"\0") if name)

    @staticmethod
    def index_entries(directory: Path) -> tuple[IndexEntry, ...]:
        """Return the entries of the index below a directory; none outside a repository."""
        repository = Repository.around(directory)
        if repository is None:
            return ()
        found: list[IndexEntry] = []
        for row in repository._git("ls-files", "-t", "-s", "-z", directory=directory).split(b"\0"):
            meta, _, name = row.partition(b"\t")
            if name:
                path = name.decode("utf-8", "surrogateescape")
                found.append(
                    IndexEntry(
                        path=path,
                        omitted=meta.startswith(b"S "),
                        submodule=b" 160000 " in meta,
                        link=b" 120000 " in meta,
                    )
                )
        return tuple(found)

    def files_of(self, commit: str) -> bytes:
        """Return git's list of the files of a commit: mode, kind, object id, tab, path, NUL."""
        return self._git("ls-tree", "-r", "-z", "--full-tree", commit)

    def contents(self, objects: list[tuple[str, str]]) -> dict[str, bytes]:
        """Return the contents of the files of a commit, each given by its path and object id."""
        asked = "".join(f"{object_id}\n" for _, object_id in objects).encode()
        answer = self._git("cat-file", "--batch", stdin=asked)
        found: dict[str, bytes] = {}
        position = 0
        for path, object_id in objects:
            end = answer.find(b"\n", position)
            header = answer[position:end].split()
            if end < 0 or len(header) != 3 or header[0] != object_id.encode():
                raise CannotCheck(
                    code="KFM-C11",
                    message="An object of the base commit is missing in the clone.",
                    where=path,
                    help="Set `fetch-depth: 0` for actions/checkout, without a partial clone filter.",
                )
            size = int(header[2])
            found[path] = answer[end + 1 : end + 1 + size]
            if len(found[path]) != size:
                raise _failure(("cat-file",), "a truncated answer")
            position = end + 1 + size + 1
        return found

    def _read_settings(self) -> dict[str, str]:
        """Return the settings that the files of the repository depend on, without those of included files."""
        answer = self._git("config", "--file", str(self._found.common / "config"), "--no-includes", "--null", "--list")
        pairs = (row.decode("utf-8", "replace").partition("\n") for row in answer.split(b"\0") if row)
        return {key: value.lower() for key, _, value in pairs if git_directory.SETTINGS.fullmatch(key)}

    def _git(self, *arguments: str, stdin: bytes | None = None, directory: Path | None = None) -> bytes:
        """Return git's output; raises CannotCheck if git fails."""
        answer = self._ask(*arguments, stdin=stdin, directory=directory)
        if answer is None:
            raise _failure(arguments, "exit code 1")
        return answer

    def _ask(self, *arguments: str, stdin: bytes | None = None, directory: Path | None = None) -> bytes | None:
        """Return git's output, None if git answers no by exit code 1; raises CannotCheck if git fails."""
        with git_directory.private(self._found, self._settings) as private:
            environment = {
                "PATH": os.defpath + ":/usr/local/bin:/opt/homebrew/bin",
                "LC_ALL": "C",
                "GIT_DIR": str(private),
                "GIT_WORK_TREE": str(self.root),
                "GIT_OBJECT_DIRECTORY": str(self._found.objects),
                **_ENVIRONMENT,
            }
            try:
                done = subprocess.run(
                    ["git", *_OPTIONS, *arguments],
                    cwd=directory or self.root,
                    env=environment,
                    input=stdin,
                    capture_output=True,
                    check=False,
                )
            except OSError as error:
                raise _failure(arguments, error.strerror or "an error") from error
        if done.returncode not in {0, 1}:
            last = done.stderr.decode("utf-8", "replace").strip().splitlines()[-1:]
            raise _failure(arguments, f"exit code {done.returncode}{f' ({last[0][:200]})' if last else ''}")
        return done.stdout if done.returncode == 0 else None


def _failure(arguments: tuple[str, ...], got: str) -> CannotCheck:
    return CannotCheck(
        code="KFM-C10",
        message=f"`git {arguments[0]}` failed.",
        expected="exit code 0",
        got=got,
        help="Install git, run `git fsck`, or clone the repository again.",
    )


def _is_encodable(name: str) -> bool:
    try:
        os.fsencode(name)
    except UnicodeEncodeError:
        return False
    return True
