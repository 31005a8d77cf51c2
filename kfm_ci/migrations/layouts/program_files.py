"""Migrations that are programs, one a file, in the order of their names."""

from __future__ import annotations

import re
from collections.abc import Iterable

from kfm_ci.migrations import source_files
from kfm_ci.migrations.layouts import program_metadata
from kfm_ci.migrations.layouts.up_down_pairs import relative
from kfm_ci.migrations.model import Command, History, Migration, Tree, Unreadable
from kfm_ci.model import Finding

TESTS = re.compile(r"(?:^|/)__(?:tests|snapshots)__/|\.(?:test|spec)\.[cm]?[jt]sx?$")
"""Tests of programs, which no deployment runs."""


def load(tree: Tree, directory: str, *, format: str, name: re.Pattern[str], outside: str) -> History:
    """Read the files whose names fit, without running them, in the order of their versions.

    ``name`` has the group ``name``, and ``version`` for tools that know a migration by a number; else the whole name is it.
    ``outside``: see ``Migration.outside``.
    """
    findings: list[Finding] = []
    migrations = []
    for path in tree.paths(directory):
        base = relative(path, directory)
        found = name.match(base)
        if found is None or base.endswith(".d.ts"):
            continue
        file = source_files.read(tree, path, findings)
        if file is not None:
            version = found.groupdict().get("version")
            id = base.rpartition(".")[0] if version else base
            migrations.append(Migration(id=id, version=version or base, sort_key=(int(version or 0), base), name=found["name"],
                                        header=program_metadata.parse(file.text, id=id), up=Command(file=file, argv=(), directory=".")))  # fmt: skip
    migrations.sort(key=lambda item: item.sort_key)
    return History(
        format=format, directory=directory, migrations=tuple(migrations), findings=tuple(findings), outside=outside
    )


def home(tree: Tree, directory: str, names: Iterable[str]) -> str | None:
    """Return the nearest directory at or above one that holds one of the files; None when there is none."""
    parts = [] if directory in {"", "."} else directory.split("/")
    for count in range(len(parts), -1, -1):
        for name in names:
            if tree.exists("/".join([*parts[:count], name])):
                return "/".join(parts[:count]) or "."
    return None


COMMAND_LINES = (
    "Makefile",
    "Justfile",
    "justfile",
    "Taskfile.yml",
    ".env",
    ".env.example",
    "package.json",
    "Dockerfile",
)
"""Files in which command lines of tools are written down."""


def text(tree: Tree, path: str) -> str:
    """Return a file's text; empty when it cannot be read."""
    try:
        return tree.read(path).decode("utf-8", "replace")
    except Unreadable:
        return ""


def marked(tree: Tree, directory: str, names: Iterable[str], *, name: re.Pattern[str], mark: re.Pattern[str]) -> bool:
    """Whether one of the first files whose names fit bears the mark that the tool's migrations have."""
    start = "" if directory in {"", "."} else f"{directory}/"
    fitting = [item for item in names if name.match(item)]
    return any(mark.search(text(tree, f"{start}{item}")) for item in fitting[:3])


def says(tree: Tree, place: str | None, names: Iterable[str], pattern: re.Pattern[str]) -> str | None:
    """Return what a pattern's first group finds in the first of some settings files that holds it."""
    for name in names if place is not None else ():
        found = pattern.search(text(tree, name if place == "." else f"{place}/{name}"))
        if found:
            return found[1]
    return None


def beside(tree: Tree, directory: str, names: Iterable[str]) -> list[str]:
    """Return the texts of the settings files of these names in a directory and all above it, the nearest first."""
    parts = [] if directory in {"", "."} else directory.split("/")
    above = ["/".join(parts[:count]) for count in range(len(parts), -1, -1)]
    paths = [f"{place}/{name}" if place else name for place in above for name in names]
    return [text(tree, path) for path in paths if tree.exists(path)]
