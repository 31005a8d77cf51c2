"""Part of stage ``apply``: whether the new migrations pass over failures that only rows bring about."""

from __future__ import annotations

from kfm_ci.evidence import data_dependence
from kfm_ci.evidence.data_dependence import Dependence, caught_exceptions
from kfm_ci.evidence.data_dependence.caught_exceptions import CaughtException
from kfm_ci.migrations.model import Migration
from kfm_ci.model import Finding, Hazard, Place, Severity, rule_page
from kfm_ci.postgres import run_script
from kfm_ci.sql import exception_handlers, plpgsql
from kfm_ci.sql.exception_handlers import HandlerAnswer
from kfm_ci.stages.data_checks.schema_divergence import decides, grounds
from kfm_ci.stages.run import Run
from kfm_ci.stages.setup.execution import script_of

RULE = "exception-swallowed"


def judge(run: Run) -> None:
    """Count what is caught on rows and on empty tables, and report what a handler of ``others`` does nothing about.

    Who catches a condition by name has thought of it. Where nothing catches ``others`` nothing is run again.
    """
    if run.unseeded is None or not decides(run):
        return
    with run.connect(run.unseeded) as connection:
        if not caught_exceptions.possible(map(script_of, run.new), connection):
            return
    told = {(item.migration, item.place.line) for item in run.findings if item.hazard is Hazard.DATA_DEPENDENT}
    with grounds(run) as (bare, seeded):
        for migration in run.new:
            for item in caught_exceptions.compare(script_of(migration), bare=bare, seeded=seeded):
                answer = exception_handlers.answer(caught_exceptions.definition(item, bare), item.place.line)
                if (
                    answer in {HandlerAnswer.NOTHING, HandlerAnswer.MESSAGE}
                    and (migration.id, item.statement.line) not in told
                ):
                    run.findings.append(_finding(migration, item, answer, _dependence(run, migration, item)))


def _dependence(run: Run, migration: Migration, item: CaughtException) -> Dependence | None:
    """Say what rows it depends on, from one more run; None when that does not come to the same failure."""
    if run.server is None or run.unseeded is None:
        return None
    name = run.server.create_database("swallowed", template=run.origin)
    try:
        with run.connect(name) as seeded, run.connect(name) as before, run.connect(run.unseeded) as after:
            for earlier in run.new[: run.new.index(migration)]:
                run_script.run(seeded, script_of(earlier), entry=None)
            failed = caught_exceptions.failure(script_of(migration), item, seeded)
            return None if failed is None else data_dependence.diagnose(failed, before=before, after=after)
    finally:
        run.server.drop_database(name)


def _finding(
    migration: Migration, item: CaughtException, answer: HandlerAnswer | None, found: Dependence | None
) -> Finding:
    statement, place = item.statement, item.place
    line, within = statement.line, f" in {place.function}, line {place.line} of its body," if place.function else ""
    if place.function is None:
        line = min(line + plpgsql.body_line(statement.text) + place.line - 1, statement.end_line)
    silent = answer is HandlerAnswer.NOTHING
    seen = found.message if found else "comes on synthetic rows, and not on empty tables"
    times = "once" if item.times == 1 else f"{item.times} times"
    unless = (
        found.help
        if found
        else 'If it may be passed over: `-- kfm:allow data-dependent reason="…"` above the statement.'
    )
    return Finding(
        rule=RULE, hazard=Hazard.DATA_DEPENDENT, severity=Severity.ERROR if silent else Severity.WARNING,
        migration=migration.id, docs=rule_page(RULE), place=Place(file=migration.up_path, line=line, column=1, end_line=line),
        message=f"`when others`{within} {'passes over' if silent else 'only writes a message about'} what {seen}. "
        f"It was caught {times}, and the migration reports success",
        help=f"Let the failure through, catch the one condition that is expected by its name, or keep the rows that fail in a table. {unless}",
    )  # fmt: skip
