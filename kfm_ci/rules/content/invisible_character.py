"""Rule ``invisible-character``: invisible or bidirectional control character."""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Iterator

from kfm_ci import phrases
from kfm_ci.analysis.change import Change
from kfm_ci.analysis.changed_files import touched
from kfm_ci.model import Finding, Hazard, Place
from kfm_ci.rule_info import RuleInfo
from kfm_ci.rules.rule import migration_finding

SHOWN_LINES = 20
"""Maximum number of findings in a file."""
_SHOWN_CHARACTERS = 4
_CONTROLS = "\0-\x08\x0b\x0e-\x1f\x7f-\x9f"
_BIDIRECTIONAL = "\u061c\u200e\u200f\u202a-\u202e\u2066-\u2069"
_INVISIBLE = (
    "\u00ad\u034f\u115f\u1160\u17b4\u17b5\u180b-\u180f\u200b-\u200d\u2028\u2029\u2060-\u2065\u206a-\u206f\u2800\u3164"
    "\ufe00-\ufe0f\ufeff\uffa0\ufff0-\ufffb\U0001bca0-\U0001bca3\U0001d173-\U0001d17a\U000e0000-\U000e0fff"
)
_SUSPECT = re.compile(f"[{_CONTROLS}{_BIDIRECTIONAL}{_INVISIBLE}]")
_FLAG = re.compile(
    "\U0001f3f4\U000e0067\U000e0062(?:\U000e0065\U000e006e\U000e0067|\U000e0073\U000e0063\U000e0074|"
    "\U000e0077\U000e006c\U000e0073)\U000e007f"
)
"""The three flags that Unicode recommends with tag characters."""
_EMOJI_PARTS = ("\ufe0f", "\u20e3", *map(chr, range(0x1F3FB, 0x1F400)))
_JOINED_SCRIPTS = range(0x0600, 0x1100)
"""Blocks from Arabic to Georgian, where joiners between letters are part of the spelling."""

INVISIBLE_CHARACTER = RuleInfo(
    id="invisible-character",
    hazard=Hazard.FORBIDDEN_CONTENT,
    title="Invisible or bidirectional control character",
    why=(
        "A bidirectional control reorders the line that a reviewer sees; an invisible character makes two names look "
        "alike. Reviewers then approve another statement than the one that runs. Delete the character, or write it "
        "as an escape such as `U&'\\200B'`."
    ),
    bad="delete from widgets where name = 'old\u200b';\n",
    good="delete from widgets where name = U&'old\\200B';\n",
)


class InvisibleCharacter:
    """Finds characters that change what runs and not what a reviewer sees."""

    info = INVISIBLE_CHARACTER

    def check(self, change: Change) -> Iterator[Finding]:
        """Yield a finding for each line of new and changed files that has such a character."""
        for item in touched(change):
            lines = suspects(item.file.text)
            for number, (line, found) in enumerate(lines.items()):
                if number == SHOWN_LINES:
                    break
                column, first = found[0]
                others = phrases.listed([spelled(character) for _, character in found], _SHOWN_CHARACTERS)
                yield migration_finding(
                    INVISIBLE_CHARACTER,
                    f"Line {line}, column {column} has {_noun(first)}: {others}.",
                    help="Delete it, or write it as an escape (`U&'\\200B'` in SQL).",
                    place=Place(file=item.file.path, line=line, column=column, end_line=line),
                    migration=item.migration,
                    native_format=change.native_format,
                )


def suspects(text: str) -> dict[int, list[tuple[int, str]]]:
    """Return column and character of each invisible or control character, by 1-based line."""
    found: dict[int, list[tuple[int, str]]] = {}
    allowed = {at for flag in _FLAG.finditer(text) for at in range(*flag.span())} if "\U0001f3f4" in text else set()
    line, start = 1, 0
    for match in _SUSPECT.finditer(text):
        at = match.start()
        newlines = text.count("\n", start, at)
        if newlines:
            line += newlines
            start = text.rindex("\n", start, at) + 1
        if at not in allowed and not _is_spelling(text, at):
            found.setdefault(line, []).append((at - start + 1, text[at]))
    return found


def _is_spelling(text: str, at: int) -> bool:
    """Whether the character belongs to an emoji or to the spelling of a word."""
    character, before, after = text[at], text[at - 1 : at], text[at + 1 : at + 2]
    if character in "\ufe0e\ufe0f":
        # a run of selectors can carry hidden bytes; one selects the shape of the symbol before it
        return _is_symbol(before) or (bool(before) and before in "0123456789#*")
    if character == "\u200d":
        joins_symbols = (_is_symbol(before) or before in _EMOJI_PARTS) and _is_symbol(after)
        return joins_symbols or (_is_joined_letter(before) and _is_joined_letter(after))
    return character == "\u200c" and _is_joined_letter(before) and _is_joined_letter(after)


def _is_symbol(character: str) -> bool:
    return bool(character) and unicodedata.category(character)[0] in "SP"


def _is_joined_letter(character: str) -> bool:
    return bool(character) and ord(character) in _JOINED_SCRIPTS and unicodedata.category(character)[0] in "LM"


def _noun(character: str) -> str:
    if re.match(f"[{_BIDIRECTIONAL}]", character):
        return "a bidirectional control character"
    return "a control character" if re.match(f"[{_CONTROLS}]", character) else "an invisible character"


def spelled(character: str) -> str:
    """Return code point and name of a character."""
    name = unicodedata.name(character, "")
    return f"U+{ord(character):04X}" + (f" {name}" if name else "")
