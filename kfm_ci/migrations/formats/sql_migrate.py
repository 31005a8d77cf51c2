"""Format ``sql-migrate`` (rubenv): ``-- +migrate Up`` and ``-- +migrate Down`` in one file."""

from __future__ import annotations

import re
from dataclasses import replace

from kfm_ci.config import MigrationsTable
from kfm_ci.migrations.layouts import line_delimited
from kfm_ci.migrations.layouts.sections import Sections, between, everything, holds, problem, sectioned
from kfm_ci.migrations.layouts.up_down_pairs import FileName, assemble
from kfm_ci.migrations.model import History, ToolSemantics, Tree
from kfm_ci.migrations.problems.file_contents import SECTION_MISSING
from kfm_ci.model import Mode
from kfm_ci.sql.script import SourceFile

_NUMBER = re.compile(r"^(\d+)")
_MARK = re.compile(r"^--[ \t]*\+migrate[ \t]+(Up|Down)\b([^\r\n]*)", re.MULTILINE)

_ANY_MARK = re.compile(r"^-- \+migrate[ \t]+(\w+)")


def _name(path: str) -> FileName | None:
    if "/" in path or not path.endswith(".sql"):
        return None
    stem = path.removesuffix(".sql")
    number = _NUMBER.match(path)
    key = (0, int(number[1]), path) if number else (1, 0, path)
    return FileName(id=path, version=stem, sort_key=key, name=stem, direction="up")


def _cut(file: SourceFile) -> Sections:
    found = list(_MARK.finditer(file.text))
    marks = [(item[1], item.start(), item.end()) for item in found]
    up, down = between(file.text, marks, "Up"), between(file.text, marks, "Down")
    if up is None:
        return Sections(
            up=everything(file),
            down=down,
            findings=(
                problem(
                    file,
                    SECTION_MISSING,
                    "sql-migrate runs nothing in the file: expected `-- +migrate Up`, got no such line.",
                    "Write `-- +migrate Up` above the change.",
                ),
            ),
        )
    modes = {item[1]: Mode.AUTOCOMMIT if "notransaction" in item[2].split() else Mode.TRANSACTION for item in found}
    wrong = [
        fault
        for part, way in ((up, "Up"), (down, "Down"))
        if part is not None
        for fault in line_delimited.check_messages(file, part, tool="sql-migrate", mark=_ANY_MARK, mode=modes[way])
    ]
    return Sections(up=up, down=down, mode=modes["Up"], down_mode=modes.get("Down"), findings=tuple(wrong))


class SqlMigrate:
    """``*.sql`` ordered by leading number, then name; ``notransaction`` on the marker disables the transaction."""

    name = "sql-migrate"
    confidence = 80

    def recognises(self, tree: Tree, directory: str, names: tuple[str, ...]) -> bool:
        """Whether one of the files has the marker."""
        return holds(tree, directory, names, _MARK)

    def load(self, tree: Tree, directory: str, settings: MigrationsTable) -> History:
        """Read the directory and split each file at its markers."""
        history = assemble(tree, directory, format=self.name, name=_name, paths=tree.paths(directory))
        return replace(
            sectioned(history, _cut),
            semantics=ToolSemantics(
                how_to_disable_transaction="in a file of its own with `-- +migrate Up notransaction`",
                out_of_order_behaviour="sql-migrate runs it after them on databases that have them, and "
                "before them on a new database",
            ),
        )
