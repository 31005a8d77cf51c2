"""Files that the settings name by globs."""

from __future__ import annotations

from pathlib import PurePosixPath


def matching(paths: tuple[str, ...], globs: tuple[str, ...]) -> tuple[str, ...]:
    """Return the paths that one of the globs names, sorted."""
    return tuple(sorted(path for path in paths if any(PurePosixPath(path).match(glob) for glob in globs)))
