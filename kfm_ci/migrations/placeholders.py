"""Places in SQL that another program fills in before it runs; what stands around them can be read all the same."""

from __future__ import annotations

import re

MARK = "ø"
"""Stands for one character of a placeholder in the name that is put in its place."""

_FORMS = re.compile(
    r"\{\{.{0,200}?\}\}|\{%.{0,200}?%\}|\$\{[^}\n]{0,200}\}|<%.{0,200}?%>|%\([A-Za-z_]\w*\)s|@@?[A-Za-z_]\w*@@?"
    r"|(?<![:\w]):(?:'[A-Za-z_]\w*'|\"[A-Za-z_]\w*\"|[A-Za-z_]\w*)",
    re.DOTALL,
)


def fill(text: str) -> tuple[str, tuple[str, ...]]:
    """Return the text with an identifier of equal length for each placeholder, and the placeholders found.

    Lines and columns stay what they were. A text without any comes back as it was.
    """
    found = tuple(dict.fromkeys(match.group() for match in _FORMS.finditer(text)))
    return _FORMS.sub(_identifier, text) if found else text, found


def _identifier(match: re.Match[str]) -> str:
    held = match.group()
    if held.startswith("{%"):
        return re.sub(r"[^\n]", " ", held)
    if held[:2] == ":'":
        return f"'{'p' * (len(held) - 3)}' "
    return "".join("\n" if character == "\n" else MARK for character in held)
