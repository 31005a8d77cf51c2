"""The statement of a file that a finding on an object points to."""

from __future__ import annotations

import re
from collections.abc import Collection, Sequence

from kfm_ci.model import Place
from kfm_ci.postgres.catalog import Difference
from kfm_ci.sql import statements
from kfm_ci.sql.script import Script

_WORD = re.compile(r"[\w$]+")
_AROUND = frozenset({"SET", "RESET", "SHOW", "SELECT", "BEGIN", "START TRANSACTION", "COMMIT", "ROLLBACK"})
"""Commands that a tool sends around the statements of a migration."""


def locate(script: Script, names: Sequence[str] = (), *, hints: Collection[str] = ()) -> Place:
    """Return the last of the statements that name most of the objects; without any, the first that changes something.

    ``names`` are as in a catalog's difference: kind, schema, object, column. Among statements that name equally much,
    one with a word of ``hints`` is preferred.
    """
    parts = statements.of(script)
    if not parts:
        return Place(file=script.file.path, line=script.first_line, column=1)
    wanted = [_WORD.findall(name.partition("(")[0].lower())[1:] for name in names]
    words_of = [frozenset(_WORD.findall(part.text.lower())) for part in parts]
    # the last word of a name is the most specific one: many statements name the schema
    score, _, at = max(
        (
            max((sum(2**place for place, word in enumerate(name) if word in words) for name in wanted), default=0),
            not words.isdisjoint(hints),
            number,
        )
        for number, words in enumerate(words_of)
    )
    changes = (part for part in parts if statements.kind(part.text) not in _AROUND)
    best = parts[at] if score else next(changes, parts[0])
    return Place(file=script.file.path, line=best.line, column=best.column, end_line=best.end_line)


def differing_words(difference: Difference) -> frozenset[str]:
    """Return the words in which definitions differ, such as ``default`` and ``null``."""
    words = [
        frozenset(_WORD.findall(before.lower())) ^ frozenset(_WORD.findall(after.lower()))
        for _, before, after in difference.changed
    ]
    return frozenset().union(*words)
