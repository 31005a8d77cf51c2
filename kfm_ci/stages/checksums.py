"""Stage ``checksums``: sha256 of every input and of the plan."""

from __future__ import annotations

from contextlib import suppress

from kfm_ci.config import FILE_NAME
from kfm_ci.migrations.files import Unreadable
from kfm_ci.model import Digest
from kfm_ci.stages.base import Run


class Checksums:
    """Names exactly what was judged."""

    name = "checksums"

    def run(self, run: Run) -> str | None:
        """Digest the new migrations in plan order, and every other input."""
        plan: list[tuple[str, Digest]] = []
        for migration in run.new:
            plan.append((migration.up_path, migration.up.file.sha256))
            if migration.down is not None and migration.down.file.path != migration.up_path:
                plan.append((migration.down.file.path, migration.down.file.sha256))
            plan += [(file.path, file.sha256) for file in migration.extra_files]
        run.plan = tuple(plan)
        files = dict(plan)
        sizes = run.config.database.statistics
        for path in (FILE_NAME, *((sizes,) if sizes else ()), *run.smoke_files):
            with suppress(Unreadable):
                if run.change.tree.exists(path):
                    files[path] = Digest.of(run.change.tree.read(path))
        run.files = tuple(sorted(files.items()))
        return f"{len(run.files)} files"
