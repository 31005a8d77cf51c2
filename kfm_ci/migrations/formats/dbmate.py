"""Format ``dbmate``: ``-- migrate:up`` and ``-- migrate:down`` in one file; each block is one simple-query message."""

from __future__ import annotations

import re
from dataclasses import replace

from kfm_ci.config import MigrationsTable
from kfm_ci.migrations.layouts.sections import Sections, between, everything, holds, problem, sectioned
from kfm_ci.migrations.layouts.up_down_pairs import FileName, assemble
from kfm_ci.migrations.model import History, RowDeletion, ToolSemantics, Tree
from kfm_ci.migrations.problems.file_contents import SECTION_MISSING
from kfm_ci.migrations.problems.transaction_modes import DBMATE_MULTIPLE_BLOCKS
from kfm_ci.model import Finding, Mode
from kfm_ci.sql.script import SourceFile

_NAME = re.compile(r"^([0-9]+)([^/]*)\.sql$")
_MARK = re.compile(r"^--[ \t]*migrate:(up|down)[ \t]*(?:[ \t](\S[^\r\n]*))?\r?$", re.MULTILINE)


def _name(path: str) -> FileName | None:
    match = _NAME.match(path)
    if match is None:
        return None
    return FileName(
        id=path.removesuffix(".sql"), version=match[1], sort_key=(path,), name=match[2].strip("_"), direction="up"
    )


def _cut(file: SourceFile) -> Sections:
    found = list(_MARK.finditer(file.text))
    marks = [(item[1], item.start(), item.end()) for item in found]
    up, down = between(file.text, marks, "up"), between(file.text, marks, "down")
    if up is None or down is None or marks[0][0] != "up":
        missing = "-- migrate:up" if up is None or marks[0][0] != "up" else "-- migrate:down"
        return Sections(
            up=up or everything(file),
            down=down,
            findings=(
                problem(
                    file,
                    SECTION_MISSING,
                    f"dbmate rejects the file: expected `{missing}`, got no such line in its place.",
                    "Write `-- migrate:up` above the up migration and `-- migrate:down` above the down migration.",
                ),
            ),
        )
    modes = {item[1]: _mode(item[2] or "") for item in reversed(found)}
    return Sections(
        up=up, down=down, mode=modes["up"], down_mode=modes["down"], whole=True, findings=_more(file, found)
    )


def _more(file: SourceFile, marks: list[re.Match[str]]) -> tuple[Finding, ...]:
    """Yield a second pair of blocks, which no version of dbmate applies completely on PostgreSQL."""
    again = [mark for mark in marks if mark[1] == "up"][1:]
    if not again:
        return ()
    return (
        problem(
            file,
            DBMATE_MULTIPLE_BLOCKS,
            "The file has a second `-- migrate:up`: older releases of dbmate run it as part of the down migration, "
            "newer ones run it and fail because the version is already in the history table.",
            "Move it to its own file.",
            line=file.text.count("\n", 0, again[0].start()) + 1,
        ),
    )


def _mode(options: str) -> Mode:
    return Mode.AUTOCOMMIT if "transaction:false" in options.split() else Mode.TRANSACTION


class Dbmate:
    """``<digits>_name.sql`` ordered by file name; ``transaction:false`` on the marker disables the transaction."""

    name = "dbmate"
    confidence = 80

    def recognises(self, tree: Tree, directory: str, names: tuple[str, ...]) -> bool:
        """Whether one of the files has dbmate's marker."""
        return any(_name(name) for name in names) and holds(tree, directory, names, _MARK)

    def load(self, tree: Tree, directory: str, settings: MigrationsTable) -> History:
        """Read the directory and split each file at its markers."""
        history = assemble(tree, directory, format=self.name, name=_name, paths=tree.paths(directory))
        return replace(
            sectioned(history, _cut),
            semantics=ToolSemantics(
                row_deletion=RowDeletion(sql="delete from schema_migrations where version = {text}"),
                how_to_disable_transaction="in a file of its own with `-- migrate:up transaction:false`",
                out_of_order_behaviour="dbmate runs it after them on databases that have them (`--strict` rejects it), "
                "and before them on a new database",
            ),
        )
