"""Format ``golang-migrate``: numbered pairs; each file is one simple-query message, or split at semicolons."""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import replace

from kfm_ci.config import MigrationsTable
from kfm_ci.migrations.layouts import program_files
from kfm_ci.migrations.layouts.sections import problem
from kfm_ci.migrations.layouts.up_down_pairs import FileName, assemble
from kfm_ci.migrations.model import History, RowDeletion, Tree
from kfm_ci.migrations.problems.transaction_modes import GOLANG_MIGRATE_SPLITS_BODY
from kfm_ci.model import Finding, Mode
from kfm_ci.sql import statements, transactions
from kfm_ci.sql.script import Script

# golang-migrate runs a file with any suffix, such as a copy with `.bak`
_NAME = re.compile(r"^([0-9]+)_([^/\n]*)\.(up|down)\.[^/\n]*$")

_MULTI = re.compile(r"x-multi-statement=true")


def _name(path: str) -> FileName | None:
    match = _NAME.match(path)
    if match is None:
        return None
    number = str(int(match[1]))
    # golang-migrate pairs files by the number alone
    return FileName(
        id=f"{match[1]}_{match[2]}",
        version=number,
        sort_key=(int(match[1]),),
        name=match[2],
        direction=match[3],
        pair=number,
    )


class GolangMigrate:
    """``000123_name.up.sql`` and ``.down.sql``, ordered by number."""

    name = "golang-migrate"
    confidence = 50

    def recognises(self, tree: Tree, directory: str, names: tuple[str, ...]) -> bool:
        """Whether one name is a numbered up file."""
        return any(name.endswith(".up.sql") and _name(name) for name in names)

    def load(self, tree: Tree, directory: str, settings: MigrationsTable) -> History:
        """Read the directory; golang-migrate ignores names outside its grammar."""
        history = assemble(
            tree, directory, format=self.name, name=_name, paths=tree.paths(directory), whole=True, empty_downs=True
        )
        history = replace(
            history,
            semantics=replace(
                history.semantics,
                records_before_run=True,
                row_deletion=RowDeletion(
                    sql="update schema_migrations set version = {previous}, dirty = false",
                    sql_of_first="delete from schema_migrations",
                ),
                how_to_disable_transaction="in a file of its own with no other statement",
                out_of_order_behaviour="golang-migrate records one number and skips it silently on databases "
                "that are past it",
            ),
        )
        return _cut(history) if _cuts(tree, directory) else history


def _cuts(tree: Tree, directory: str) -> bool:
    return any(
        _MULTI.search(text) for text in program_files.settings_texts(tree, directory, program_files.COMMAND_LINES)
    )


def _cut(history: History) -> History:
    """Return the history under ``x-multi-statement``: each part between semicolons is a message of its own."""
    findings = list(history.findings)
    migrations = []
    for item in history.migrations:
        up, down = (_alone(script) if isinstance(script, Script) else None for script in (item.up, item.down))
        if up is not None:
            findings += _split_statements(up)
        migrations.append(replace(item, up=up or item.up, down=down))
    return replace(
        history,
        migrations=tuple(migrations),
        findings=tuple(findings),
        semantics=replace(history.semantics, non_transactional=True),
    )


def _alone(script: Script) -> Script:
    return transactions.unwrapped(
        replace(script, text=script.file.text, implicit_transaction=False, mode=Mode.AUTOCOMMIT)
    )


def _split_statements(script: Script) -> Iterator[Finding]:
    for part in statements.of(script):
        if ";" in part.text:
            yield problem(
                script.file,
                GOLANG_MIGRATE_SPLITS_BODY,
                f"With `x-multi-statement` golang-migrate splits `{statements.kind(part.text)}` "
                "at a semicolon inside it, because it ignores quotes and comments.",
                "Remove `x-multi-statement=true` from the URL; a file is then one simple-query message.",
                line=part.line + part.text.partition(";")[0].count("\n"),
            )
