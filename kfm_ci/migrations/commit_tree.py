"""The files of a commit, read from git's objects."""

from __future__ import annotations

import posixpath
from collections.abc import Iterator
from dataclasses import dataclass, field

from kfm_ci.migrations.git import Repository
from kfm_ci.migrations.model import Unreadable
from kfm_ci.migrations.work_tree import MAX_FILE_BYTES, MAX_LINKED_FILES, too_many_links

_LINK, _SUBMODULE = "120000", "160000"
_MAX_STEPS = 40
"""Links that one path may lead through, as on Linux."""
_BATCH = 20_000
"""Files that one process of git reads at most."""


@dataclass(slots=True)
class CommitTree:
    """Files of a commit below one directory of the repository."""

    repository: Repository
    commit: str
    prefix: str = ""
    """Directory inside the repository that paths are relative to; empty for its root."""
    _entries: dict[str, tuple[str, str]] = field(default_factory=dict)
    _folders: dict[str, list[str]] = field(default_factory=dict)
    """Names in each directory."""
    _contents: dict[str, bytes] = field(default_factory=dict)

    def __post_init__(self) -> None:
        start = f"{self.prefix}/" if self.prefix else ""
        for row in self.repository.files_of(self.commit).split(b"\0"):
            if not row:
                continue
            meta, _, name = row.partition(b"\t")
            mode, _kind, object_id = meta.decode().split()
            path = name.decode("utf-8", "surrogateescape")
            if path.startswith(start):
                self._add(path[len(start) :], mode, object_id)

    def _add(self, path: str, mode: str, object_id: str) -> None:
        self._entries[path] = (mode, object_id)
        while path:
            folder, _, name = path.rpartition("/")
            is_known = folder in self._folders
            self._folders.setdefault(folder, []).append(name)
            if is_known:
                return
            path = folder

    def paths(self, directory: str) -> Iterator[str]:
        """Yield the paths of all files and links below a directory, sorted; see ``WorkTree.paths``."""
        if directory in {"", "."}:
            yield from sorted(self._entries)
            return
        try:
            folder = self._resolved(directory)
        except Unreadable:
            return
        yield from sorted(self._below(directory, folder, (folder,), [0]))

    def _below(self, shown: str, folder: str, within: tuple[str, ...], count: list[int]) -> Iterator[str]:
        for name in self._folders.get(folder, ()):
            path, real = f"{shown}/{name}", f"{folder}/{name}" if folder else name
            if real not in self._entries:
                yield from self._below(path, real, (*within, real), count)
                continue
            target = self._directory(real) if self._entries[real][0] == _LINK else None
            if target is None or target in within:
                yield path
                continue
            for found in self._below(path, target, (*within, target), count):
                count[0] += 1
                if count[0] > MAX_LINKED_FILES:
                    raise too_many_links(shown)
                yield found

    def _directory(self, path: str) -> str | None:
        """Return the directory that a link leads to; None for other links."""
        try:
            target = self._resolved(path)
        except Unreadable:
            return None
        return target if target in self._folders else None

    def _resolved(self, path: str) -> str:
        """Return the path without links; raises Unreadable for links to nowhere, in circles, or out of the tree."""
        done, rest, steps = "", [item for item in path.split("/") if item not in {"", "."}], 0
        while rest:
            name = rest.pop(0)
            if name in {"", "."}:
                continue
            if name == "..":
                if not done:
                    raise Unreadable("symbolic link that leaves the repository")
                done = done.rpartition("/")[0]
                continue
            place = f"{done}/{name}" if done else name
            mode = self._entries.get(place, ("", ""))[0]
            if mode != _LINK:
                done = place
                continue
            steps += 1
            if steps > _MAX_STEPS:
                raise Unreadable("symbolic link that leads to itself")
            target = self._content(place).decode("utf-8", "surrogateescape")
            if posixpath.isabs(target):
                raise Unreadable("symbolic link that leaves the repository")
            rest = [*target.split("/"), *rest]
        return done

    def read(self, path: str) -> bytes:
        """Return the raw bytes; raises Unreadable for links out of the tree, submodules and missing files."""
        real = path if self._entries.get(path, (_LINK, ""))[0] != _LINK else self._resolved(path)
        if real not in self._entries:
            raise Unreadable("not in the commit")
        if self._entries[real][0] == _SUBMODULE:
            raise Unreadable("submodule")
        content = self._content(real)
        if len(content) > MAX_FILE_BYTES:
            raise Unreadable(f"larger than {MAX_FILE_BYTES // 1_048_576} MiB")
        return content

    def exists(self, path: str) -> bool:
        """Whether the commit has a file of that path, also through links."""
        try:
            return self._resolved(path) in self._entries
        except Unreadable:
            return False

    def _content(self, path: str) -> bytes:
        """Return a file's bytes; one process of git reads all files of its directory."""
        if path not in self._contents:
            folder = path.rpartition("/")[0]
            wanted = [
                (item, self._entries[item][1])
                for name in self._folders[folder]
                if (item := f"{folder}/{name}" if folder else name) in self._entries
                and self._entries[item][0] != _SUBMODULE
                and item not in self._contents
            ]
            wanted = wanted if len(wanted) < _BATCH else [(path, self._entries[path][1])]
            self._contents |= self.repository.contents(wanted)
        return self._contents[path]
