"""Format ``diesel``: one directory a migration, with ``up.sql`` and ``down.sql``."""

from __future__ import annotations

import re
from dataclasses import replace

from kfm_ci import toml
from kfm_ci.config import MigrationsTable
from kfm_ci.migrations import source_files
from kfm_ci.migrations.layouts.sections import name_findings, problem
from kfm_ci.migrations.layouts.up_down_pairs import FileName, assemble
from kfm_ci.migrations.model import History, RowDeletion, Tree
from kfm_ci.migrations.problems.transaction_modes import DIESEL_METADATA
from kfm_ci.model import Finding, Hazard, Mode
from kfm_ci.sql.script import SourceFile

_NAME = re.compile(r"^(([^/_.][^/_]*)(?:_([^/]*))?)/(up|down)\.sql$")
_OTHER = re.compile(r"^_[^/]*/up\.sql$")
_NUMBERED = re.compile(r"^\d[^/]*/up\.sql$")


def _name(path: str) -> FileName | None:
    match = _NAME.match(path)
    if match is None:
        return None
    # without an underscore the whole name is the version, as in diesel
    version = match[2].replace("-", "")
    return FileName(id=match[1], version=version, sort_key=(version,), name=match[3] or match[1], direction=match[4])


class Diesel:
    """``<version>_name/up.sql``; a ``metadata.toml`` without its key disables the transaction, as in diesel."""

    name = "diesel"
    confidence = 60

    def recognises(self, tree: Tree, directory: str, names: tuple[str, ...]) -> bool:
        """Whether a numbered subdirectory holds ``up.sql``."""
        return any(_NUMBERED.match(name) for name in names)

    def load(self, tree: Tree, directory: str, settings: MigrationsTable) -> History:
        """Read each subdirectory."""

        findings: list[Finding] = []

        def mode(file: SourceFile) -> Mode | None:
            metadata = f"{file.path.rpartition('/')[0]}/metadata.toml"
            held = source_files.read(tree, metadata, []) if tree.exists(metadata) else None
            if held is None:
                return Mode.TRANSACTION
            try:
                wanted = toml.loads(held.text).get("run_in_transaction")
            except toml.InvalidToml:
                findings.append(
                    problem(
                        held,
                        DIESEL_METADATA,
                        "diesel rejects the directory: `metadata.toml` is not valid TOML.",
                        "Write `run_in_transaction = true`, or remove the file.",
                        hazard=Hazard.MIGRATION_ERROR,
                    )
                )
                return Mode.TRANSACTION
            if wanted is None:
                findings.append(
                    problem(
                        held,
                        DIESEL_METADATA,
                        "`metadata.toml` does not set `run_in_transaction`, so diesel uses no transaction.",
                        "Set `run_in_transaction = true` or `run_in_transaction = false`.",
                    )
                )
            return Mode.TRANSACTION if wanted else Mode.AUTOCOMMIT

        def extra(path: str) -> tuple[str, ...]:
            metadata = f"{path.rpartition('/')[0]}/metadata.toml"
            return (metadata,) if tree.exists(metadata) else ()

        history = assemble(
            tree,
            directory,
            format=self.name,
            name=_name,
            paths=tree.paths(directory),
            whole=True,
            mode=mode,
            extra=extra,
        )
        return replace(
            history,
            findings=(
                *history.findings,
                *dict.fromkeys(findings),
                *name_findings(history, _OTHER, "a version before the first `_`"),
            ),
            semantics=replace(
                history.semantics,
                row_deletion=RowDeletion(sql="delete from __diesel_schema_migrations where version = {text}"),
                how_to_disable_transaction="in a migration of its own with `run_in_transaction = false` in its "
                "`metadata.toml`",
                out_of_order_behaviour="diesel runs it after them on databases that have them, and before "
                "them on a new database",
            ),
        )
