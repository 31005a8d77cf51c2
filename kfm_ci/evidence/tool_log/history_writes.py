"""Migrations in a tool's writes to its history table: which migration each statement records or removes."""

from __future__ import annotations

import re
from collections.abc import Sequence

from kfm_ci.migrations.model import Command, Migration
from kfm_ci.sql.tokens import Kind, tokens

APPLY_VERBS = frozenset({"insert", "update"})
"""SQL commands by which a tool records that a migration was applied."""
ROLLBACK_VERBS = frozenset({"delete", "update"})
"""SQL commands by which a tool records that a migration was rolled back."""


class HistoryWrites:
    """Recognises the expected migrations by the values that a tool writes to its history table."""

    def __init__(self, expected: Sequence[Migration] = (), verbs: frozenset[str] = APPLY_VERBS) -> None:
        """``expected``: the migrations in the order of their run; a statement that fits two is about the earlier."""
        self._pending = {item.id: _names(item) for item in expected}
        self._expected = list(self._pending.values())
        self._verbs = verbs
        self.migration_ids: list[str] = []
        """Ids of the recorded migrations, in the order of their statements."""
        self.unexpected = 0
        """Number of statements that are about no expected migration."""

    def read(self, text: str) -> None:
        """Add a statement on the tool's own tables."""
        if not self._expected or text.split(None, 1)[0].lower() not in self._verbs:
            return
        values = _literals(text)
        migration_id = next((id_ for id_, names in self._pending.items() if _matches(names, values)), None)
        if migration_id is not None:
            del self._pending[migration_id]
            self.migration_ids.append(migration_id)
        elif not any(_matches(names, values) for names in self._expected):
            self.unexpected += 1


def _names(migration: Migration) -> tuple[bool, frozenset[str]]:
    """Return the names by which a tool may record a migration, and whether a statement must have all of them."""
    if isinstance(migration.up, Command) and migration.up.history_row_keys:
        return True, frozenset(migration.up.history_row_keys)
    stem = migration.id.rpartition("/")[2].rsplit(".", 1)[0]
    digits = re.match(r"\d+", stem)
    return False, frozenset(
        name for name in (migration.id, migration.version, migration.name, stem, digits[0] if digits else "") if name
    )


def _matches(names: tuple[bool, frozenset[str]], values: set[str]) -> bool:
    needs_all, wanted = names
    return wanted <= values if needs_all else bool(wanted & values)


def _literals(text: str) -> set[str]:
    found = set()
    for token in tokens(text):
        piece = text[token.start : token.end]
        if token.kind is Kind.STRING:
            found.add(piece[piece.index("'") + 1 :].removesuffix("'").replace("''", "'") if "'" in piece else piece)
        elif token.kind is Kind.NUMBER:
            found.add(piece)
    return found
