"""Extensions that migrations create."""

from __future__ import annotations

import re
from collections.abc import Iterator

from kfm_ci.migrations.model import Command, History, Migration

_CREATED = re.compile(
    r'\bcreate\s+extension\s+(?:if\s+not\s+exists\s+)?(?:\\?"([^"\\]+)\\?"|([a-z_]\w*))'
    r"|\bCreateExtension\(\s*(?:name\s*=\s*)?[\"']([\w-]+)[\"']",
    re.IGNORECASE,
)
_OPERATION = re.compile(
    r"\b(BloomExtension|BtreeGi[ns]t?Extension|CITextExtension|CryptoExtension|HStoreExtension"
    r"|TrigramExtension|UnaccentExtension)\("
)
_BY_OPERATION = {
    "Bloom": "bloom",
    "BtreeGin": "btree_gin",
    "BtreeGist": "btree_gist",
    "CIText": "citext",
    "Crypto": "pgcrypto",
    "HStore": "hstore",
    "Trigram": "pg_trgm",
    "Unaccent": "unaccent",
}
"""Extension of each Django operation."""


def created_by(history: History) -> tuple[str, ...]:
    """Return the sorted names of the extensions that the migrations create, as found in their text."""
    return tuple(sorted({name for item in history.migrations for name in _names(_text(item))}))


def _names(text: str) -> Iterator[str]:
    for quoted, plain, called in _CREATED.findall(text):
        yield quoted or called or plain.lower()
    for name in _OPERATION.findall(text):
        yield _BY_OPERATION[name.removesuffix("Extension")]


def _text(migration: Migration) -> str:
    up = migration.up
    return (up.part or up.file.text) if isinstance(up, Command) else up.text
