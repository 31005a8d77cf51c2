"""The files of a commit as if one directory had another path."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

from kfm_ci.migrations.model import Tree


@dataclass(frozen=True, slots=True, kw_only=True)
class MovedTree:
    """Files of a tree in which the directory ``old`` has the path ``new``."""

    tree: Tree
    old: str
    new: str

    def paths(self, directory: str) -> Iterator[str]:
        """Yield the paths of all files and links below a directory, sorted."""
        yield from sorted(self._moved(path) for path in self.tree.paths(self._original(directory)))

    def read(self, path: str) -> bytes:
        """Return the raw bytes."""
        return self.tree.read(self._original(path))

    def exists(self, path: str) -> bool:
        """Whether there is a file of that path."""
        return self.tree.exists(self._original(path))

    def _original(self, path: str) -> str:
        return _replaced(path, self.new, self.old)

    def _moved(self, path: str) -> str:
        return _replaced(path, self.old, self.new)


def _replaced(path: str, old: str, new: str) -> str:
    if path == old:
        return new
    return f"{new}{path[len(old) :]}" if path.startswith(f"{old}/") else path
