"""Acknowledgements: comments that suppress one hazard of the statement below them, with a reason."""

from __future__ import annotations

import difflib
import re
from collections.abc import Iterator
from dataclasses import dataclass
from unicodedata import east_asian_width

from kfm_ci.migrations.model import AllowComment
from kfm_ci.model import Acknowledgement, Hazard
from kfm_ci.sql import tokens
from kfm_ci.sql.script import Script
from kfm_ci.sql.tokens import Kind

_COMMENT = {
    "--": (".sql", ".psql", ".ddl"),
    "#": (".py", ".rb", ".ex", ".exs", ".yaml", ".yml"),
    "//": (".js", ".cjs", ".mjs", ".ts", ".cts", ".mts", ".php"),
    "<!--": (".xml",),
}
"""Start of a comment, with the suffixes of its files."""
CHANGELOGS = (".xml", ".yaml", ".yml")
"""Suffixes of changelogs, in which a comment applies to a whole changeset."""
_WRITTEN = re.compile(r"-- (kfm:allow [\w-]+ reason=\"[^\"]*\")")
_MARK = re.compile(r"kfm:allow\b\s*(\S*)\s*(.*?)\s*(?:\*/)?$", re.DOTALL)
_WORD = re.compile(r"[^\W\d_]{2,}")
_REASON = re.compile(r'reason="([^"]*)"')


@dataclass(frozen=True, slots=True, kw_only=True)
class MalformedAllowComment:
    """An acknowledgement that is not valid."""

    line: int
    message: str
    help: str


def find(script: Script) -> tuple[tuple[AllowComment, ...], tuple[MalformedAllowComment, ...]]:
    """Return the acknowledgements in a script's comments, and the malformed ones."""
    allows: list[AllowComment] = []
    wrong: list[MalformedAllowComment] = []
    if "kfm:allow" not in script.text:
        return (), ()
    for start, comment in _comments(script.text):
        found = _parse(comment, script.first_line + script.text.count("\n", 0, start))
        if isinstance(found, AllowComment):
            allows.append(found)
        elif found is not None:
            wrong.append(found)
    return tuple(allows), tuple(wrong)


def _comments(text: str) -> Iterator[tuple[int, str]]:
    """Yield the comments with their offsets, including those in dollar-quoted bodies."""
    for token in tokens.tokens(text):
        piece = text[token.start : token.end]
        if token.kind in {Kind.LINE_COMMENT, Kind.BLOCK_COMMENT}:
            yield token.start, piece
        elif token.kind is Kind.STRING and piece.startswith("$") and "kfm:allow" in piece:
            begin = piece.index("$", 1) + 1
            yield from ((token.start + begin + at, inner) for at, inner in _comments(piece[begin:-begin]))


def in_comment(comment: str, line: int) -> AllowComment | MalformedAllowComment | None:
    """Return the acknowledgement in a comment of a program, or None."""
    return _parse(comment.removesuffix("-->").rstrip(), line)


def in_program(path: str | None) -> bool:
    """Whether a file is a program, with acknowledgements above the call that sends the statement."""
    return _opening(path) != "--"


def in_language_of(text: str, path: str | None) -> str:
    """Return a help with its acknowledgements as comments in the language of the file."""
    if not in_program(path):
        return text
    opening = _opening(path)
    end = " -->" if opening == "<!--" else ""
    above = "above the changeset" if (path or "").endswith(CHANGELOGS) else "above the call"
    return _WRITTEN.sub(rf"{opening} \1{end}", text).replace("above the statement", above)


def _opening(path: str | None) -> str:
    return next((opening for opening, endings in _COMMENT.items() if (path or "").endswith(endings)), "--")


def _parse(comment: str, line: int) -> AllowComment | MalformedAllowComment | None:
    match = _MARK.search(comment)
    if match is None:
        return None
    hazards = {hazard.value for hazard in Hazard}
    reason = _REASON.search(match[2])
    if match[1] not in hazards:
        near = difflib.get_close_matches(match[1], hazards, n=1)
        hint = f"Write `{near[0]}`." if near else "Write one of the hazards of docs/rules."
        return MalformedAllowComment(
            line=line, message=f"`kfm:allow` names the unknown hazard `{match[1][:40]}`.", help=hint
        )
    if reason is None or not _has_words(reason[1]):
        return MalformedAllowComment(
            line=line,
            message=f"`kfm:allow` has no reason{'' if reason is None or not reason[1].strip() else ' in words'}.",
            help='Write `reason="…"` with at least two words on why the statement is safe.',
        )
    return AllowComment(hazard=Hazard(match[1]), acknowledgement=Acknowledgement(reason=reason[1].strip()), line=line)


def _has_words(reason: str) -> bool:
    """Whether a text has two different words; a run of wide letters has more than one, as in Chinese."""
    words = {item.lower() for item in _WORD.findall(reason)}
    return len(words) > 1 or any(len(item) > 3 and east_asian_width(item[0]) == "W" for item in words)
