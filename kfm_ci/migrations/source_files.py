"""Reading a file exactly once, and saying what is wrong with its bytes."""

from __future__ import annotations

from kfm_ci.migrations.model import Tree, Unreadable
from kfm_ci.model import Digest, Finding, Hazard, Place, Severity
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
            "unreadable-file",
            f"the file cannot be read: {error}",
            "make it a readable regular file",
            hazard,
        )
        return None
    # a byte order mark is a finding; were it text, the header and the first statement would be wrong as well
    text = data.decode("utf-8", "replace").removeprefix("\ufeff")
    file = SourceFile(path=path, data=data, text=text, sha256=Digest.of(data))
    if b"\0" in data:
        _add(findings, path, "nul-byte", "the file holds NUL bytes, which no PostgreSQL text can", "save it as UTF-8 text",
             line=data[: data.index(b"\0")].count(b"\n") + 1)  # fmt: skip
        return None
    try:
        data.decode("utf-8")
    except UnicodeDecodeError as error:
        _add(findings, path, "encoding", "the file is not valid UTF-8", "save it as UTF-8",
             line=data[: error.start].count(b"\n") + 1)  # fmt: skip
        return None
    if data.startswith(b"\xef\xbb\xbf"):
        _add(findings, path, "byte-order-mark", "the file begins with a byte order mark, which PostgreSQL and most tools take for text",
             "save it as UTF-8 without BOM", line=1)  # fmt: skip
    if not data.strip():
        _add(findings, path, "empty-file", "the file is empty", "write the change, or delete the file", line=1)
    if b"\r\n" in data:
        _add(findings, path, "line-endings", "the file has CRLF line ends; a checkout that converts them changes its checksum",
             "add `*.sql text eol=lf` to .gitattributes before it is merged", severity=Severity.NOTE, line=1)  # fmt: skip
    return file


def _add(
    findings: list[Finding], path: str, rule: str, message: str, help: str, hazard: Hazard = Hazard.UNANALYSABLE, *,
    severity: Severity = Severity.ERROR, line: int | None = None,
) -> None:  # fmt: skip
    place = Place(file=path, line=line, column=1 if line else None, end_line=line)
    findings.append(Finding(rule=rule, hazard=hazard, severity=severity, message=message, place=place, help=help))
