"""From trees back to text: the parser's other direction."""

from __future__ import annotations

from functools import lru_cache

import postgast

from kfm_ci.sql.parse_tree import Node

_UNRESERVED = 1
"""The parser's number for a keyword that may be any name; what has no number is no keyword."""


@lru_cache(maxsize=4096)
def is_keyword(word: str) -> bool:
    """Whether a word in lower case is a keyword that cannot always stand for a name."""
    found = postgast.scan(word).tokens
    return len(found) == 1 and found[0].keyword_kind > _UNRESERVED


def flipped(statement: Node) -> str:
    """Return a ``GRANT`` as the ``REVOKE`` of the same, and the other way round."""
    result = postgast.ParseResult()
    holder = result.stmts.add().stmt
    statement.put(holder)
    held = getattr(holder, holder.WhichOneof("node"))
    action = held.action if statement.tag == "AlterDefaultPrivilegesStmt" else held
    action.is_grant = not action.is_grant
    return str(postgast.deparse(result))


def concurrently(statement: Node) -> str:
    """Return a ``CREATE INDEX`` as the same beside writers; without ``if not exists``, which would pass over a wreck."""
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
