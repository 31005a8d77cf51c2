"""Files that a migration's program reads, such as an SQL file in its directory; they are part of the migration.

The program is not run. An included file is named by a string of the program, or its name begins with that of the
program (`3-add.js`, `3-add.up.sql`). A file may be included by several migrations.
"""

from __future__ import annotations

import posixpath
import re
from collections.abc import Iterator, Mapping
from dataclasses import replace
from pathlib import PurePosixPath

from kfm_ci.migrations import source_calls, source_files
from kfm_ci.migrations.model import Command, History, Migration, Tree
from kfm_ci.migrations.problems.tool_plan import NOT_INCLUDED
from kfm_ci.sql.script import SourceFile

SQL = (".sql", ".psql", ".ddl")
SUFFIXES = (*SQL, ".csv", ".tsv", ".json", ".yaml", ".yml", ".txt", ".js", ".cjs", ".mjs", ".ts", ".py")
"""Suffixes of files that a program may read; documentation is not among them."""
ROOTS = ("src/main/resources", "src/main/liquibase")
"""Directories to which the names of resources are relative."""
_LONGEST = 400
"""Maximum length of a string that names a file."""
_HOLE = re.compile(r"^.*[}]")
_WORD = re.compile(r"[^\s\"'`<>=,(){}\[\]]+")
_REMARK = re.compile(r"<!--.*?-->|^[ \t]*#[^\n]*", re.DOTALL | re.MULTILINE)


def attach(tree: Tree, history: History) -> History:
    """Return the history of an external tool with each migration's included files."""
    if history.tool is None:
        return history
    own = {item.up_path for item in history.migrations}
    below = [path for path in tree.paths(history.directory) if path not in own and path.endswith(SUFFIXES)]
    names = _by_name(below)
    stems = {posixpath.splitext(path)[0] for path in own}
    beside: dict[str, list[str]] = {}
    for path in below:
        if path.endswith(SQL) and (stem := _stem(path, stems)) is not None:
            beside.setdefault(stem, []).append(path)
    read: dict[str, SourceFile | None] = {}
    migrations = []
    for item in history.migrations:
        paths = dict.fromkeys([*beside.get(posixpath.splitext(item.up_path)[0], ()), *_named(tree, item, names)])
        for path in (path for path in paths if path not in read):
            read[path] = source_files.read_any(tree, path, [])
        files = tuple(file for path in paths if path not in own and (file := read[path]) is not None)
        migrations.append(replace(item, extra_files=(*item.extra_files, *files)) if files else item)
    others = tuple(file for file in history.other_files if file.path not in read)
    findings = tuple(item for item in history.findings if item.rule != NOT_INCLUDED.id or item.place.file not in read)
    return replace(history, migrations=tuple(migrations), other_files=others, findings=findings)


def _by_name(paths: list[str]) -> Mapping[str, list[str]]:
    found: dict[str, list[str]] = {}
    for path in paths:
        found.setdefault(posixpath.basename(path), []).append(path)
    return found


def _stem(path: str, stems: set[str]) -> str | None:
    """Return the longest path of a program, without its suffix, that is a prefix of the path."""
    ends = [at for at, character in enumerate(path) if character in "-._"]
    return next((path[:at] for at in reversed(ends) if path[:at] in stems), None)


def _named(tree: Tree, migration: Migration, names: Mapping[str, list[str]]) -> Iterator[str]:
    """Yield the files that a program, or a changeset of a changelog, names."""
    command = migration.up
    if not isinstance(command, Command) or command.file.path.endswith(SQL):
        return
    changeset = command.part is not None
    words = _WORD.findall(_REMARK.sub("", command.part or "")) if changeset else source_calls.strings(command.file.text)
    folder = posixpath.dirname(command.file.path)
    for word in words:
        name = _HOLE.sub("", word) if len(word) <= _LONGEST else ""
        if not name.endswith(SUFFIXES):
            continue
        known = names.get(posixpath.basename(name), ())
        fitting = [path for path in known if _ends(path, name)]
        near = [path for path in _places(folder, name) if path in fitting or (name.endswith(SQL) and tree.exists(path))]
        # of several files that match a name, the nearest is meant; without one, the name is ambiguous
        yield from near[:1] or (fitting if len(fitting) == 1 else ())


def _places(folder: str, name: str) -> Iterator[str]:
    """Yield the paths inside the repository that a name may mean, the nearest first."""
    for start in (folder, *ROOTS):
        path = posixpath.normpath(posixpath.join(start, name.lstrip("/")))
        if not path.startswith("../") and path != "..":
            yield path


def _ends(path: str, name: str) -> bool:
    """Whether a path ends with the parts of a name."""
    steps = [step for step in PurePosixPath(name).parts if step not in {"/", ".", ".."}]
    return list(PurePosixPath(path).parts[-len(steps) :]) == steps
