"""Stage ``checksums``: sha256 of every input and of the plan."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import suppress

from kfm_ci.migrations.model import Unreadable
from kfm_ci.model import Digest
from kfm_ci.stages.gate_input import GateInput
from kfm_ci.stages.inputs import matching
from kfm_ci.stages.results import ChecksumsResult, RunningServer
from kfm_ci.stages.stage import Results, StageOutcome


class Checksums:
    """Records exactly which files were checked."""

    name = "checksums"

    def run(self, given: GateInput, done: Results) -> StageOutcome:
        """Digest the new migrations in plan order, and every other input."""
        running = done.get(RunningServer)
        change = running.change if running else given.change
        plan: list[tuple[str, Digest]] = []
        for migration in change.new:
            plan.append((migration.up_path, migration.up.file.sha256))
            if migration.down is not None and migration.down.file.path != migration.up_path:
                plan.append((migration.down.file.path, migration.down.file.sha256))
            plan += [(file.path, file.sha256) for file in migration.extra_files]
        files = dict(plan)
        for path in _inputs(given):
            with suppress(Unreadable):
                if change.tree.exists(path):
                    files[path] = Digest.of(change.tree.read(path))
        result = ChecksumsResult(plan=tuple(plan), files=tuple(sorted(files.items())))
        return StageOutcome(result=result, message=f"{len(files)} files")


def _inputs(given: GateInput) -> Iterator[str]:
    """Yield the paths of the other inputs of the verdict; some may not exist."""
    settings, smoke = given.config, given.config.smoke
    for path in (given.settings_file, settings.database.statistics, settings.migrations.baseline):
        if path is not None:
            yield path
    yield from given.smoke_files
    yield from matching(tuple(given.change.tree.paths(".")), smoke.queries) if smoke.queries else ()
    for migration in given.change.new:
        if migration.header is not None and (runbook := migration.header.values.get("runbook")):
            yield runbook
