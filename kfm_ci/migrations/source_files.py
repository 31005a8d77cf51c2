"""Reading a file exactly once, and saying what is wrong with its bytes."""

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
    """Return the file; what is wrong with it is added to ``findings``. None: it cannot be read, or not be run."""
    try:
        data = tree.read(path)
    except Unreadable as error:
        hazard = Hazard.FORBIDDEN_CONTENT if "leaves" in str(error) else Hazard.UNANALYSABLE
        _add(
            findings,
            path,
            UNREADABLE_FILE,
            f"the file cannot be read: {error}",
            "make it a readable regular file",
            hazard=hazard,
        )
        return None
    # a byte order mark is a finding; were it text, the header and the first statement would be wrong as well
    text = data.decode("utf-8", "replace").removeprefix("\ufeff")
    file = SourceFile(path=path, data=data, text=text, sha256=Digest.of(data))
    if b"\0" in data:
        _add(findings, path, NUL_BYTE, "the file holds NUL bytes, which no PostgreSQL text can", "save it as UTF-8 text",
             line=data[: data.index(b"\0")].count(b"\n") + 1)  # fmt: skip
        return None
    try:
        data.decode("utf-8")
    except UnicodeDecodeError as error:
        _add(findings, path, ENCODING, "the file is not valid UTF-8", "save it as UTF-8",
             line=data[: error.start].count(b"\n") + 1)  # fmt: skip
        return None
    if data.startswith(b"\xef\xbb\xbf"):
        _add(findings, path, BYTE_ORDER_MARK, "the file begins with a byte order mark, which PostgreSQL and most tools take for text",
             "save it as UTF-8 without BOM", line=1)  # fmt: skip
    if not data.strip():
        _add(findings, path, EMPTY_FILE, "the file is empty", "write the change, or delete the file", line=1)
    if b"\r\n" in data:
        _add(findings, path, LINE_ENDINGS, "the file has CRLF line ends; a checkout that converts them changes its checksum",
             "add `*.sql text eol=lf` to .gitattributes before it is merged", line=1)  # fmt: skip
    return file


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
