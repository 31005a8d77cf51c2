"""Format ``refinery``: ``V1__name.sql``, each file one simple-query message in a transaction."""

from __future__ import annotations

import re
from dataclasses import replace

from kfm_ci.config import MigrationsTable
from kfm_ci.migrations import resumption
from kfm_ci.migrations.layouts.sections import name_findings
from kfm_ci.migrations.layouts.up_down_pairs import FileName, assemble
from kfm_ci.migrations.model import History, Tree, Unreadable
from kfm_ci.model import Mode, Resumption

_NAME = re.compile(r"^(?:[^/]+/)*([UV])([0-9]+)__(\w+)\.sql$")

_OTHER = re.compile(r"^(?:[^/]+/)*(?:[UV|]\d+\.\d+|\|\d+|[UV](?=.*[^0-9_]__)\d+)__\w+\.sql$")


def _name(path: str) -> FileName | None:
    match = _NAME.match(path)
    if match is None:
        return None
    number = int(match[2])
    return FileName(
        id=f"{match[1]}{match[2]}__{match[3]}", version=str(number), sort_key=(number,), name=match[3], direction="up"
    )


class Refinery:
    """Ordered by number; a second transaction writes the history row, so a crash in between leaves it unrecorded."""

    name = "refinery"
    confidence = 96

    def recognises(self, tree: Tree, directory: str, names: tuple[str, ...]) -> bool:
        """Whether a name has refinery's form and Cargo.toml depends on the crate."""
        if not any(_name(name) for name in names if "/" not in name):
            return False
        manifests = [path for path in ("Cargo.toml", *_above(directory)) if tree.exists(path)]
        for path in manifests:
            try:
                if re.search(rb"^\s*refinery\b", tree.read(path), re.MULTILINE):
                    return True
            except Unreadable:
                continue
        return False

    def load(self, tree: Tree, directory: str, settings: MigrationsTable) -> History:
        """Read the directory recursively."""
        history = assemble(
            tree,
            directory,
            format=self.name,
            name=_name,
            paths=tree.paths(directory),
            whole=True,
            mode=lambda _: Mode.TRANSACTION,
        )
        history = replace(
            history,
            findings=(*history.findings, *name_findings(history, _OTHER, "a whole number as the version")),
            semantics=replace(
                history.semantics,
                history_row_repair="Check whether the migration is complete. "
                "If it is, insert its row into `refinery_schema_history`; otherwise revert it by hand.",
                how_to_disable_transaction="by hand before the release, because refinery runs every statement in "
                "a transaction",
                out_of_order_behaviour="refinery fails on databases that have the newer one (`abort_missing`)",
            ),
        )
        return resumption.with_resumption(history, Resumption.NEW_TRANSACTION)


def _above(directory: str) -> list[str]:
    parts = directory.split("/")
    return ["/".join([*parts[:count], "Cargo.toml"]) for count in range(1, len(parts) + 1)]
