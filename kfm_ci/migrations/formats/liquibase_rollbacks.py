"""Changesets that Liquibase can roll back: those with an explicit rollback, and those with invertible changes only."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator

TURNED = frozenset(
    {
        "addColumn",
        "addDefaultValue",
        "addForeignKeyConstraint",
        "addLookupTable",
        "addNotNullConstraint",
        "addPrimaryKey",
        "addUniqueConstraint",
        "createIndex",
        "createSequence",
        "createTable",
        "createView",
        "dropNotNullConstraint",
        "empty",
        "output",
        "renameColumn",
        "renameSequence",
        "renameTable",
        "renameView",
        "tagDatabase",
    }
)
"""Changes for which Liquibase 4.33 generates the rollback."""
_ASIDE = frozenset({"preConditions", "comment", "validCheckSum", "modifySql", "property"})
_HIDDEN = re.compile(r"<!--.*?-->|<!\[CDATA\[.*?\]\]>", re.DOTALL)
_TAG = re.compile(r"<(/?)(?:\w+:)?(\w+)\b(?:[^>\"']|\"[^\"]*\"|'[^']*')*?(/?)>")
_ENTRY = re.compile(r"^([ \t]*)-[ \t]+[\"']?(\w+)[\"']?[ \t]*:", re.MULTILINE)
_CHANGES = re.compile(r"^([ \t]*)changes[ \t]*:", re.MULTILINE)
_ROLLBACK = re.compile(r"^[ \t]*(?:-[ \t]+)?rollback[ \t]*:", re.MULTILINE)
_SQL = re.compile(r"^[ \t]*(?:--|/\*)[ \t]*(?:liquibase[ \t]+)?rollback\b", re.IGNORECASE | re.MULTILINE)


def there(path: str, text: str) -> bool:
    """Whether Liquibase can roll back a changeset, judged by its source text."""
    kind = path.rpartition(".")[2].lower()
    if kind == "sql":
        return _SQL.search(text) is not None
    named = set(_xml(text) if kind == "xml" else _json(text) if kind == "json" else _yaml(text))
    return "rollback" in named or named <= TURNED


def _xml(text: str) -> Iterator[str]:
    """Yield the names of the direct children of a changeset."""
    depth = 0
    for tag in _TAG.finditer(_HIDDEN.sub("", text)):
        if tag[1]:
            depth -= 1
            continue
        if depth == 1 and tag[2] not in _ASIDE:
            yield tag[2]
        depth += 0 if tag[3] else 1


def _json(text: str) -> Iterator[str]:
    held = json.loads(text)
    if "rollback" in held:
        yield "rollback"
    changes = held.get("changes")
    for change in changes if isinstance(changes, list) else ():
        yield from change if isinstance(change, dict) else ()


def _yaml(text: str) -> Iterator[str]:
    if _ROLLBACK.search(text):
        yield "rollback"
    begin = _CHANGES.search(text)
    entries = list(_ENTRY.finditer(text, begin.end())) if begin else []
    for entry in entries:
        if entry[1] == entries[0][1]:
            yield entry[2]
