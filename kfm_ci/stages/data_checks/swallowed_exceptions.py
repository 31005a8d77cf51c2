"""Part of stage ``apply``: exception handlers that swallow errors which only rows cause."""

from __future__ import annotations

from kfm_ci.evidence import data_dependence
from kfm_ci.evidence.data_dependence import Dependence, caught_exceptions
from kfm_ci.evidence.data_dependence.caught_exceptions import CaughtException
from kfm_ci.migrations.model import Migration
from kfm_ci.model import Finding, Hazard, Place, Severity
from kfm_ci.postgres import run_script
from kfm_ci.rules.server.execution import EXCEPTION_SWALLOWED
from kfm_ci.sql import exception_handlers, plpgsql
from kfm_ci.sql.exception_handlers import HandlerAnswer
from kfm_ci.stages.data_checks.schema_divergence import empty_and_seeded, runs_code_on_rows
from kfm_ci.stages.results import ApplyResult, DryRunResult, ExecutableMigration, Provisioned


def check_handlers(
    base: Provisioned, applied: ApplyResult, dry_run: DryRunResult, earlier: tuple[Finding, ...]
) -> tuple[Finding, ...]:
    """Return findings on handlers of ``others`` that catch exceptions on rows which do not occur on empty tables.

    A handler that names a condition is deliberate. Without a handler of ``others`` nothing is run again.
    """
    if not runs_code_on_rows(base, applied):
        return ()
    with base.connect(dry_run.unseeded) as connection:
        if not caught_exceptions.has_others_handler((item.up for item in base.new), connection):
            return ()
    reported = {(item.migration, item.place.line) for item in earlier if item.hazard is Hazard.DATA_DEPENDENT}
    found = []
    with empty_and_seeded(base, applied) as (empty, seeded):
        for migration in base.new:
            for item in caught_exceptions.compare_runs(migration.up, empty=empty, seeded=seeded):
                answer = exception_handlers.answer(caught_exceptions.read_definition(item, empty), item.place.line)
                swallows = answer in {HandlerAnswer.NOTHING, HandlerAnswer.MESSAGE}
                if swallows and (migration.id, item.statement.line) not in reported:
                    dependence = _dependence(base, applied, dry_run, migration, item)
                    found.append(_finding(migration, item, answer, dependence))
    return tuple(found)


def _dependence(
    base: Provisioned,
    applied: ApplyResult,
    dry_run: DryRunResult,
    migration: ExecutableMigration,
    item: CaughtException,
) -> Dependence | None:
    """Return the rows that cause the exception, from one more run; None when that run fails otherwise."""
    name = base.server.create_database("swallowed", template=applied.seeded_base)
    try:
        with base.connect(name) as seeded, base.connect(name) as before, base.connect(dry_run.unseeded) as after:
            for earlier in base.new[: base.new.index(migration)]:
                run_script.apply(seeded, earlier.up)
            failed = caught_exceptions.reproduce(migration.up, item, seeded)
            return None if failed is None else data_dependence.diagnose(failed, before=before, after=after)
    finally:
        base.server.drop_database(name)


def _finding(
    migration: Migration, item: CaughtException, answer: HandlerAnswer | None, found: Dependence | None
) -> Finding:
    statement, place = item.statement, item.place
    line, within = statement.line, f" in {place.function}, line {place.line} of its body," if place.function else ""
    if place.function is None:
        line = min(line + plpgsql.body_line(statement.text) + place.line - 1, statement.end_line)
    silent = answer is HandlerAnswer.NOTHING
    cause = found.message if found else "an error that occurs on synthetic rows and not on empty tables"
    times = "once" if item.times == 1 else f"{item.times} times"
    acknowledgement = (
        found.acknowledgement
        if found
        else 'If the error may be ignored, write `-- kfm:allow data-dependent reason="…"` above the statement.'
    )
    return EXCEPTION_SWALLOWED.finding(
        f"`EXCEPTION WHEN OTHERS`{within} {'swallows' if silent else 'only reports a message about'} this error, "
        f"caught {times}: {cause}. The migration still reports success.",
        help="Catch only the expected condition by its name, so that other errors abort the migration. "
        f"{acknowledgement}",
        place=Place(file=migration.up_path, line=line, column=1, end_line=line),
        migration=migration.id,
        severity=Severity.ERROR if silent else Severity.WARNING,
    )
