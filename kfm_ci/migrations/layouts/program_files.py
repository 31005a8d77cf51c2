"""Migrations that are programs, one per file, ordered by name."""

from __future__ import annotations

import re
from collections.abc import Iterable

from kfm_ci.migrations import source_files
from kfm_ci.migrations.layouts import program_metadata
from kfm_ci.migrations.layouts.up_down_pairs import relative
from kfm_ci.migrations.model import Command, History, Migration, ToolSemantics, Tree, Unreadable
from kfm_ci.model import Finding

TESTS = re.compile(r"(?:^|/)__(?:tests|snapshots)__/|\.(?:test|spec)\.[cm]?[jt]sx?$")
"""Test files of programs, which no deployment runs."""


def load(tree: Tree, directory: str, *, format: str, name: re.Pattern[str], outside: str) -> History:
    """Read the files with a matching name in the order of their versions, without running them.

    ``name`` has the group ``name``, and the group ``version`` for tools that identify a migration by a number.
    ``outside``: see ``Migration.outside``.
    """
    findings: list[Finding] = []
    migrations = []
    for path in tree.paths(directory):
        base = relative(path, directory)
        found = name.match(base)
        if found is None or base.endswith(".d.ts") or TESTS.search(base):
            continue
        file = source_files.read(tree, path, findings)
        if file is not None:
            version = found.groupdict().get("version")
            id = base.rpartition(".")[0] if version else base
            migrations.append(
                Migration(
                    id=id,
                    version=version or base,
                    sort_key=(int(version or 0), base),
                    name=found["name"],
                    header=program_metadata.parse(file.text, id=id),
                    up=Command(file=file, argv=(), directory="."),
                )
            )
    migrations.sort(key=lambda item: item.sort_key)
    return History(
        format=format,
        directory=directory,
        migrations=tuple(migrations),
        findings=tuple(findings),
        semantics=ToolSemantics(how_to_disable_transaction=outside),
    )


def nearest_directory(tree: Tree, directory: str, names: Iterable[str]) -> str | None:
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
"""Files that often contain command lines of tools."""


def read_text(tree: Tree, path: str) -> str:
    """Return a file's text; empty when it cannot be read."""
    try:
        return tree.read(path).decode("utf-8", "replace")
    except Unreadable:
        return ""


def has_marker(
    tree: Tree, directory: str, names: Iterable[str], *, name: re.Pattern[str], mark: re.Pattern[str]
) -> bool:
    """Whether one of the first three files with a matching name has the marker of the tool's migrations."""
    start = "" if directory in {"", "."} else f"{directory}/"
    fitting = [item for item in names if name.match(item)]
    return any(mark.search(read_text(tree, f"{start}{item}")) for item in fitting[:3])


def first_match(tree: Tree, place: str | None, names: Iterable[str], pattern: re.Pattern[str]) -> str | None:
    """Return the pattern's first group in the first settings file with a match; None when no file matches."""
    for name in names if place is not None else ():
        found = pattern.search(read_text(tree, name if place == "." else f"{place}/{name}"))
        if found:
            return found[1]
    return None


def settings_texts(tree: Tree, directory: str, names: Iterable[str]) -> list[str]:
    """Return the texts of the settings files with these names in a directory and its parents, the nearest first."""
    parts = [] if directory in {"", "."} else directory.split("/")
    above = ["/".join(parts[:count]) for count in range(len(parts), -1, -1)]
    paths = [f"{place}/{name}" if place else name for place in above for name in names]
    return [read_text(tree, path) for path in paths if tree.exists(path)]
