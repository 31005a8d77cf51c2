"""Part of stage ``rollback``: new migrations interrupted, run twice, rebuilt, and run under other settings."""

from __future__ import annotations

import itertools
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field

from kfm_ci.evidence.model import RollbackEvidence
from kfm_ci.evidence.robustness import collation, rebuild
from kfm_ci.evidence.robustness.model import Databases
from kfm_ci.evidence.robustness.replay import open_replay
from kfm_ci.evidence.robustness.value_origin import OriginStep
from kfm_ci.evidence.robustness.written_data import WrittenData
from kfm_ci.model import Finding, Severity
from kfm_ci.postgres import collations
from kfm_ci.postgres.collations import Locale
from kfm_ci.postgres.engines.base import Server
from kfm_ci.stages.external_tool import squashed_migrations
from kfm_ci.stages.results import ApplyResult, DryRunResult, Provisioned, executable
from kfm_ci.stages.robustness.sequence import RobustnessRun
from kfm_ci.stages.setup import history_table
from kfm_ci.stages.setup.database import prepare

_numbers = itertools.count()


@dataclass(frozen=True, slots=True, kw_only=True)
class RobustnessResult:
    """The findings of the robustness checks, and a check that was not possible."""

    findings: tuple[Finding, ...] = ()
    price: Mapping[str, tuple[str, ...]] = field(default_factory=dict)
    """By migration, further data loss on rollback."""
    not_checked: str | None = None


def check_robustness(
    base: Provisioned,
    applied: ApplyResult,
    dry_run: DryRunResult | None,
    rollbacks: Mapping[str, RollbackEvidence],
    earlier: tuple[Finding, ...],
) -> RobustnessResult:
    """Return what fails when the new migrations do not run once, in one go, on a server with these settings.

    ``earlier``: findings that are reported already.
    """
    databases = Databases(connect=base.connect, clone=lambda database: _clone(base.server, database))
    with open_replay(databases, applied.seeded_base) as replay:
        sequence = RobustnessRun(base=base, applied=applied, rollbacks=rollbacks, replay=replay)
        found = sequence.check()
        steps = list(_steps(base, applied))
        if len(steps) < len(base.new):
            return RobustnessResult(findings=tuple(found), price=sequence.price)
        rows = WrittenData(
            steps=steps,
            again=sequence.finish,
            replay=lambda settings: open_replay(databases, applied.seeded_base, settings=settings),
        )
        configured = {name.lower() for name in base.config.database.settings}
        differs = rebuild.check_settings(databases, applied.seeded_base, rows, applied.catalog, configured=configured)
    # a static finding on the same migration, such as one on now(), is not repeated for its rows
    reported = {(item.rule, item.migration) for item in earlier}
    is_note = differs is None or differs.severity is Severity.NOTE
    if differs is not None and (not is_note or (differs.rule, differs.migration) not in reported):
        found.append(differs)
    found += _rebuilds(base, applied, databases, is_portable=is_note)
    not_checked = None
    if is_note and dry_run is not None:
        elsewhere, not_checked = _other_collation(base, applied, dry_run, databases)
        found += elsewhere
    return RobustnessResult(findings=tuple(found), price=sequence.price, not_checked=not_checked)


def _rebuilds(base: Provisioned, applied: ApplyResult, databases: Databases, *, is_portable: bool) -> Iterator[Finding]:
    """Yield the findings on a rebuild of everything from an empty database."""
    tool = base.change.head.tool
    rebuilt = None
    if is_portable and tool is None and _is_interleaved(base):
        with _empty(base) as empty:
            in_baseline = history_table.by_baseline(base, empty).applied
            migrations = (executable(item) for item in base.change.head.migrations if item.id not in in_baseline)
            everything = [(item, item.up) for item in migrations]
            rebuilt = rebuild.check_rebuild(databases, empty, everything, applied.catalog)
    elif tool is not None and squashed_migrations.are_squashed(base):
        with _empty(base) as empty:
            rebuilt = squashed_migrations.check_rebuild(base, tool, applied.catalog, empty)
    if rebuilt is not None:
        yield rebuilt


def _steps(base: Provisioned, applied: ApplyResult) -> Iterator[OriginStep]:
    """Yield the new migrations that were applied, with the state of the database before and after each."""
    for item in base.new:
        record = applied.records.get(item.id)
        if record is not None and applied.is_applied(item) and record.before and record.after:
            yield OriginStep(pair=(item, item.up), before=record.before, after=record.after)


def _other_collation(
    base: Provisioned, applied: ApplyResult, dry_run: DryRunResult, databases: Databases
) -> tuple[list[Finding], str | None]:
    """Build everything in a database of another locale, if the new migrations contain objects that depend on it."""
    pairs = [(item, item.up) for item in base.new]
    if base.change.head.tool is not None or not any(collation.can_depend_on_collation(script) for _, script in pairs):
        return [], None
    with base.connect(base.base_database, admin=True) as administrator:
        locale = collations.find_locale(administrator)
    if locale is None:
        return [], "not checked under another collation: this server has none with another sort order"
    in_baseline = history_table.by_baseline(base, base.base_database).applied
    merged = base.change.base.migrations if base.change.base else ()
    probe = collation.Probe(
        name=locale.name,
        base=[executable(item).up for item in merged if item.id not in in_baseline],
        pairs=pairs,
        merged=base.base_catalog,
        expected=applied.catalog,
        here=base.base_database,
        after=dry_run.unseeded,
    )
    finding = collation.check(probe, databases, lambda: _empty(base, locale))
    return ([] if finding is None else [finding]), None


def _is_interleaved(base: Provisioned) -> bool:
    """Whether the order of the files is not simply the base's and then the new ones.

    Otherwise the apply has already run all of them on an empty database, statement by statement.
    """
    merged = base.change.base
    if merged is None:
        return False
    files = [(item.id, item.up.file.sha256) for item in merged.migrations]
    return [(item.id, item.up.file.sha256) for item in base.change.head.migrations[: len(files)]] != files


@contextmanager
def _clone(server: Server, database: str) -> Iterator[str]:
    name = server.create_database(f"robustness_{next(_numbers)}", template=database)
    try:
        yield name
    finally:
        server.drop_database(name)


@contextmanager
def _empty(base: Provisioned, locale: Locale | None = None) -> Iterator[str]:
    name = base.server.create_database(f"robustness_{next(_numbers)}", locale=locale)
    try:
        prepare(base, name)
        yield name
    finally:
        base.server.drop_database(name)
