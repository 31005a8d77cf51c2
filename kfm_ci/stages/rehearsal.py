"""Part of stage ``rollback``: new migrations interrupted, run twice, and run under other settings."""

from __future__ import annotations

import itertools
from collections.abc import Iterator
from contextlib import contextmanager

from kfm_ci.evidence.rehearsal import interruption, rebuild, repetition
from kfm_ci.evidence.rehearsal.model import Ground
from kfm_ci.migrations.files import Migration
from kfm_ci.model import Finding, Outcome, Severity
from kfm_ci.postgres import apply
from kfm_ci.postgres.engines.base import Server
from kfm_ci.stages.base import Run
from kfm_ci.stages.provision import prepare, script_of

_numbers = itertools.count()


def rehearse(run: Run) -> list[Finding]:
    """Return what goes wrong when the new migrations do not run once, in one go, on a server like ours."""
    server, base = run.server, run.base_database
    if server is None or base is None:
        return []
    ground = Ground(connect=run.connect, clone=lambda database: _clone(server, database))
    found = _walk(run, server, run.origin or base, ground)
    applied = [item for item in run.new if _applied(run, item)]
    if len(applied) != len(run.new) or run.final_catalog is None:
        return found
    pairs = [(item, script_of(item)) for item in run.new]
    differs = rebuild.elsewhere(
        ground, base, pairs, run.final_catalog, configured={name.lower() for name in run.config.database.settings}
    )
    if differs is not None:
        found.append(differs)
    if (differs is None or differs.severity is Severity.NOTE) and run.change.head.tool is None and _interleaved(run):
        with _empty(run, server) as empty:
            everything = [(item, script_of(item)) for item in run.change.head.migrations]
            rebuilt = rebuild.afresh(ground, empty, everything, run.final_catalog)
        found += [rebuilt] if rebuilt is not None else []
    return found


def _walk(run: Run, server: Server, origin: str, ground: Ground) -> list[Finding]:
    """Rehearse each migration where it stands in the order; what needs no rehearsal is only run when another follows."""
    severity = Severity.ERROR if run.change.house_format else Severity.WARNING
    bare = run.change.head.bare  # what every file of such a tool lacks is told once, on paper
    concerned = [item for item in run.new if _applied(run, item) and _concerned(item, bare)]
    found: list[Finding | None] = []
    if not concerned:
        return []
    with _clone(server, origin) as course:
        for migration in run.new[: run.new.index(concerned[-1]) + 1]:
            script, after = script_of(migration), run.seen[migration.id].after
            if migration in concerned and not bare and interruption.concerns(script) and after is not None:
                found.append(interruption.rehearse(ground, course, migration, script, after.catalog))
            with run.connect(course) as connection:
                if apply.run(connection, script, entry=None).outcome is Outcome.FAILED:
                    break
            if migration in concerned and repetition.concerns(migration, script):
                found.append(repetition.rehearse(ground, course, migration, script, severity=severity))
    return [item for item in found if item is not None]


def _concerned(migration: Migration, bare: bool) -> bool:
    script = script_of(migration)
    return (not bare and interruption.concerns(script)) or repetition.concerns(migration, script)


def _applied(run: Run, migration: Migration) -> bool:
    seen = run.seen.get(migration.id)
    return seen is not None and seen.apply.outcome is Outcome.APPLIED


def _interleaved(run: Run) -> bool:
    """Whether the files, in their order, are not simply those of the base and then the new ones.

    Else running them all on an empty database is what was done already, statement for statement.
    """
    base = run.change.base
    if base is None:
        return False
    merged = [(item.id, item.up.file.sha256) for item in base.migrations]
    return [(item.id, item.up.file.sha256) for item in run.change.head.migrations[: len(merged)]] != merged


@contextmanager
def _clone(server: Server, database: str) -> Iterator[str]:
    name = server.create_database(f"rehearsal_{next(_numbers)}", template=database)
    try:
        yield name
    finally:
        server.drop_database(name)


@contextmanager
def _empty(run: Run, server: Server) -> Iterator[str]:
    name = server.create_database(f"rehearsal_{next(_numbers)}")
    try:
        prepare(run, name)
        yield name
    finally:
        server.drop_database(name)
