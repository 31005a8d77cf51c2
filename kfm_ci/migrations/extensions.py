"""Extensions that migrations make themselves."""

from __future__ import annotations

import re

from kfm_ci.migrations.files import History, Script

_MADE = re.compile(r'\bcreate\s+extension\s+(?:if\s+not\s+exists\s+)?(?:"([^"]+)"|(\w+))', re.IGNORECASE)


def made(history: History) -> tuple[str, ...]:
    """Return the names of extensions that the up scripts make, as far as their text tells; each once, sorted."""
    texts = (item.up.text for item in history.migrations if isinstance(item.up, Script))
    return tuple(sorted({found[1] or found[2].lower() for text in texts for found in _MADE.finditer(text)}))
