"""Part of stage ``apply``: whether the new migrations leave another schema where there are rows."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager

from kfm_ci.evidence.data_dependence import schema_divergence
from kfm_ci.evidence.data_dependence.schema_divergence import SchemaDivergence
from kfm_ci.migrations.model import Migration
from kfm_ci.model import Finding, Place, Severity
from kfm_ci.postgres import catalog
from kfm_ci.postgres.session import Session
from kfm_ci.rules.server.execution import DATA_DEPENDENT_SCHEMA
from kfm_ci.sql import statements
from kfm_ci.stages.results import ApplyResult, DryRunResult, Provisioned

_NAMED = 3
"""Maximum number of objects in a message."""


def check_divergence(base: Provisioned, applied: ApplyResult, dry_run: DryRunResult) -> tuple[Finding, ...]:
    """Compare the schema made on rows with the one made without; return a finding at the statement that diverges.

    Only code can branch on rows or swallow their errors: without such a statement nothing is compared.
    """
    if not runs_code_on_rows(base, applied):
        return ()
    with base.connect(dry_run.unseeded) as connection:
        unseeded = catalog.read(connection)
    if unseeded.digest == applied.catalog.digest:
        return ()
    with empty_and_seeded(base, applied) as (empty, seeded):
        for migration in base.new:
            found = schema_divergence.find_divergence(migration.up, empty=empty, seeded=seeded)
            if found is not None:
                return (_finding(migration, found),)
    return ()


def runs_code_on_rows(base: Provisioned, applied: ApplyResult) -> bool:
    """Whether there are synthetic rows, and new migrations contain code that can branch on these."""
    has_rows = applied.seeded_base != base.base_database
    return has_rows and any(
        schema_divergence.runs_code(item) for migration in base.new for item in statements.of(migration.up)
    )


@contextmanager
def empty_and_seeded(base: Provisioned, applied: ApplyResult) -> Iterator[tuple[Session, Session]]:
    """Yield sessions on a clone of the base without rows and one with, to run the new migrations on again."""
    templates = (base.base_database, applied.seeded_base)
    names = [base.server.create_database(f"divergence_{n}", template=item) for n, item in enumerate(templates)]
    try:
        with base.connect(names[0]) as empty, base.connect(names[1]) as seeded:
            yield empty, seeded
    finally:
        for name in names:
            base.server.drop_database(name)


def _finding(migration: Migration, found: SchemaDivergence) -> Finding:
    statement, difference = found.statement, found.difference
    place = Place(file=migration.up_path, line=statement.line, column=1, end_line=statement.end_line)
    if not (difference.changed or difference.removed):
        return DATA_DEPENDENT_SCHEMA.finding(
            f"The statement creates objects from rows ({_names(difference.added)} on the synthetic rows): "
            "production's rows decide which.",
            place=place,
            migration=migration.id,
            severity=Severity.NOTE,
        )
    changes = [
        f"{item.name} is {_short(item.after)!r} instead of {_short(item.before)!r}" for item in difference.changed
    ]
    changes += [f"{name} is missing" for name in difference.removed]
    changes += [f"{name} is added" for name in difference.added]
    return DATA_DEPENDENT_SCHEMA.finding(
        f"The resulting schema differs between empty and populated tables: with rows {_names(tuple(changes), '; ')}. "
        "The statement swallows an error or branches on the rows, and reports success.",
        help="Remove `EXCEPTION WHEN OTHERS`, or catch only the expected condition, so that the error aborts "
        "the migration. "
        'Write `-- kfm:allow data-dependent reason="…"` above the statement if the schema is meant to depend on rows.',
        place=place,
        migration=migration.id,
        severity=Severity.ERROR,
    )


def _names(names: tuple[str, ...], joint: str = ", ") -> str:
    more = f" and {len(names) - _NAMED} more" if len(names) > _NAMED else ""
    return joint.join(names[:_NAMED]) + more


def _short(definition: str, length: int = 80) -> str:
    flat = " ".join(definition.split())
    return flat if len(flat) <= length else f"{flat[: length - 1]}…"
