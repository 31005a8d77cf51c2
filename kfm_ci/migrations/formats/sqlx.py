"""Format ``sqlx``: ``<version>_name.sql`` files, with or without down migrations."""

from __future__ import annotations

import re
from dataclasses import replace

from kfm_ci.config import MigrationsTable
from kfm_ci.migrations import resumption
from kfm_ci.migrations.layouts.sections import name_findings
from kfm_ci.migrations.layouts.up_down_pairs import FileName, assemble
from kfm_ci.migrations.model import History, RowDeletion, Tree
from kfm_ci.migrations.problems.file_contents import LINE_ENDINGS
from kfm_ci.model import Finding, Hazard, Mode, Resumption, Severity
from kfm_ci.sql.script import SourceFile

_SQLX = re.compile(r"^([0-9]+)_([^/]*?)(\.up|\.down)?\.sql$")
_OTHER = re.compile(r"[^/_]*_[^/]*\.sql$")


def _sqlx(path: str) -> FileName | None:
    match = _SQLX.match(path)
    if match is None:
        return None
    number = str(int(match[1]))
    return FileName(
        id=f"{match[1]}_{match[2]}",
        version=number,
        sort_key=(int(match[1]),),
        name=match[2],
        pair=number,
        direction="down" if match[3] == ".down" else "up",
    )


class Sqlx:
    """``<number>_name.sql``, or the same with ``.up`` and ``.down``; the whole file is one simple-query message."""

    name = "sqlx"
    confidence = 40

    def recognises(self, tree: Tree, directory: str, names: tuple[str, ...]) -> bool:
        """Whether one name is numbered and has no direction."""
        return any(_sqlx(name) and not name.endswith((".up.sql", ".down.sql")) for name in names)

    def load(self, tree: Tree, directory: str, settings: MigrationsTable) -> History:
        """Read the directory; a file that starts with ``-- no-transaction`` runs outside a transaction."""

        def mode(file: SourceFile) -> Mode | None:
            return Mode.AUTOCOMMIT if file.data.startswith(b"-- no-transaction") else Mode.TRANSACTION

        history = assemble(
            tree,
            directory,
            format=self.name,
            name=_sqlx,
            paths=tree.paths(directory),
            whole=True,
            mode=mode,
            empty_downs=True,
        )
        history = replace(
            history,
            findings=(
                *map(_checksum_warning, history.findings),
                *name_findings(history, _OTHER, "a whole number before the first `_`"),
            ),
            semantics=replace(
                history.semantics,
                row_deletion=RowDeletion(sql="delete from _sqlx_migrations where version = {number}"),
                how_to_disable_transaction="in a file of its own that begins with `-- no-transaction`",
                out_of_order_behaviour="sqlx runs it after them on databases that have them, and before them "
                "on a new database",
            ),
        )
        return resumption.with_resumption(history, Resumption.NEW_TRANSACTION)


def _checksum_warning(item: Finding) -> Finding:
    """Return the finding on CRLF line ends with their consequence for sqlx, whose checksum covers every byte."""
    if item.rule != LINE_ENDINGS.id:
        return item
    return replace(
        item,
        severity=Severity.WARNING,
        hazard=Hazard.MANIFEST,
        message="The file has CRLF line ends, which sqlx's checksum covers: if git converts them, sqlx rejects the "
        "database with `VersionMismatch`.",
    )
