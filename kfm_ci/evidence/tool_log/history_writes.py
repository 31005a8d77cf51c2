"""A tool's notes of what it ran, read from what it sent: which migration each is about."""

from __future__ import annotations

import re
from collections.abc import Sequence

from kfm_ci.migrations.model import Command, Migration
from kfm_ci.sql.tokens import Kind, tokens

MADE = frozenset({"insert", "update"})
"""How a tool notes that a migration has run."""
TAKEN_BACK = frozenset({"delete", "update"})
"""How it notes that one was taken back."""


class HistoryWrites:
    """Recognises migrations, in the order in which they are expected, by what a tool writes about them."""

    def __init__(self, expected: Sequence[Migration] = (), verbs: frozenset[str] = MADE) -> None:
        """``expected``: what may be noted; of two that fit one note the earlier is meant."""
        self._waiting = {item.id: _names(item) for item in expected}
        self._known = list(self._waiting.values())
        self._verbs = verbs
        self.found: list[str] = []
        """Ids of the migrations that were noted, in that order."""
        self.strangers = 0
        """How many notes were about no migration that was expected."""

    def read(self, text: str) -> None:
        """Take in a statement on the tool's own tables."""
        if not self._known or text.split(None, 1)[0].lower() not in self._verbs:
            return
        said = _literals(text)
        name = next((name for name, names in self._waiting.items() if _fits(names, said)), None)
        if name is not None:
            del self._waiting[name]
            self.found.append(name)
        elif not any(_fits(names, said) for names in self._known):
            self.strangers += 1


def _names(migration: Migration) -> tuple[bool, frozenset[str]]:
    """Return the names by which a tool may note a migration, and whether all of them must be there."""
    if isinstance(migration.up, Command) and migration.up.history_row_keys:
        return True, frozenset(migration.up.history_row_keys)
    stem = migration.id.rpartition("/")[2].rsplit(".", 1)[0]
    digits = re.match(r"\d+", stem)
    return False, frozenset(
        name for name in (migration.id, migration.version, migration.name, stem, digits[0] if digits else "") if name
    )


def _fits(names: tuple[bool, frozenset[str]], said: set[str]) -> bool:
    every, wanted = names
    return wanted <= said if every else bool(wanted & said)


def _literals(text: str) -> set[str]:
    found = set()
    for token in tokens(text):
        piece = text[token.start : token.end]
        if token.kind is Kind.STRING:
            found.add(piece[piece.index("'") + 1 :].removesuffix("'").replace("''", "'") if "'" in piece else piece)
        elif token.kind is Kind.NUMBER:
            found.add(piece)
    return found
