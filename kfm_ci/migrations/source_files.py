"""Reading of migration files, with findings on their bytes."""

from __future__ import annotations

from kfm_ci.migrations.model import Tree, Unreadable
from kfm_ci.migrations.problems.file_contents import (
    BYTE_ORDER_MARK,
    EMPTY_FILE,
    ENCODING,
    LINE_ENDINGS,
    NUL_BYTE,
    UNREADABLE_FILE,
)
from kfm_ci.model import Digest, Finding, Hazard, Place, Severity
from kfm_ci.rule_info import RuleInfo
from kfm_ci.sql.script import SourceFile


def read(tree: Tree, path: str, findings: list[Finding]) -> SourceFile | None:
    """Return the file and append its problems to ``findings``; None if it cannot be read or run."""
    file = read_any(tree, path, findings)
    if file is None:
        return None
    data = file.data
    if b"\0" in data:
        _add(
            findings,
            path,
            NUL_BYTE,
            "The file contains NUL bytes, which PostgreSQL does not allow in text.",
            "Save the file as UTF-8 text.",
            line=data[: data.index(b"\0")].count(b"\n") + 1,
        )
        return None
    try:
        data.decode("utf-8")
    except UnicodeDecodeError as error:
        _add(
            findings,
            path,
            ENCODING,
            "The file is not valid UTF-8.",
            "Save the file as UTF-8.",
            line=data[: error.start].count(b"\n") + 1,
        )
        return None
    if data.startswith(b"\xef\xbb\xbf"):
        _add(
            findings,
            path,
            BYTE_ORDER_MARK,
            "The file starts with a byte order mark, which PostgreSQL and most tools read as text.",
            "Save the file as UTF-8 without a byte order mark.",
            line=1,
        )
    if not data.strip():
        _add(findings, path, EMPTY_FILE, "The file is empty.", "Write the change, or delete the file.", line=1)
    if b"\r\n" in data:
        _add(
            findings,
            path,
            LINE_ENDINGS,
            "The file has CRLF line ends, and a checkout that converts them changes its checksum.",
            "Add `*.sql text eol=lf` to .gitattributes before you merge.",
            line=1,
        )
    return file


def read_any(tree: Tree, path: str, findings: list[Finding]) -> SourceFile | None:
    """Return the file, also if it is no text, and append why it cannot be read to ``findings``."""
    try:
        data = tree.read(path)
    except Unreadable as error:
        hazard = Hazard.FORBIDDEN_CONTENT if "leaves" in str(error) else Hazard.UNANALYSABLE
        _add(
            findings,
            path,
            UNREADABLE_FILE,
            f"The file cannot be read: {error}.",
            "Make it a readable regular file.",
            hazard=hazard,
        )
        return None
    # the byte order mark is a finding of its own; in the text, it would also break the header and the first statement
    text = data.decode("utf-8", "replace").removeprefix("\ufeff")
    return SourceFile(path=path, data=data, text=text, sha256=Digest.of(data))


def is_text(data: bytes) -> bool:
    """Whether bytes are UTF-8 without NUL."""
    try:
        data.decode("utf-8")
    except UnicodeDecodeError:
        return False
    return b"\0" not in data


def _add(
    findings: list[Finding],
    path: str,
    rule: RuleInfo,
    message: str,
    help: str,
    *,
    hazard: Hazard | None = None,
    severity: Severity | None = None,
    line: int | None = None,
) -> None:
    place = Place(file=path, line=line, column=1 if line else None, end_line=line)
    findings.append(rule.finding(message, help=help, place=place, hazard=hazard, severity=severity))
