"""Format ``supabase``: plain ``<version>_name.sql`` files of the Supabase CLI."""

from __future__ import annotations

import re
from dataclasses import replace

from kfm_ci.config import MigrationsTable
from kfm_ci.migrations.layouts.up_down_pairs import FileName, assemble
from kfm_ci.migrations.model import History, RowDeletion, Tree

_SUPABASE = re.compile(r"^([0-9]+)_(.*)\.sql$")


def _supabase(path: str) -> FileName | None:
    match = _SUPABASE.match(path) if "/" not in path else None
    if match is None:
        return None
    return FileName(id=path.removesuffix(".sql"), version=match[1], sort_key=(path,), name=match[2], direction="up")


class Supabase:
    """``<digits>_name.sql`` in ``supabase/migrations``, ordered by file name."""

    name = "supabase"
    confidence = 70

    def recognises(self, tree: Tree, directory: str, names: tuple[str, ...]) -> bool:
        """Whether the directory is Supabase's and one name is numbered."""
        return f"/{directory}".endswith("supabase/migrations") and any(_supabase(name) for name in names)

    def load(self, tree: Tree, directory: str, settings: MigrationsTable) -> History:
        """Read the directory."""
        history = assemble(tree, directory, format=self.name, name=_supabase, paths=tree.paths(directory))
        return replace(
            history,
            semantics=replace(
                history.semantics,
                row_deletion=RowDeletion(
                    sql="delete from supabase_migrations.schema_migrations where version = {text}"
                ),
                how_to_disable_transaction="in a file of its own, which the CLI runs outside a transaction",
                out_of_order_behaviour="Supabase fails on databases that have the newer one, unless "
                "`--include-all` is given",
            ),
        )
