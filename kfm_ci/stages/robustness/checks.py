"""Part of stage ``rollback``: new migrations interrupted, run twice, and run under other settings."""

from __future__ import annotations

import itertools
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field

from kfm_ci.evidence.robustness import collation, rebuild
from kfm_ci.evidence.robustness.model import Databases
from kfm_ci.evidence.robustness.replay import walk
from kfm_ci.evidence.robustness.value_origin import OriginStep
from kfm_ci.evidence.robustness.written_data import WrittenData
from kfm_ci.model import Finding, Severity
from kfm_ci.postgres import collations
from kfm_ci.postgres.collations import Locale
from kfm_ci.postgres.engines.base import Server
from kfm_ci.stages.external_tool import squashed_migrations
from kfm_ci.stages.robustness.sequence import RobustnessRun, applied
from kfm_ci.stages.run import Run
from kfm_ci.stages.setup import history_table
from kfm_ci.stages.setup.database import prepare
from kfm_ci.stages.setup.execution import script_of

_numbers = itertools.count()


@dataclass(slots=True, kw_only=True)
class RobustnessResult:
    """What a rehearsal found, and what it could not try."""

    findings: list[Finding] = field(default_factory=list)
    untried: str | None = None


def rehearse(run: Run) -> RobustnessResult:
    """Return what goes wrong when the new migrations do not run once, in one go, on a server like ours."""
    server, base = run.server, run.base_database
    if server is None or base is None:
        return RobustnessResult()
    ground = Databases(connect=run.connect, clone=lambda database: _clone(server, database))
    with walk(ground, run.origin or base) as walked:
        course = RobustnessRun(run=run, walk=walked)
        found = course.rehearse()
        steps = list(_steps(run))
        if len(steps) < len(run.new) or run.final_catalog is None:
            return RobustnessResult(findings=found)
        rows = WrittenData(
            steps=steps, again=course.finish,
            walk=lambda settings: walk(ground, run.origin or base, settings=settings),
        )  # fmt: skip
        configured = {name.lower() for name in run.config.database.settings}
        differs = rebuild.elsewhere(ground, run.origin or base, rows, run.final_catalog, configured=configured)
    # what the text says already of a migration, such as that it calls now(), is not told again of its rows
    told = {(item.rule, item.migration) for item in run.findings}
    if differs is not None and (differs.severity is not Severity.NOTE or (differs.rule, differs.migration) not in told):
        found.append(differs)
    if (differs is None or differs.severity is Severity.NOTE) and run.change.head.tool is None and _interleaved(run):
        with _empty(run, server) as empty:
            held = history_table.by_baseline(run, empty).applied
            everything = [(item, script_of(item)) for item in run.change.head.migrations if item.id not in held]
            rebuilt = rebuild.afresh(ground, empty, everything, run.final_catalog)
        found += [rebuilt] if rebuilt is not None else []
    tool = run.change.head.tool
    if tool is not None and squashed_migrations.stand_in(run):
        with _empty(run, server) as empty:
            rebuilt = squashed_migrations.rebuilt(run, tool, empty)
        found += [rebuilt] if rebuilt is not None else []
    rehearsed = RobustnessResult(findings=found)
    if differs is None or differs.severity is Severity.NOTE:
        _sort_elsewhere(run, server, base, ground, rehearsed)
    return rehearsed


def _steps(run: Run) -> Iterator[OriginStep]:
    """Yield the new migrations that were applied, with the database around each."""
    for item in run.new:
        seen = run.seen.get(item.id)
        if seen is not None and applied(run, item) and seen.before is not None and seen.after is not None:
            yield OriginStep(pair=(item, script_of(item)), before=seen.before, after=seen.after)


def _sort_elsewhere(run: Run, server: Server, base: str, ground: Databases, rehearsed: RobustnessResult) -> None:
    """Build all in a database of another locale, where the new files make something that can depend on it."""
    pairs = [(item, script_of(item)) for item in run.new]
    if (
        run.change.head.tool is not None
        or run.base_catalog is None
        or run.final_catalog is None
        or run.unseeded is None
    ):
        return
    if not any(collation.concerns(script) for _, script in pairs):
        return
    with run.connect(base, admin=True) as administrator:
        locale = collations.another(administrator)
    if locale is None:
        rehearsed.untried = "not tried under another collation: this server has none that sorts otherwise"
        return
    held = history_table.by_baseline(run, base).applied
    merged = run.change.base.migrations if run.change.base else ()
    probe = collation.Probe(
        name=locale.name, base=[script_of(item) for item in merged if item.id not in held], pairs=pairs,
        merged=run.base_catalog, expected=run.final_catalog, here=base, after=run.unseeded,
    )  # fmt: skip
    told = collation.rehearse(probe, ground, lambda: _empty(run, server, locale))
    rehearsed.findings += [told] if told is not None else []


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
def _empty(run: Run, server: Server, locale: Locale | None = None) -> Iterator[str]:
    name = server.create_database(f"rehearsal_{next(_numbers)}", locale=locale)
    try:
        prepare(run, name)
        yield name
    finally:
        server.drop_database(name)
