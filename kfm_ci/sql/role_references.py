"""Roles in SQL: the roles that must exist before it runs, and whether it may change one."""

from __future__ import annotations

import re
from collections.abc import Iterable

from kfm_ci.sql import statements
from kfm_ci.sql.parse_tree import Node
from kfm_ci.sql.script import Script

_OWN = re.compile(r"\balter\s+(?:role|user)\b|\bdatabase\b", re.IGNORECASE)
"""Statements that a database owner may run: settings of its own role, settings and privileges of its databases."""


def may_change(script: Script) -> bool:
    """Whether a script may change a role or database as its owner can; False is certain."""
    return _OWN.search(script.text) is not None


def needed(scripts: Iterable[Script]) -> tuple[str, ...]:
    """Return the roles that must exist, in order of first use, except those in bodies of functions and blocks."""
    found: dict[str, None] = {}
    created: set[str] = set()
    for script in scripts:
        for part in statements.of(script):
            try:
                trees = statements.parse(part.text)
            except statements.SyntaxProblem:
                continue
            for tree in trees:
                found |= dict.fromkeys(name for name in _named(tree) if name not in created)
                created |= {tree.text("role")} if tree.tag == "CreateRoleStmt" else set()
    return tuple(found)


def _named(tree: Node) -> Iterable[str]:
    if tree.tag == "GrantRoleStmt":
        yield from (given.text("priv_name") for given in tree.many("granted_roles"))
    if tree.tag == "DropRoleStmt" and tree.flag("missing_ok"):
        return
    yield from (
        role.text("rolename") for role in tree.find("RoleSpec") if role.choice("roletype") == "ROLESPEC_CSTRING"
    )
