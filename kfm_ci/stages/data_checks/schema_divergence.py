"""Part of stage ``apply``: whether the new migrations leave another schema where there are rows."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager

from kfm_ci.evidence.data_dependence import schema_divergence
from kfm_ci.evidence.data_dependence.schema_divergence import SchemaDivergence
from kfm_ci.migrations.model import Migration
from kfm_ci.model import Finding, Hazard, Place, Severity, rule_page
from kfm_ci.postgres import catalog
from kfm_ci.postgres.session import Session
from kfm_ci.sql import statements
from kfm_ci.stages.run import Run
from kfm_ci.stages.setup.execution import script_of

RULE = "data-dependent-schema"

_NAMED = 3
"""So many objects are named."""


def judge(run: Run) -> None:
    """Hold the schema made on rows against the one made without, and report the statement where they part.

    Only code decides by rows, and only code swallows what they make fail: without such a statement nothing is asked.
    """
    if run.unseeded is None or run.final_catalog is None or not decides(run):
        return
    with run.connect(run.unseeded) as connection:
        unseeded = catalog.read(connection)
    if unseeded.digest == run.final_catalog.digest:
        return
    with grounds(run) as (bare, seeded):
        for migration in run.new:
            found = schema_divergence.find(script_of(migration), bare=bare, seeded=seeded)
            if found is not None:
                run.findings.append(_finding(migration, found))
                return


def decides(run: Run) -> bool:
    """Whether there are rows, and code among the new migrations that can do otherwise for them."""
    sown = run.unseeded is not None and run.origin not in {None, run.base_database}
    return sown and any(
        schema_divergence.calls(item) for migration in run.new for item in statements.of(script_of(migration))
    )


@contextmanager
def grounds(run: Run) -> Iterator[tuple[Session, Session]]:
    """Yield a copy of the base without rows and one with, to run the new migrations on again."""
    if run.server is None:
        raise RuntimeError("no server yet")
    names = [run.server.create_database(f"parting_{number}", template=template)
             for number, template in enumerate((run.base_database, run.origin))]  # fmt: skip
    try:
        with run.connect(names[0]) as bare, run.connect(names[1]) as seeded:
            yield bare, seeded
    finally:
        for name in names:
            run.server.drop_database(name)


def _finding(migration: Migration, found: SchemaDivergence) -> Finding:
    statement, parted = found.statement, found.difference
    place = Place(file=migration.up_path, line=statement.line, column=1, end_line=statement.end_line)
    if not (parted.changed or parted.removed):
        return Finding(
            rule=RULE, hazard=Hazard.DATA_DEPENDENT, severity=Severity.NOTE, place=place, migration=migration.id,
            message=f"makes objects from rows ({_names(parted.added)} here, on synthetic rows): production's rows decide which",
            docs=rule_page(RULE),
        )  # fmt: skip
    lacks = [f"{item.name} is {_short(item.after)!r} instead of {_short(item.before)!r}" for item in parted.changed]
    lacks += [f"{name} is missing" for name in parted.removed]
    lacks += [f"{name} is added" for name in parted.added]
    return Finding(
        rule=RULE, hazard=Hazard.DATA_DEPENDENT, severity=Severity.ERROR, place=place, migration=migration.id,
        message="leaves another schema where the tables have rows than where they are empty, and reports success: with rows "
        f"{_names(tuple(lacks), '; ')}. It swallows a failure, or decides by the rows",
        help="let the failure through (drop `exception when others`, or catch the one condition that is expected and raise the rest). "
        'If the schema is meant to depend on rows: `-- kfm:allow data-dependent reason="…"` above the statement.',
        docs=rule_page(RULE),
    )  # fmt: skip


def _names(names: tuple[str, ...], joint: str = ", ") -> str:
    more = f" and {len(names) - _NAMED} more" if len(names) > _NAMED else ""
    return joint.join(names[:_NAMED]) + more


def _short(definition: str, length: int = 80) -> str:
    flat = " ".join(definition.split())
    return flat if len(flat) <= length else f"{flat[: length - 1]}…"
