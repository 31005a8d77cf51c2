"""What SQL says of roles: which it names and does not make, so that somebody must have made them before, and whether it changes any."""

from __future__ import annotations

import re
from collections.abc import Iterable

from kfm_ci.sql import statements
from kfm_ci.sql.parse_tree import Node
from kfm_ci.sql.script import Script

_OWN = re.compile(r"\balter\s+(?:role|user)\b|\bdatabase\b", re.IGNORECASE)
"""All that a plain owner may: settings of its own role, settings and rights of its databases."""


def may_change(script: Script) -> bool:
    """Whether a script may change what a plain owner can change of roles; False where its text does not say it."""
    return _OWN.search(script.text) is not None


def needed(scripts: Iterable[Script]) -> tuple[str, ...]:
    """Return the names in the order in which they are first met; what code of a function or a block names is not looked for."""
    found: dict[str, None] = {}
    made: set[str] = set()
    for script in scripts:
        for part in statements.of(script):
            try:
                trees = statements.parse(part.text)
            except statements.SyntaxProblem:
                continue
            for tree in trees:
                found |= dict.fromkeys(name for name in _named(tree) if name not in made)
                made |= {tree.text("role")} if tree.tag == "CreateRoleStmt" else set()
    return tuple(found)


def _named(tree: Node) -> Iterable[str]:
    if tree.tag == "GrantRoleStmt":
        yield from (given.text("priv_name") for given in tree.many("granted_roles"))
    if tree.tag == "DropRoleStmt" and tree.flag("missing_ok"):
        return
    yield from (
        role.text("rolename") for role in tree.find("RoleSpec") if role.choice("roletype") == "ROLESPEC_CSTRING"
    )
