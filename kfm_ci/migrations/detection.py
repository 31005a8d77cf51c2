"""Detection: which directory holds migrations, and for which tool."""

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
"""A format of so much confidence saw a sign of its tool, not only names that fit."""
ASIDE = frozenset({"example", "examples", "test", "tests", "testdata", "fixtures", "vendor", "docs"})
"""Directories that hold migrations of something else."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Found:
    """A directory of migrations and its format."""

    directory: str
    format: Format


def by_name(name: str) -> Format:
    """Return the format of that name; raises UsageError with the nearest one."""
    for item in ALL:
        if item.name == name:
            return item
    names = [item.name for item in ALL]
    near = difflib.get_close_matches(name, names, n=1)
    raise UsageError(
        code="KFM-U30", message="unknown format", where="--format", got=name, expected="one of " + ", ".join(names),
        help=f"did you mean {near[0]!r}?" if near else "leave it out to detect it",
    )  # fmt: skip


def sign(format: Format) -> str:
    """Return by what a format is recognised, in the words of its own promise."""
    told = (type(format).recognises.__doc__ or "Whether its files are there.").split("\n")[0]
    return told.removeprefix("Whether ").rstrip(".").replace("``", "`")


def locate(tree: Tree, *, directory: str | None, format: str) -> Found:
    """Return where the migrations are; raises UsageError when that is unclear or they are not there."""
    wanted = None if format == "auto" else by_name(format)
    paths = tuple(tree.paths("."))
    if directory is not None:
        return _at(tree, paths, directory, wanted)
    if any(path.startswith(f"{DEFAULT}/") for path in paths):
        return _at(tree, paths, DEFAULT, wanted)
    candidates = _candidates(tree, paths, wanted)
    main = [found for found in candidates if not ASIDE & set(found.directory.split("/"))]
    candidates = main or candidates
    if not candidates:
        raise UsageError(
            code="KFM-U31", message="no migrations found", expected=f"{DEFAULT}/, or one directory that a format recognises",
            got="none", help='name it in kfm-ci.toml: [migrations] dir = "path/to/migrations"',
        )  # fmt: skip
    if len(candidates) > 1:
        names = " and ".join(f"{found.directory} ({found.format.name})" for found in candidates[:4])
        raise UsageError(
            code="KFM-U32", message=f"more than one directory of migrations: {names}", expected="one",
            got=str(len(candidates)), help=f'choose in kfm-ci.toml: [migrations] dir = "{candidates[0].directory}"',
        )  # fmt: skip
    return candidates[0]


def _at(tree: Tree, paths: tuple[str, ...], directory: str, wanted: Format | None) -> Found:
    inside = tuple(relative(path, directory) for path in paths if directory == "." or path.startswith(f"{directory}/"))
    if not inside:
        raise UsageError(
            code="KFM-U33", message="the directory of migrations does not exist or is empty", where=directory,
            help="mend [migrations] dir, or add the first migration with `kfm-ci new`",
        )  # fmt: skip
    if wanted is not None:
        return Found(directory=directory, format=wanted)
    fitting = [item for item in ALL if item.recognises(tree, directory, inside)]
    return Found(directory=directory, format=_best(directory, fitting) if fitting else ALL[0])


def _best(directory: str, fitting: list[Format]) -> Format:
    """Return the surest of the formats that recognise a directory; raises UsageError when two are equally sure."""
    fitting = sorted(fitting, key=lambda item: -item.confidence)
    if len(fitting) > 1 and fitting[0].confidence == fitting[1].confidence:
        names = " and ".join(item.name for item in fitting if item.confidence == fitting[0].confidence)
        raise UsageError(
            code="KFM-U36", message=f"the files could be those of {names}", where=directory, expected="one tool",
            got=names, help=f'say which in kfm-ci.toml: [migrations] format = "{fitting[0].name}"',
        )  # fmt: skip
    return fitting[0]


def _candidates(tree: Tree, paths: tuple[str, ...], wanted: Format | None) -> list[Found]:
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
            found.append(Found(directory=directory, format=_best(directory, fitting)))
    return [
        item for item in found
        if not any(_covers(tree, other, item, directories) or _holds_up(tree, other, item, directories) for other in found)
    ]  # fmt: skip


def _holds_up(tree: Tree, inner: Found, root: Found, names: dict[str, list[str]]) -> bool:
    """Whether the root is seen as a directory of migrations only for one right below it."""
    if root.directory != "." or inner.directory == "." or inner.format is not root.format:
        return False
    own = tuple(name for name in names["."] if not name.startswith(f"{inner.directory}/"))
    return not root.format.recognises(tree, ".", own)


def _covers(tree: Tree, outer: Found, inner: Found, names: dict[str, list[str]]) -> bool:
    """Whether what lies in a directory below is of the same migrations, and not those of a second tool that is sure of them."""
    if not inner.directory.startswith(f"{outer.directory}/"):
        return False
    if inner.format is outer.format or inner.format.confidence < SURE:
        return True
    below = f"{relative(inner.directory, outer.directory)}/"
    own = tuple(name for name in names[outer.directory] if not name.startswith(below))
    return not outer.format.recognises(tree, outer.directory, own)
