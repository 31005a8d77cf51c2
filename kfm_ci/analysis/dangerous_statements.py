"""Statements that can destroy data, break the running application or widen privileges, by their syntax alone."""

from __future__ import annotations

import re
from collections.abc import Iterator

from kfm_ci.analysis.changed_statement import ChangeStatement
from kfm_ci.analysis.changed_statements import ChangeStatements
from kfm_ci.analysis.object_names import Name, targets
from kfm_ci.model import Hazard
from kfm_ci.sql import statements
from kfm_ci.sql.parse_tree import Node

_DROPPED_WITH_ROWS = frozenset({"OBJECT_TABLE", "OBJECT_FOREIGN_TABLE", "OBJECT_SCHEMA", "OBJECT_DATABASE"})
_DROPPED_ALONE = frozenset({"OBJECT_INDEX", "OBJECT_STATISTIC_EXT", "OBJECT_TABCONSTRAINT"})
"""Dropped objects that no query names."""
_RENAMED_ALONE = frozenset({"OBJECT_INDEX", "OBJECT_TABCONSTRAINT", "OBJECT_TRIGGER", "OBJECT_POLICY", "OBJECT_RULE"})
_BY_TAG = {
    "TruncateStmt": Hazard.DATA_LOSS,
    "DeleteStmt": Hazard.DATA_LOSS,
    "UpdateStmt": Hazard.DATA_LOSS,
    "MergeStmt": Hazard.DATA_LOSS,
    "DropOwnedStmt": Hazard.DATA_LOSS,
    "DropdbStmt": Hazard.DATA_LOSS,
    "AlterObjectSchemaStmt": Hazard.BREAKS_CLIENTS,
    "AlterOwnerStmt": Hazard.PRIVILEGE,
    "ReassignOwnedStmt": Hazard.PRIVILEGE,
    "GrantRoleStmt": Hazard.PRIVILEGE,
    "AlterSystemStmt": Hazard.PRIVILEGE,
    "AlterPolicyStmt": Hazard.PRIVILEGE,
}
_BY_COMMAND = {
    "AT_DropColumn": Hazard.DATA_LOSS,
    "AT_SetUnLogged": Hazard.DATA_LOSS,
    "AT_DetachPartition": Hazard.DATA_LOSS,
    "AT_DropInherit": Hazard.DATA_LOSS,
    "AT_AlterColumnType": Hazard.BREAKS_CLIENTS,
    "AT_DisableRowSecurity": Hazard.PRIVILEGE,
    "AT_NoForceRowSecurity": Hazard.PRIVILEGE,
    "AT_ChangeOwner": Hazard.PRIVILEGE,
    "AT_DisableTrig": Hazard.PRIVILEGE,
    "AT_DisableTrigAll": Hazard.PRIVILEGE,
    "AT_DisableTrigUser": Hazard.PRIVILEGE,
    "AT_DropIdentity": Hazard.BREAKS_CLIENTS,
}
_SETS_SEQUENCE = frozenset({"restart"})
_PLACEHOLDERS = re.compile(r"%(?:\d+\$)?-?\d*[IL]|%%")
_ANY_PLACEHOLDER = re.compile(r"%(?!%)")


def hazard_of(tree: Node) -> Hazard | None:
    """Return the hazard of a statement that destroys data, breaks clients or widens privileges; None for others."""
    tag = tree.tag
    if tag == "DropStmt":
        kind = tree.choice("remove_type")
        if kind == "OBJECT_POLICY":
            return Hazard.PRIVILEGE
        if kind in _DROPPED_ALONE:
            return None
        return Hazard.DATA_LOSS if kind in _DROPPED_WITH_ROWS else Hazard.BREAKS_CLIENTS
    if tag == "RenameStmt":
        return None if tree.choice("rename_type") in _RENAMED_ALONE else Hazard.BREAKS_CLIENTS
    if tag == "AlterTableStmt":
        found = (_BY_COMMAND.get(command.choice("subtype")) for command in tree.many("cmds"))
        return next((hazard for hazard in found if hazard is not None), None)
    if tag == "InsertStmt":
        conflict = tree.one("on_conflict_clause")
        is_update = conflict is not None and conflict.choice("action") == "ONCONFLICT_UPDATE"
        return Hazard.DATA_LOSS if is_update else None
    if tag in {"GrantStmt", "AlterDefaultPrivilegesStmt"}:
        return Hazard.PRIVILEGE if _widens(tree.one("action") or tree) else None
    if tag == "AlterEnumStmt":
        return Hazard.BREAKS_CLIENTS if tree.text("old_val") else None
    if tag == "AlterSeqStmt":
        is_reset = any(option.text("defname") in _SETS_SEQUENCE for option in tree.many("options"))
        return Hazard.BREAKS_CLIENTS if is_reset else None
    return _BY_TAG.get(tag)


def _widens(grant: Node) -> bool:
    """Whether a grant goes to everybody, holds all privileges, or may be passed on."""
    if not grant.flag("is_grant"):
        return False
    everybody = any(role.choice("roletype") == "ROLESPEC_PUBLIC" for role in grant.many("grantees"))
    return everybody or not grant.many("privileges") or grant.flag("grant_option")


def is_dangerous(statement: ChangeStatement, change: ChangeStatements) -> bool:
    """Whether a statement of a change can harm an object that existed before the change."""
    if hazard_of(statement.tree) is None:
        return False
    names = [*targets(statement.tree), *_type(statement.tree)]
    return not names or not all(change.is_new(statement, name) for name in names)


def _type(tree: Node) -> Iterator[Name]:
    """Yield the name of the type or domain that a statement changes."""
    if tree.strings("type_name"):
        yield tree.strings("type_name")
    renamed = tree.one("object")
    if renamed is not None and renamed.tag in {"List", "TypeName"}:
        yield renamed.strings("items") or renamed.strings("names")


def is_harmless_template(expression: str) -> bool:
    """Whether dynamic SQL is a ``format`` of one literal that can only build harmless statements."""
    template = _template(expression)
    if template is None:
        return False
    text = _PLACEHOLDERS.sub("x", template)
    if _ANY_PLACEHOLDER.search(text):
        return False
    try:
        trees = statements.parse(text)
    except statements.SyntaxProblem:
        return False
    opaque = {"DoStmt", "CallStmt", "ExecuteStmt", "SelectStmt", "CreateFunctionStmt", "CopyStmt"}
    return all(hazard_of(tree) is None and tree.tag not in opaque for tree in trees)


def _template(expression: str) -> str | None:
    try:
        trees = statements.parse(f"select {expression}")
    except statements.SyntaxProblem:
        return None
    columns = trees[0].many("target_list") if len(trees) == 1 else ()
    call = columns[0].one("val") if len(columns) == 1 else None
    if call is None or call.tag != "FuncCall" or call.strings("funcname")[-1:] != ("format",):
        return None
    first = next(iter(call.many("args")), None)
    text = first.one("sval") if first is not None and first.tag == "A_Const" else None
    return text.text("sval") if text is not None else None
