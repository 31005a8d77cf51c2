"""Findings on rights, at the statement of a migration that changed them."""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping

from kfm_ci import phrases
from kfm_ci.assess.case import SHOWN, Case, Step, unqualified
from kfm_ci.evidence.privileges import Right, RightChange
from kfm_ci.model import Finding, Severity
from kfm_ci.rule_info import RuleInfo

_ROLES = ("GrantRoleStmt", "CreateRoleStmt", "AlterRoleStmt", "AlterRoleSetStmt", "DropRoleStmt", "RenameStmt")
_TAGS: Mapping[str, tuple[str, ...]] = {
    "privileges": ("GrantStmt", "AlterOwnerStmt", "DropStmt"),
    "owner privileges": ("GrantStmt", "AlterOwnerStmt"),
    "owner": ("AlterOwnerStmt", "ReassignOwnedStmt", "AlterTableStmt"),
    "default privileges": ("AlterDefaultPrivilegesStmt",),
    "row security": ("AlterTableStmt",),
    "policy": ("CreatePolicyStmt", "AlterPolicyStmt", "DropStmt"),
    "view security": ("ViewStmt", "AlterTableStmt"),
    "function security": ("CreateFunctionStmt", "AlterFunctionStmt"),
    "role": _ROLES,
    "membership": _ROLES,
    "setting": ("AlterRoleSetStmt", "AlterDatabaseSetStmt"),
    "extension": ("CreateExtensionStmt",),
    "publication": ("CreatePublicationStmt", "AlterPublicationStmt"),
    "event trigger": ("CreateEventTrigStmt", "AlterEventTrigStmt"),
    "remote": (
        "CreateForeignServerStmt",
        "AlterForeignServerStmt",
        "CreateUserMappingStmt",
        "AlterUserMappingStmt",
        "CreateFdwStmt",
        "AlterFdwStmt",
        "CreateSubscriptionStmt",
        "AlterSubscriptionStmt",
    ),
}
"""Statements that change a right, by its aspect."""
_CONTAINERS = frozenset({"DO", "CALL", "SELECT"})


def find_statement(case: Case, change: RightChange) -> Step | None:
    """Return the last statement that changes such a right and names the object, else a block or call; else None."""
    right = change.right
    last = unqualified(right.object.partition("(")[0].rpartition(" ")[2])
    word = re.compile(rf"(?<![\w$]){re.escape(last)}(?![\w$])", re.IGNORECASE)
    steps = [step for step in case.steps if step.seen.error is None]
    fitting = [step for step in steps if any(True for _ in step.nodes(*_TAGS[right.aspect]))]
    naming = [step for step in fitting if word.search(step.text)]
    blocks = [step for step in steps if step.seen.kind in _CONTAINERS]
    # the last of them decided what the catalogs show
    for found in (naming, fitting, blocks):
        if found:
            return found[-1]
    return steps[0] if len(steps) == 1 else None


def rights_finding(
    case: Case, rule: RuleInfo, change: RightChange, message: str, *, help: str, severity: Severity = Severity.ERROR
) -> Finding:
    """Return a finding at the statement that changed a right."""
    return case.finding(rule, message, step=find_statement(case, change), help=help, severity=severity)


def name(right: Right) -> str:
    """Return kind and name of an object, such as: Function `public.f()`."""
    return f"`{right.object}`"


def listed(values: Iterable[str]) -> str:
    """Return privileges as one text, sorted."""
    return phrases.listed(sorted(values), SHOWN)
