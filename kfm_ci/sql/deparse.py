"""SQL text of parse trees."""

from __future__ import annotations

from functools import lru_cache

import postgast

from kfm_ci.sql.parse_tree import Node

_UNRESERVED = 1
"""libpg_query's number for a keyword that may be any name; other words have no number."""


@lru_cache(maxsize=4096)
def is_keyword(word: str) -> bool:
    """Whether a lower-case word is a keyword that must be quoted in some places."""
    found = postgast.scan(word).tokens
    return len(found) == 1 and found[0].keyword_kind > _UNRESERVED


def grant_inverse(statement: Node) -> str:
    """Return the ``REVOKE`` of a ``GRANT``, or the ``GRANT`` of a ``REVOKE``."""
    result = postgast.ParseResult()
    holder = result.stmts.add().stmt
    statement.put(holder)
    held = getattr(holder, holder.WhichOneof("node"))
    action = held.action if statement.tag == "AlterDefaultPrivilegesStmt" else held
    action.is_grant = not action.is_grant
    return str(postgast.deparse(result))


def concurrently(statement: Node) -> str:
    """Return ``CREATE INDEX`` as ``CREATE INDEX CONCURRENTLY``.

    ``IF NOT EXISTS`` is removed, because it would skip an invalid index of that name.
    """
    result = postgast.ParseResult()
    holder = result.stmts.add().stmt
    statement.put(holder)
    holder.index_stmt.concurrent, holder.index_stmt.if_not_exists = True, False
    return str(postgast.deparse(result))


def expression(node: Node) -> str:
    """Return an expression as SQL."""
    result = postgast.ParseResult()
    node.put(result.stmts.add().stmt.select_stmt.target_list.add().res_target.val)
    return str(postgast.deparse(result)).removeprefix("SELECT ")
