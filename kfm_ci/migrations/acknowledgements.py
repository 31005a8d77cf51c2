"""Acknowledgements: comments that silence one hazard for the statement below them, with a reason."""

from __future__ import annotations

import difflib
import re
from collections.abc import Iterator
from dataclasses import dataclass

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
"""How a comment begins in files of these endings."""
CHANGELOGS = (".xml", ".yaml", ".yml")
"""Files that hold changesets and no calls: a comment there is about all of one."""
_WRITTEN = re.compile(r"-- (kfm:allow [\w-]+ reason=\"[^\"]*\")")
_MARK = re.compile(r"kfm:allow\b\s*(\S*)\s*(.*?)\s*(?:\*/)?$", re.DOTALL)
_REASON = re.compile(r'reason="([^"]*)"')


@dataclass(frozen=True, slots=True, kw_only=True)
class MalformedAllowComment:
    """An acknowledgement that cannot be honoured."""

    line: int
    message: str
    help: str


def find(script: Script) -> tuple[tuple[AllowComment, ...], tuple[MalformedAllowComment, ...]]:
    """Return the acknowledgements in a script's comments, and those that are not well formed."""
    allows: list[AllowComment] = []
    wrong: list[MalformedAllowComment] = []
    if "kfm:allow" not in script.text:
        return (), ()
    for start, comment in _comments(script.text):
        said = _said(comment, script.first_line + script.text.count("\n", 0, start))
        if isinstance(said, AllowComment):
            allows.append(said)
        elif said is not None:
            wrong.append(said)
    return tuple(allows), tuple(wrong)


def _comments(text: str) -> Iterator[tuple[int, str]]:
    """Yield the comments with their offsets, those in bodies between dollars too: findings point to lines in there."""
    for token in tokens.tokens(text):
        piece = text[token.start : token.end]
        if token.kind in {Kind.LINE_COMMENT, Kind.BLOCK_COMMENT}:
            yield token.start, piece
        elif token.kind is Kind.STRING and piece.startswith("$") and "kfm:allow" in piece:
            begin = piece.index("$", 1) + 1
            yield from ((token.start + begin + at, inner) for at, inner in _comments(piece[begin:-begin]))


def remarked(comment: str, line: int) -> AllowComment | MalformedAllowComment | None:
    """Return what a comment of a program, which is not SQL, acknowledges; None when it speaks of something else."""
    return _said(comment.removesuffix("-->").rstrip(), line)


def in_program(path: str | None) -> bool:
    """Whether a file is a program, in which an acknowledgement stands above the call that sends the statement."""
    return _opening(path) != "--"


def worded(text: str, path: str | None) -> str:
    """Return advice with its acknowledgements as they are written in a file: as comments of its language."""
    if not in_program(path):
        return text
    opening = _opening(path)
    end = " -->" if opening == "<!--" else ""
    above = "above the changeset" if (path or "").endswith(CHANGELOGS) else "above the call"
    return _WRITTEN.sub(rf"{opening} \1{end}", text).replace("above the statement", above)


def _opening(path: str | None) -> str:
    return next((opening for opening, endings in _COMMENT.items() if (path or "").endswith(endings)), "--")


def _said(comment: str, line: int) -> AllowComment | MalformedAllowComment | None:
    match = _MARK.search(comment)
    if match is None:
        return None
    hazards = {hazard.value for hazard in Hazard}
    reason = _REASON.search(match[2])
    if match[1] not in hazards:
        near = difflib.get_close_matches(match[1], hazards, n=1)
        hint = f"did you mean {near[0]!r}?" if near else "see CONTRACT's table of hazards"
        return MalformedAllowComment(line=line, message=f"unknown hazard {match[1][:40]!r} in kfm:allow", help=hint)
    if reason is None or not reason[1].strip():
        return MalformedAllowComment(
            line=line, message="kfm:allow without a reason", help='add reason="why this is safe here"'
        )
    return AllowComment(hazard=Hazard(match[1]), acknowledgement=Acknowledgement(reason=reason[1].strip()), line=line)
