"""Escaping of untrusted text for Markdown, HTML, Mermaid and XML: every string of a pull request passes through it."""

from __future__ import annotations

import html
import re
import unicodedata

_BREAKER = "\u200b"
"""Zero-width space: GitHub looks for mentions after entities are decoded, so only a character in between helps."""
_MARKDOWN = {ord(mark): f"\\{mark}" for mark in "\\`*_{}[]()!|~^=#"} | {
    ord("&"): "&amp;",
    ord("<"): "&lt;",
    ord(">"): "&gt;",
    ord("$"): "&#36;",
}
_LINE_START = re.compile(r"^(\s*)([-+=]|\d+(?=[.)]))")
_ACTIVE = re.compile(r"(?i)([@#]|:(?=//)|(?:www|gh|mailto|xmpp)(?=[.:-]))")
"""Text that GitHub turns into mentions, references and links."""
_INVISIBLE = frozenset({"Cc", "Cf", "Cs", "Co", "Cn", "Zl", "Zp"})
_XML_ILLEGAL = re.compile("[^\t\n\r\u0020-\ud7ff\ue000-\ufffd\U00010000-\U0010ffff]")


def visible(text: str) -> str:
    """Return text with control, format and bidirectional characters escaped; newline and tab stay."""
    return "".join(_spell(character) for character in text.replace("\r\n", "\n"))


def _spell(character: str) -> str:
    if character in "\n\t" or unicodedata.category(character) not in _INVISIBLE:
        return character
    return f"⟨U+{ord(character):04X}⟩"


def single_line(text: str) -> str:
    """Return visible text on one line, runs of white space made one space."""
    return " ".join(visible(text).split())


def clip(text: str, limit: int) -> str:
    """Return text of at most ``limit`` characters, with an ellipsis where it was cut."""
    return text if len(text) <= limit else text[: limit - 1] + "…"


def inline(text: str, limit: int = 600) -> str:
    """Return text as Markdown that renders as itself: no mark-up, mention, link, comment or table border."""
    return _LINE_START.sub(_defuse_start, _defused(clip(single_line(text), limit)))


def _closed(text: str) -> str:
    """Return a truncated sentence without an incomplete code span."""
    cut = text.endswith("…") and text.count("`") % 2
    return f"{text[: text.rindex('`')].rstrip()} …" if cut else text


def prose(text: str, limit: int = 600) -> str:
    """Return a message of kfm-ci as Markdown: text in backticks becomes code, the rest is escaped.

    Names of a pull request in it may contain backticks, so each part is escaped separately.
    """
    # adjacent code spans would be rendered as one
    parts = _closed(clip(single_line(text), limit)).replace("``", f"`{_BREAKER}`").split("`")
    if len(parts) % 2 == 0:  # an unpaired backtick stays a backtick
        parts[-2:] = [f"{parts[-2]}`{parts[-1]}"]
    written = [
        (code(part) if part.strip() else f"\\`{part}\\`") if number % 2 else _defused(part)
        for number, part in enumerate(parts)
    ]
    return _LINE_START.sub(_defuse_start, "".join(written))


def _defused(flat: str) -> str:
    return _ACTIVE.sub(r"\1" + _BREAKER, flat).translate(_MARKDOWN)


def _defuse_start(match: re.Match[str]) -> str:
    mark = match[2]
    return match[1] + (f"{mark}{_BREAKER}" if mark.isdigit() else f"{_BREAKER}{mark}")


def code(text: str, limit: int = 300) -> str:
    """Return text as an inline code span, with a fence longer than any run of backticks in it.

    A pipe would end a table cell inside a code span too, so text with one becomes a ``<code>`` element.
    """
    flat = clip(single_line(text), limit)
    if not flat:
        return "<code> </code>"
    if "|" in flat or "\\" in flat:
        return f"<code>{_entities(flat)}</code>"
    ticks = "`" * (longest_run(flat, "`") + 1)
    pad = " " if flat.startswith("`") or flat.endswith("`") else ""
    return f"{ticks}{pad}{flat}{pad}{ticks}"


def fence(text: str, language: str = "", limit: int = 4000) -> str:
    """Return text as a fenced block that nothing in it can close."""
    body = clip(visible(text), limit)
    ticks = "`" * max(3, longest_run(body, "`") + 1)
    return f"{ticks}{language}\n{body}\n{ticks}"


def longest_run(text: str, character: str) -> int:
    """Return the length of the longest run of a character."""
    return max((len(run) for run in re.findall(f"{re.escape(character)}+", text)), default=0)


def summary(text: str, limit: int = 200) -> str:
    """Return text for inside a raw HTML element of a Markdown page, such as ``<summary>``."""
    return _entities(clip(single_line(text), limit))


def _entities(text: str) -> str:
    escaped = html.escape(text.replace("@", "@" + _BREAKER).replace("://", ":" + _BREAKER + "//"))
    return re.sub(r"[\\`*_{}\[\]()!|~@$^=]|(?<=www)\.", lambda match: f"&#{ord(match[0])};", escaped)


def mermaid(text: str, limit: int = 60) -> str:
    """Return text reduced to letters, digits, dots and underscores: nothing a Mermaid diagram can take for syntax."""
    return clip(re.sub(r"[^0-9A-Za-z_.]+", "_", text), limit).replace("…", "_") or "_"


def xml_text(text: str) -> str:
    """Return text without the characters that XML 1.0 forbids, each replaced by U+FFFD."""
    return _XML_ILLEGAL.sub("\ufffd", text)


def web_address(text: str | None) -> str | None:
    """Return an address that is safe to link to (https or http, no white space, quotes or brackets), else None."""
    return text if text and re.fullmatch(r"https?://[^\s\"'<>()\[\]`|\\]+", text) and text.isascii() else None
