"""Statements that cannot run in a transaction block, and statements that begin or end one."""

from __future__ import annotations

import re
from dataclasses import replace

from kfm_ci.model import Mode, Resumption
from kfm_ci.sql import statements
from kfm_ci.sql.script import Script, Statement
from kfm_ci.sql.tokens import words

_AUTOCOMMIT_WORD = re.compile(r"vacuum|concurrently|reindex|system|database|tablespace", re.IGNORECASE)
"""Words of the statements that cannot run in a transaction block; most texts have none of them."""
_CONTROLS = re.compile(r"\b(?:begin|start|commit|rollback|abort|end|prepare)\b", re.IGNORECASE)
"""Words of the statements that begin or end a transaction."""
_ENDS = frozenset({"commit", "rollback", "abort", "end"})
_BEGINS = frozenset({"begin", "start"})
_PLAIN = frozenset(
    {
        ("begin",),
        ("begin", "work"),
        ("begin", "transaction"),
        ("start", "transaction"),
        ("commit",),
        ("commit", "work"),
        ("commit", "transaction"),
        ("end",),
        ("end", "work"),
        ("end", "transaction"),
    }
)
_COMMITS = re.compile(r"\b(?:commit|end)\b", re.IGNORECASE)
_LAST_LINES = 3
"""Maximum number of lines of a final COMMIT."""


def requires_autocommit(statement: Statement) -> str | None:
    """Return the reason why a statement cannot run inside a transaction block; None if it can."""
    if _AUTOCOMMIT_WORD.search(statement.text) is None:
        return None
    found = [word.lower() for word in words(statement.text)]
    first = found[0] if found else ""
    two = tuple(found[:2])
    if first == "vacuum":
        return "VACUUM cannot run inside a transaction block"
    if two in {
        ("alter", "system"),
        ("create", "database"),
        ("drop", "database"),
        ("create", "tablespace"),
        ("drop", "tablespace"),
    }:
        return f"{' '.join(two).upper()} cannot run inside a transaction block"
    if (
        first in {"create", "drop", "reindex"}
        and "concurrently" in found[:8]
        and ("index" in found[:4] or first == "reindex")
    ):
        return f"{first.upper()} … CONCURRENTLY cannot run inside a transaction block"
    if first == "reindex" and {"database", "system", "schema"} & set(found[1:6]):
        return "REINDEX of more than one table cannot run inside a transaction block"
    if two == ("alter", "table") and "detach" in found and "concurrently" in found:
        return "DETACH PARTITION … CONCURRENTLY cannot run inside a transaction block"
    return None


def leaves_transaction(statement: Statement) -> bool:
    """Whether a statement ends the transaction that it runs in."""
    found = [word.lower() for word in words(statement.text, 6)]
    if not found:
        return False
    if found[0] in _ENDS:
        return not (found[0] == "rollback" and "to" in found[1:4])
    return found[:2] == ["prepare", "transaction"]


def may_leave(script: Script) -> bool:
    """Whether a script may end the transaction of its tool; False is certain.

    A backslash makes it uncertain, because its meaning in a literal depends on ``standard_conforming_strings``.
    """
    if _CONTROLS.search(script.text) is None:
        return False
    return "\\" in script.text or any(map(leaves_transaction, statements.of(script)))


def resumption(script: Script) -> Resumption | None:
    """Return how the tool continues after a script ends its transaction; None: it does not, or the tool fails."""
    if script.resumption is None or script.mode is Mode.AUTOCOMMIT or not may_leave(script):
        return None
    return script.resumption if any(leaves_transaction(part) for part in statements.of(script)) else None


def controls_transaction(statement: Statement) -> bool:
    """Whether a statement begins or ends a transaction; savepoints do not."""
    found = [word.lower() for word in words(statement.text, 2)]
    return bool(found) and (found[0] in _BEGINS or leaves_transaction(statement))


def savepoint(statement: Statement) -> tuple[str, str] | None:
    """Return ``savepoint``, ``release`` or ``rollback`` with the savepoint's name; None for any other statement."""
    found = [word.lower() for word in words(statement.text, 6) if word != ";"]
    if found[:1] == ["rollback"] and "to" in found[1:3]:
        return "rollback", found[-1]
    return (found[0], found[-1]) if found[:1] in (["savepoint"], ["release"]) else None


def unwrapped(script: Script) -> Script:
    """Return a script without its ``BEGIN`` and ``COMMIT``, if they enclose all statements, in mode ``TRANSACTION``.

    The effect and the line numbers are the same. Any other script is returned unchanged.
    """
    if not _may_commit(script.text):
        return script
    parts = statements.of(script)
    if len(parts) < 3 or [number for number, part in enumerate(parts) if controls_transaction(part)] != [
        0,
        len(parts) - 1,
    ]:
        return script
    ends = ([word.lower() for word in words(part.text)] for part in (parts[0], parts[-1]))
    if not all(tuple(found) in _PLAIN for found in ends) or any(requires_autocommit(part) for part in parts):
        return script
    text = script.text
    for part in (parts[-1], parts[0]):
        stop = part.offset + len(part.text)
        stop += len(text[stop:]) - len(text[stop:].lstrip().removeprefix(";"))
        text = text[: part.offset] + re.sub(r"[^\n]", " ", text[part.offset : stop]) + text[stop:]
    return replace(script, text=text, mode=Mode.TRANSACTION)


def _may_commit(text: str) -> bool:
    """Whether one of the last lines has ``COMMIT`` or ``END``, in time linear in the text."""
    last: list[str] = []
    for line in reversed(text.splitlines()):
        content = line.strip()
        if content and not content.startswith("--"):
            last.append(content)
            if len(last) == _LAST_LINES:
                break
    return any(_COMMITS.search(line) for line in last)


def mode(script: Script) -> Mode:
    """Return the transaction mode of a script: as set, otherwise a transaction unless a statement cannot run in one.

    Several statements in one simple-query message run in an implicit transaction block, unless they control
    transactions themselves. A script that ends the transaction of its tool, which then continues, does not run in one.
    """
    if resumption(script) is not None:
        return Mode.AUTOCOMMIT
    if script.mode is Mode.TRANSACTION or (script.mode is not None and not script.implicit_transaction):
        return script.mode
    if _AUTOCOMMIT_WORD.search(script.text) is None and not (
        script.implicit_transaction and _CONTROLS.search(script.text)
    ):
        return Mode.TRANSACTION
    parts = statements.of(script)
    if script.implicit_transaction and len(parts) > 1:
        return Mode.AUTOCOMMIT if any(controls_transaction(part) for part in parts) else Mode.TRANSACTION
    return Mode.AUTOCOMMIT if any(requires_autocommit(part) for part in parts) else Mode.TRANSACTION
