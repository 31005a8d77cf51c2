"""Which steps of expand → migrate → contract the statements of a migration are."""

from __future__ import annotations

from collections import defaultdict

from kfm_ci.analysis.change import Change
from kfm_ci.analysis.changed_statement import ChangeStatement
from kfm_ci.analysis.removed_objects import removals
from kfm_ci.model import Phase

_ADDS = (
    "CreateStmt",
    "CreateTableAsStmt",
    "IndexStmt",
    "ViewStmt",
    "CreateFunctionStmt",
    "CreateTrigStmt",
    "CreateEnumStmt",
    "AlterEnumStmt",
    "CreateSchemaStmt",
    "CreateSeqStmt",
    "CreateDomainStmt",
    "CompositeTypeStmt",
    "CreateExtensionStmt",
)
_CHANGES = ("UpdateStmt", "DeleteStmt", "InsertStmt", "MergeStmt", "CopyStmt")
_PREPARES = ("AT_AddColumn", "AT_AddConstraint", "AT_ColumnDefault", "AT_DropNotNull")
_PROVES = ("AT_ValidateConstraint", "AT_SetNotNull")

Steps = dict[Phase, ChangeStatement]
"""The first statement of each phase."""


def derive(change: Change) -> dict[str, Steps]:
    """Return the phases that the up files of each new migration hold, by the migration's id.

    A statement on an object that the change creates is no step of its own. Dropping a constraint belongs to every
    phase.
    """
    statements = change.statements
    found: dict[str, Steps] = defaultdict(dict)

    def note(phase: Phase, statement: ChangeStatement) -> None:
        before = found[statement.migration.id].get(phase)
        if before is None or statement.ordinal < before.ordinal:
            found[statement.migration.id][phase] = statement

    for item in removals(change):
        note(Phase.CONTRACT, item.statement)
    for statement in statements.of(*_CHANGES):
        if statements.is_existing(statement, statement.tree.one("relation")):
            note(Phase.MIGRATE, statement)
    for alteration in statements.alterations(*_PROVES):
        if statements.is_existing(alteration.statement, alteration.relation):
            note(Phase.MIGRATE, alteration.statement)
    for statement in statements.of(*_ADDS):
        note(Phase.EXPAND, statement)
    for alteration in statements.alterations(*_PREPARES):
        note(Phase.EXPAND, alteration.statement)
    return found
