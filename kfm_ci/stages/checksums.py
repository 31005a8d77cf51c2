"""Stage ``checksums``: sha256 of every input and of the plan."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import suppress

from kfm_ci.migrations.model import Unreadable
from kfm_ci.model import Digest
from kfm_ci.stages.inputs import matching
from kfm_ci.stages.run import Run


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
        for path in _inputs(run):
            with suppress(Unreadable):
                if run.change.tree.exists(path):
                    files[path] = Digest.of(run.change.tree.read(path))
        run.files = tuple(sorted(files.items()))
        return f"{len(run.files)} files"


def _inputs(run: Run) -> Iterator[str]:
    """Yield the paths of what decided the verdict beside the migrations; some may not be there."""
    settings, smoke = run.config, run.config.smoke
    for path in (run.settings_file, settings.database.statistics, settings.migrations.baseline):
        if path is not None:
            yield path
    yield from run.smoke_files
    yield from matching(tuple(run.change.tree.paths(".")), smoke.queries) if smoke.queries else ()
    for migration in run.new:
        if migration.header is not None and (runbook := migration.header.values.get("runbook")):
            yield runbook
