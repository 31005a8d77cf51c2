"""Placeholders in SQL, which another program fills in before it runs."""

from __future__ import annotations

import json
import re
from collections.abc import Mapping
from dataclasses import replace

from kfm_ci.migrations.model import History, Migration
from kfm_ci.sql.script import Script

MARK = "ø"
"""Character of the identifier that replaces a placeholder, once for each of its characters."""

_FORMS = re.compile(
    r"\{\{.{0,200}?\}\}|\{%.{0,200}?%\}|\$\{[^}\n]{0,200}\}|<%.{0,200}?%>|%\([A-Za-z_]\w*\)s|@@?[A-Za-z_]\w*@@?"
    r"|(?<![:\w]):(?:'[A-Za-z_]\w*'|\"[A-Za-z_]\w*\"|[A-Za-z_]\w*)",
    re.DOTALL,
)

_MARKS = re.compile(r"(?:\{\{|\$\{|<%=?|%\(|@@?|:)-?(.*?)-?(?:\}\}|\}|%>|\)s|@@?|)", re.DOTALL)


def fill(text: str) -> tuple[str, tuple[str, ...]]:
    """Return the text with each placeholder replaced by an identifier, and the placeholders.

    The identifier has the length of the placeholder, so lines and columns do not change.
    """
    found = tuple(dict.fromkeys(match.group() for match in _FORMS.finditer(text)))
    return _FORMS.sub(_identifier, text) if found else text, found


def put(history: History, values: Mapping[str, str]) -> History:
    """Return the history with placeholders replaced by the values of ``[migrations.placeholders]``.

    A placeholder is named with or without its marks; blanks are ignored.
    """
    given = {_key(name): value for name, value in values.items()}
    return replace(history, migrations=tuple(_with(item, given) for item in history.migrations)) if given else history


def setting(name: str) -> str:
    """Return the line of ``kfm-ci.toml`` that sets the value of a placeholder."""
    key = " ".join("".join(character if character.isprintable() else " " for character in name).split())[:80]
    quoted = f"'{key}'" if "'" not in key else json.dumps(key, ensure_ascii=False)
    return f'[migrations.placeholders] {quoted} = "…"'


def _with(migration: Migration, given: Mapping[str, str]) -> Migration:
    up, down = migration.up, migration.down
    return replace(
        migration,
        up=_filled(up, given) if isinstance(up, Script) else up,
        down=_filled(down, given) if down else None,
        verify=_filled(migration.verify, given) if migration.verify else None,
    )


def _filled(script: Script, given: Mapping[str, str]) -> Script:
    text = _FORMS.sub(lambda found: given.get(_key(found.group()), found.group()), script.text)
    return replace(script, text=text) if text != script.text else script


def _key(name: str) -> str:
    held = "".join(name.split())
    inner = _MARKS.fullmatch(held)
    return inner[1] if inner else held


def _identifier(match: re.Match[str]) -> str:
    held = match.group()
    if held.startswith("{%"):
        return re.sub(r"[^\n]", " ", held)
    if held[:2] == ":'":
        return f"'{'p' * (len(held) - 3)}' "
    return "".join("\n" if character == "\n" else MARK for character in held)
