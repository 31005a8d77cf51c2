"""Detection of the migrations directory and its tool."""

from __future__ import annotations

import difflib
from dataclasses import dataclass

from kfm_ci.errors import UsageError
from kfm_ci.migrations.formats import ALL
from kfm_ci.migrations.formats.base import Format
from kfm_ci.migrations.layouts.up_down_pairs import relative
from kfm_ci.migrations.model import Tree

DEFAULT = "migrations/db"
SUFFIXES = (".sql", ".py", ".js", ".cjs", ".mjs", ".ts", ".rb", ".exs", ".xml", ".yaml", ".yml", ".json")
SURE = 80
"""Confidence from which a format has found a file of its tool, not only matching names."""
UNRELATED = frozenset({"example", "examples", "test", "tests", "testdata", "fixtures", "vendor", "docs"})
"""Directories whose migrations are not those of the repository."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Found:
    """A directory of migrations and its format."""

    directory: str
    format: Format


def by_name(name: str) -> Format:
    """Return the format of that name; raises UsageError with the nearest name."""
    for item in ALL:
        if item.name == name:
            return item
    names = [item.name for item in ALL]
    near = difflib.get_close_matches(name, names, n=1)
    raise UsageError(
        code="KFM-U30",
        message="The format is unknown.",
        where="--format",
        got=name,
        expected="one of " + ", ".join(names),
        help=f"Write `{near[0]}`." if near else "Omit it to have the format detected.",
    )


def sign(format: Format) -> str:
    """Return the files by which a format is recognised, from the docstring of its ``recognises``."""
    text = (type(format).recognises.__doc__ or "Whether its files are there.").split("\n")[0]
    return text.removeprefix("Whether ").rstrip(".").replace("``", "`")


def locate(tree: Tree, *, directory: str | None, format: str) -> Found:
    """Return the migrations directory and its format; raises UsageError if there is none or more than one."""
    wanted = None if format == "auto" else by_name(format)
    paths = tuple(tree.paths("."))
    if directory is not None:
        return _at(tree, paths, directory, wanted)
    if any(path.startswith(f"{DEFAULT}/") for path in paths):
        return _at(tree, paths, DEFAULT, wanted)
    candidates = _candidates(tree, paths, wanted)
    main = [found for found in candidates if not UNRELATED & set(found.directory.split("/"))]
    candidates = main or candidates
    if not candidates:
        raise UsageError(
            code="KFM-U31",
            message="The repository has no migrations.",
            expected=f"{DEFAULT}/ or one other directory of a known format",
            got="none",
            help='Write `[migrations] dir = "path/to/migrations"` in kfm-ci.toml.',
        )
    if len(candidates) > 1:
        names = " and ".join(f"{found.directory} ({found.format.name})" for found in candidates[:4])
        raise UsageError(
            code="KFM-U32",
            message=f"The repository has more than one directory of migrations: {names}.",
            expected="one",
            got=str(len(candidates)),
            help=f'Write `[migrations] dir = "{candidates[0].directory}"` in kfm-ci.toml.',
        )
    return candidates[0]


def others(tree: Tree, judged: str, added: frozenset[str]) -> list[tuple[Found, tuple[str, ...]]]:
    """Return the other directories of migrations to which a change adds files, with these files.

    ``judged`` is the directory that is checked. Directories of examples and tests do not count.
    """
    outside = {path for path in added if path.endswith(SUFFIXES) and not is_below(path, judged)}
    if not outside:
        return []
    found = []
    for item in _candidates(tree, tuple(tree.paths(".")), None, is_strict=False):
        files = tuple(sorted(path for path in outside if is_below(path, item.directory)))
        is_same = item.directory == judged or is_below(item.directory, judged)
        if files and not is_same and not UNRELATED & set(item.directory.split("/")):
            found.append((item, files))
    return found


def is_below(path: str, directory: str) -> bool:
    """Whether a path is below a directory."""
    return directory == "." or path.startswith(f"{directory}/")


def _at(tree: Tree, paths: tuple[str, ...], directory: str, wanted: Format | None) -> Found:
    # the directory may be a link, or hold links to directories
    inside = tuple(relative(path, directory) for path in (paths if directory == "." else tree.paths(directory)))
    if not inside:
        raise UsageError(
            code="KFM-U33",
            message="The migrations directory does not exist or is empty.",
            where=directory,
            help="Correct `[migrations] dir` in kfm-ci.toml, or create the first migration with `kfm-ci new`.",
        )
    if wanted is not None:
        return Found(directory=directory, format=wanted)
    fitting = [item for item in ALL if item.recognises(tree, directory, inside)]
    return Found(directory=directory, format=_best(directory, fitting) if fitting else ALL[0])


def _best(directory: str, fitting: list[Format]) -> Format:
    """Return the format with the highest confidence; raises UsageError if two have the same."""
    fitting = sorted(fitting, key=lambda item: -item.confidence)
    if len(fitting) > 1 and fitting[0].confidence == fitting[1].confidence:
        names = " and ".join(item.name for item in fitting if item.confidence == fitting[0].confidence)
        raise UsageError(
            code="KFM-U36",
            message=f"The files match more than one format: {names}.",
            where=directory,
            expected="one tool",
            got=names,
            help=f'Write `[migrations] format = "{fitting[0].name}"` in kfm-ci.toml.',
        )
    return fitting[0]


def _candidates(tree: Tree, paths: tuple[str, ...], wanted: Format | None, *, is_strict: bool = True) -> list[Found]:
    """Return the directories that a format recognises; ``is_strict``: raise UsageError if two fit equally well."""
    directories: dict[str, list[str]] = {}
    for path in paths:
        if not path.endswith(SUFFIXES):
            continue
        parts = path.split("/")[:-1]
        if any(part.startswith(".") for part in parts):
            continue
        for depth in {len(parts), max(0, len(parts) - 1)}:
            directory = "/".join(parts[:depth]) or "."
            directories.setdefault(directory, []).append(relative(path, directory))
    found: list[Found] = []
    for directory, names in sorted(directories.items()):
        fitting = [
            item for item in (ALL if wanted is None else (wanted,)) if item.recognises(tree, directory, tuple(names))
        ]
        if fitting:
            best = _best(directory, fitting) if is_strict else max(fitting, key=lambda item: item.confidence)
            found.append(Found(directory=directory, format=best))
    return [
        item
        for item in found
        if not any(
            _covers(tree, other, item, directories) or _explains_root(tree, other, item, directories) for other in found
        )
    ]


def _explains_root(tree: Tree, inner: Found, root: Found, names: dict[str, list[str]]) -> bool:
    """Whether the root is recognised only because of a directory of migrations directly below it."""
    if root.directory != "." or inner.directory == "." or inner.format is not root.format:
        return False
    own = tuple(name for name in names["."] if not name.startswith(f"{inner.directory}/"))
    return not root.format.recognises(tree, ".", own)


def _covers(tree: Tree, outer: Found, inner: Found, names: dict[str, list[str]]) -> bool:
    """Whether the files of a directory below belong to the same migrations, not to those of a second tool."""
    if not inner.directory.startswith(f"{outer.directory}/"):
        return False
    if inner.format is outer.format or inner.format.confidence < SURE:
        return True
    below = f"{relative(inner.directory, outer.directory)}/"
    own = tuple(name for name in names[outer.directory] if not name.startswith(below))
    return not outer.format.recognises(tree, outer.directory, own)
