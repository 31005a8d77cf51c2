"""Part of stage ``apply``: whether the new migrations leave another schema where there are rows."""

from __future__ import annotations

from kfm_ci.evidence import parting
from kfm_ci.evidence.parting import Parting
from kfm_ci.migrations import statements
from kfm_ci.migrations.files import Migration
from kfm_ci.model import Finding, Hazard, Place, Severity, rule_page
from kfm_ci.postgres import catalog
from kfm_ci.stages.base import Run
from kfm_ci.stages.provision import script_of

RULE = "data-dependent-schema"

_NAMED = 3
"""So many objects are named."""


def judge(run: Run) -> None:
    """Hold the schema made on rows against the one made without, and report the statement where they part.

    Only code decides by rows, and only code swallows what they make fail: without such a statement nothing is asked.
    """
    if run.unseeded is None or run.origin in {None, run.base_database} or run.final_catalog is None:
        return
    if not any(parting.calls(statement) for item in run.new for statement in statements.of(script_of(item))):
        return
    with run.connect(run.unseeded) as connection:
        unseeded = catalog.read(connection)
    if unseeded.digest == run.final_catalog.digest:
        return
    found = _find(run)
    if found is not None:
        run.findings.append(_finding(*found))


def _find(run: Run) -> tuple[Migration, Parting] | None:
    """Run the migrations again with and without rows, until the schemas part; None when they do not."""
    if run.server is None:
        return None
    names = [run.server.create_database(f"parting_{number}", template=template)
             for number, template in enumerate((run.base_database, run.origin))]  # fmt: skip
    try:
        with run.connect(names[0]) as bare, run.connect(names[1]) as seeded:
            for migration in run.new:
                found = parting.find(script_of(migration), bare=bare, seeded=seeded)
                if found is not None:
                    return migration, found
    finally:
        for name in names:
            run.server.drop_database(name)
    return None


def _finding(migration: Migration, found: Parting) -> Finding:
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
