"""Format ``node-pg-migrate``: SQL files with ``-- Up Migration`` and ``-- Down Migration``."""

from __future__ import annotations

import re
from dataclasses import replace

from kfm_ci.config import MigrationsTable
from kfm_ci.migrations import resumption
from kfm_ci.migrations.layouts.sections import Sections, between, everything, holds, problem, programs, sectioned
from kfm_ci.migrations.layouts.up_down_pairs import FileName, assemble, relative
from kfm_ci.migrations.model import History, ToolSemantics, Tree, Unreadable
from kfm_ci.migrations.problems.file_order import FILE_NAME
from kfm_ci.model import Finding, Resumption
from kfm_ci.sql.script import SourceFile

_NAME = re.compile(r"^([0-9]+)[-_]([^/]*)\.sql$")
_OTHER = re.compile(r"^[^/.][^/]*\.sql$")
_IN_SCRIPT = re.compile(r"^\d+[-_].*(?<!\.d)\.[cm]?[jt]s$")
_MARK = re.compile(r"^[^\S\n]*--(?:[^\S\n]|-)*(up|down)[^\S\n]+migration", re.IGNORECASE | re.MULTILINE)


def _name(path: str) -> FileName | None:
    match = _NAME.match(path)
    if match is None:
        return None
    return FileName(
        id=path.removesuffix(".sql"), version=match[1], sort_key=(int(match[1]), path), name=match[2], direction="up"
    )


def _cut(file: SourceFile) -> Sections:
    marks = []
    for item in _MARK.finditer(file.text):
        end = file.text.find("\n", item.end())
        marks.append((item[1].lower(), item.start(), len(file.text) if end < 0 else end))
    return Sections(up=between(file.text, marks, "up") or everything(file), down=between(file.text, marks, "down"))


class NodePgMigrate:
    """``<number>_name.sql``; one transaction for all pending migrations, which a file cannot disable."""

    name = "node-pg-migrate"
    confidence = 75

    def recognises(self, tree: Tree, directory: str, names: tuple[str, ...]) -> bool:
        """Whether a file has the marker and the package is a dependency."""
        return any(_name(name) for name in names) and holds(tree, directory, names, _MARK) and _wanted(tree)

    def load(self, tree: Tree, directory: str, settings: MigrationsTable) -> History:
        """Read the directory and split each file at its markers."""
        history = assemble(tree, directory, format=self.name, name=_name, paths=tree.paths(directory))
        history = replace(
            history,
            findings=(
                *history.findings,
                *programs(history, _IN_SCRIPT, "JavaScript or TypeScript"),
                *_unordered(history),
            ),
        )
        return replace(
            resumption.with_resumption(sectioned(history, _cut), Resumption.NEW_TRANSACTION),
            semantics=ToolSemantics(
                single_transaction=True,
                how_to_disable_transaction="in a JavaScript migration of its own with `pgm.noTransaction()`",
                out_of_order_behaviour="node-pg-migrate fails on databases that have the newer one, unless "
                "`--no-check-order` is given",
            ),
        )


def _unordered(history: History) -> tuple[Finding, ...]:
    """Return findings on SQL files without a number, which node-pg-migrate runs all the same."""
    return tuple(
        problem(
            file,
            FILE_NAME,
            "node-pg-migrate runs this file, but no number orders it: expected `<number>_<name>.sql`.",
            "Rename the file, or move it out of the directory.",
        )
        for file in history.other_files
        if _OTHER.match(relative(file.path, history.directory))
    )


def _wanted(tree: Tree) -> bool:
    try:
        return b'"node-pg-migrate"' in tree.read("package.json")
    except Unreadable:
        return False
