"""Rule ``dump``: database dump in a migration."""

from __future__ import annotations

import re
from collections.abc import Iterator

from kfm_ci import phrases
from kfm_ci.analysis.change import Change
from kfm_ci.analysis.changed_files import touched
from kfm_ci.model import Finding, Hazard
from kfm_ci.rule_info import RuleInfo
from kfm_ci.rules.file_finding import file_finding
from kfm_ci.sql import copy_data, statements
from kfm_ci.sql.script import SourceFile, Statement
from kfm_ci.sql.tokens import Kind, scan

MAX_ROWS = 1000
"""Inserted rows per file; reference data of that size still reads as a migration."""
_BANNER = re.compile(r"^--\s?(?:PostgreSQL database (?:cluster )?dump|Dumped (?:from|by)\b|MySQL dump\b)", re.MULTILINE)
_COPY = re.compile(r"^[ \t]*copy\b[^;]{1,5000}\bfrom\s+stdin\b", re.IGNORECASE | re.MULTILINE)
_INSERT = re.compile(r"\binsert\b", re.IGNORECASE)
_HELP = (
    "Load the data from a protected place with a separate job. "
    "Keep only the schema and small reference data in the migration."
)


DUMP = RuleInfo(
    id="dump",
    hazard=Hazard.FORBIDDEN_CONTENT,
    title="Database dump in a migration",
    why=(
        "A dump contains unreviewed rows, settings of another server and objects that already exist. "
        "It holds its locks for the whole load and hides personal data among thousands of lines. "
        "Write the schema change by hand and load data in batches."
    ),
    bad="copy widgets (id, name) from stdin;\n1\tbolt\n2\tnut\n\\.\n",
    good="insert into widget_kinds (id, name) values (1, 'bolt'), (2, 'nut');\n",
)


class Dump:
    """Finds pg_dump's comments, COPY blocks with rows, and thousands of inserted rows."""

    info = DUMP

    def check(self, change: Change) -> Iterator[Finding]:
        """Yield a finding for each sign of a dump in new and changed files."""
        for item in touched(change):
            for line, message in marks(item.file):
                yield file_finding(DUMP, change, item, message, help=_HELP, line=line)


def marks(file: SourceFile) -> Iterator[tuple[int, str]]:
    """Yield what marks a file as a dump: 1-based line and sentence."""
    text = file.text
    banner = _BANNER.search(text)
    if banner:
        yield text.count("\n", 0, banner.start()) + 1, "The file has the header of a database dump."
    if _COPY.search(text):
        for statement in statements.split(text):
            rows = copy_data.rows(statement)
            if rows is not None and rows.strip():
                number = sum(1 for row in rows.split("\n") if row)
                yield statement.line, f"The file has a COPY block with {phrases.count(number, 'row')} of data."
    # every row has a parenthesis, so fewer parentheses cannot be too many rows
    if text.count("(") > MAX_ROWS and _INSERT.search(text):
        yield from _inserts(text)


def _inserts(text: str) -> Iterator[tuple[int, str]]:
    total = 0
    first = 0
    for statement in statements.split(text):
        if statement.text[:6].lower() == "insert":
            first = first or statement.line
            total += inserted_rows(statement)
    if total > MAX_ROWS:
        yield first, f"The file inserts {total} rows: expected at most {MAX_ROWS} in a migration."


def inserted_rows(statement: Statement) -> int:
    """Return how many rows an INSERT writes as values; 1 when it writes none so."""
    depth = rows = 0
    values = False
    for token in scan(statement.text):
        if token.kind is Kind.OPEN:
            rows += values and depth == 0
            depth += 1
        elif token.kind is Kind.CLOSE:
            depth -= 1
        elif token.kind is Kind.WORD and depth == 0:
            values = statement.text[token.start : token.end].lower() == "values"
    return max(1, rows)
