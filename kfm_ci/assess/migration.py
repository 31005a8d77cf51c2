"""Findings on one migration from its observed evidence."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import replace

from kfm_ci.assess import blocking_locks, lock_safety, privileges, removed_objects, replaced_objects, row_losses
from kfm_ci.assess.case import Case, steps
from kfm_ci.evidence import object_changes
from kfm_ci.evidence.model import SchemaDiff
from kfm_ci.evidence.object_changes import ObjectChanges
from kfm_ci.evidence.privileges import Rights
from kfm_ci.evidence.row_evidence import RowEvidence
from kfm_ci.evidence.statement_evidence import StatementEvidence
from kfm_ci.evidence.table_statistics.model import Statistics
from kfm_ci.evidence.tables import ForeignKey
from kfm_ci.migrations.model import Migration
from kfm_ci.model import Finding, Mode, Rollout

CHECKS: tuple[Callable[[Case], Iterator[Finding]], ...] = (
    blocking_locks.check,
    lock_safety.check,
    removed_objects.check,
    row_losses.check,
    privileges.check,
    replaced_objects.check,
)
"""The checks of every migration, in the order of their findings."""


def check_migration(
    migration: Migration,
    evidence: tuple[StatementEvidence, ...],
    *,
    rollout: Rollout | None = None,
    schema_diff: SchemaDiff | None = None,
    objects: ObjectChanges | None = None,
    created: frozenset[str] = frozenset(),
    statistics: Statistics | None = None,
    unindexed: tuple[ForeignKey, ...] = (),
    mode: Mode = Mode.TRANSACTION,
    rows: RowEvidence | None = None,
    rows_restored: bool = False,
    rights: Rights | None = None,
) -> tuple[Finding, ...]:
    """Return the findings on a migration as the server ran it.

    ``rollout`` is what its header declares; ``objects`` are the existing objects followed by OID (None: by name, from
    ``schema_diff``); ``created`` are the names of the objects that the pull request's earlier migrations created, which
    no application uses yet; ``statistics`` are the sizes of production's tables, and scale
    the severity of locks and work; ``unindexed`` are the foreign keys of the whole pull request that no index serves
    at its end; ``rows`` is what the migration did to rows of existing tables, ``rows_restored`` is whether its rollback
    was proven to restore them.
    """
    case = Case(
        migration=migration,
        steps=steps(migration, evidence),
        in_transaction=mode is Mode.TRANSACTION,
        rollout=rollout,
        schema_diff=schema_diff or SchemaDiff(),
        created=created,
        statistics=statistics,
        unindexed=unindexed,
        rows=rows or RowEvidence(),
        rows_restored=rows_restored,
        rights=rights or Rights(),
    )
    case = replace(case, objects=objects or _objects_by_name(case))
    return tuple(finding for check in CHECKS for finding in check(case))


def _objects_by_name(case: Case) -> ObjectChanges:
    """Return the changes of a migration of which only the names of its objects are known."""
    difference = case.schema_diff
    touched = (*difference.removed, *(change.name for change in difference.changed))
    return object_changes.by_name((name for name in touched if not case.is_new(name)), difference.removed)
