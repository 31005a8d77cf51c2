"""Findings and data loss of one rollback, from its comparison with the state before the migration."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from fnmatch import fnmatchcase

from kfm_ci.evidence.rollback import location
from kfm_ci.evidence.rollback.allowed_leftovers import allowed_leftovers
from kfm_ci.evidence.rollback.comparison import Comparison, can_differ, select, union
from kfm_ci.evidence.rollback.data_loss import DataLoss, DataLosses, losses_of_new_rows
from kfm_ci.evidence.rollback.difference_text import format_difference, join_limited
from kfm_ci.evidence.rollback.model import State
from kfm_ci.evidence.rollback.repair_sql import repair_statements
from kfm_ci.evidence.rollback.result import DrillCase
from kfm_ci.model import Severity, Strategy
from kfm_ci.postgres import catalog
from kfm_ci.postgres.catalog import Difference
from kfm_ci.rules.server.rollback import (
    ROLLBACK_COLUMN_ORDER,
    ROLLBACK_DATA_LOST,
    ROLLBACK_DATA_NOT_COMPARED,
    ROLLBACK_SCHEMA_DIFFERS,
)

_REVERT = "Revert exactly what the up migration does: names, defaults, privileges, comments, validity."
_KEEP_VALUES = (
    "Keep the old values until they are not needed (expand, migrate, contract), or declare `rollback: manual` with a "
    "runbook."
)


def assess(
    case: DrillCase, comparison: Comparison, *, before: State, after: State, now: State, touched: frozenset[int] | None
) -> None:
    """Add findings, evidence and data loss of a rollback to its case.

    ``before`` and ``after`` are the states around the up migration, ``now`` is the one after the rollback, whose
    scripts ``touched`` these relations (None: any).
    """
    subject = case.subject
    leftovers = allowed_leftovers(subject.migration, comparison.difference)
    difference = select(comparison.difference, lambda name: name not in leftovers)
    if subject.strategy is Strategy.COMPENSATING:
        case.exempt = tuple(name for name in difference.names if _matches(name, subject.exceptions))
        difference = select(difference, lambda name: name not in case.exempt)
    shown = catalog.fold(difference, before=before.catalog, after=now.catalog)
    losses = comparison.losses
    changed = union((after.touched, touched))
    unread = tuple(name for name in losses.unread if can_differ(name, before, changed))
    case.difference = shown
    case.schema_restored = difference.empty
    case.data_restored = False if losses.errors else None if unread else True
    case.price.extend(losses_of_new_rows(before.catalog, after.catalog, now=now.catalog))
    case.price.extend(losses.notes)
    case.price.extend(
        f"rolling back leaves {name}, which may have been there before"
        for name in leftovers
        if not name.startswith("comment ")
    )
    if subject.strategy is Strategy.MANUAL:
        _accept(case, shown, losses)
    else:
        statements = repair_statements(shown, before=before.catalog, now=now.catalog)
        _report_differences(case, shown, losses, removed=difference.removed, statements=statements)
    _report_column_orders(case, comparison.column_orders)
    _report_unread(case, unread)


def _matches(name: str, patterns: Sequence[str]) -> bool:
    return any(fnmatchcase(name, pattern) for pattern in patterns)


def _accept(case: DrillCase, difference: Difference, losses: DataLosses) -> None:
    """List as data loss what a rollback that is declared manual does not restore."""
    case.price.extend(loss.sentence for loss in losses.errors)
    if not difference.empty:
        case.price.append(f"the schema is not restored: {format_difference(difference)}")
    if losses.errors or not difference.empty:
        case.messages.append("The rollback is declared manual; it runs, but does not restore everything.")


def _report_differences(
    case: DrillCase,
    difference: Difference,
    losses: DataLosses,
    *,
    removed: Sequence[str],
    statements: Sequence[str],
) -> None:
    """Report the objects and rows that a rollback does not restore.

    Rows of ``removed`` objects are part of the finding on the schema; ``statements`` restore the schema.
    """
    identity = case.subject.id
    within = [loss for loss in losses.errors if frozenset(removed).issuperset(loss.names)]
    others = [loss for loss in losses.errors if loss not in within]
    if not difference.empty:
        lost = [loss.sentence for loss in within if not loss.names[0].startswith("sequence ")]
        case.report(
            ROLLBACK_SCHEMA_DIFFERS,
            f"The rollback of `{identity}` does not restore the schema: "
            + "; ".join((format_difference(difference), *([join_limited(lost)] if lost else ())))
            + ".",
            help=_KEEP_VALUES if lost else _repair_help(statements),
            names=difference.names,
            hints=location.differing_words(difference),
        )
    if others:
        case.report(
            ROLLBACK_DATA_LOST,
            f"The rollback of `{identity}` loses or changes existing rows: {_join_losses(others)}.",
            help=_KEEP_VALUES,
            names=[name for loss in others for name in loss.names],
        )


def _join_losses(losses: Sequence[DataLoss]) -> str:
    return join_limited(loss.sentence for loss in losses)


def _repair_help(statements: Sequence[str]) -> str:
    if not statements or any("`" in statement for statement in statements):
        return _REVERT
    sql = " ".join(f"`{statement}`" for statement in statements)
    return f"End the rollback with {sql}, or revert exactly what the up migration does."


def _report_column_orders(case: DrillCase, orders: Mapping[str, Sequence[str]]) -> None:
    if orders:
        tables = join_limited(f"{name} ({', '.join(columns)})" for name, columns in orders.items())
        case.report(
            ROLLBACK_COLUMN_ORDER,
            f"The rollback restores the columns in a different order: {tables}.",
            help="Name the columns in statements that insert without column names or read columns by position.",
            names=[f"table {name}" for name in orders],
            severity=Severity.NOTE,
        )


def _report_unread(case: DrillCase, tables: Sequence[str]) -> None:
    if tables:
        case.report(
            ROLLBACK_DATA_NOT_COMPARED,
            f"Rows could not be read, so these are not compared: {join_limited(tables)}.",
            help="Grant the migrations' role SELECT on them; row security and privileges apply to it too.",
            names=[f"table {name}" for name in tables],
            severity=Severity.WARNING,
        )
