"""Tools that split a file at line-end semicolons or at their own markers: split, unterminated and joined statements."""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass

from kfm_ci.migrations.layouts.sections import Section, problem
from kfm_ci.migrations.problems.file_contents import GOOSE_STATEMENT_SPLIT, GOOSE_STATEMENT_UNTERMINATED
from kfm_ci.migrations.problems.statement_splitting import (
    GOOSE_IMPLICIT_TRANSACTION,
    SQL_MIGRATE_IMPLICIT_TRANSACTION,
    SQL_MIGRATE_STATEMENT_SPLIT,
    SQL_MIGRATE_STATEMENT_UNTERMINATED,
)
from kfm_ci.model import Finding, Mode
from kfm_ci.sql import statements, transactions
from kfm_ci.sql.script import SourceFile, Statement


@dataclass(frozen=True, slots=True, kw_only=True)
class _Message:
    """Lines of a file that the tool sends as one simple-query message."""

    first: int
    last: int
    block: bool = False
    """Whether the tool's markers enclose it."""
    ended: bool = True


_UNTERMINATED = {"goose": GOOSE_STATEMENT_UNTERMINATED, "sql-migrate": SQL_MIGRATE_STATEMENT_UNTERMINATED}
_SPLIT = {"goose": GOOSE_STATEMENT_SPLIT, "sql-migrate": SQL_MIGRATE_STATEMENT_SPLIT}
_IMPLICIT = {"goose": GOOSE_IMPLICIT_TRANSACTION, "sql-migrate": SQL_MIGRATE_IMPLICIT_TRANSACTION}


def check_messages(
    file: SourceFile, part: Section, *, tool: str, mark: re.Pattern[str], mode: Mode
) -> Iterator[Finding]:
    """Yield findings on statements that the tool splits, rejects as unterminated, or joins in one message.

    ``mark`` matches a marker line of the tool; its word is the first group.
    """
    parts = statements.split(part.text, first_line=part.first_line)
    resume = 0
    for message in _messages(part, mark):
        if message.first <= resume:
            continue
        if not message.ended:
            yield problem(
                file,
                _UNTERMINATED[tool],
                f"{tool} rejects the file: its last statement has no semicolon at the end of a line.",
                "End the statement with a semicolon.",
                line=message.first,
            )
            continue
        split = next((item for item in parts if item.line <= message.last < item.end_line), None)
        if split is not None and not message.block:
            yield problem(
                file,
                _SPLIT[tool],
                f"{tool} splits `{statements.kind(split.text)}` at this semicolon.",
                f"Write {_mark(tool, 'StatementBegin')} above line {split.line} and "
                f"{_mark(tool, 'StatementEnd')} below line {split.end_line}.",
                line=message.last,
            )
            resume = split.end_line
            continue
        held = [item for item in parts if message.first <= item.line and item.end_line <= message.last]
        if mode is Mode.AUTOCOMMIT and len(held) > 1:
            yield from _joined_statements(file, held, tool)


def _joined_statements(file: SourceFile, held: list[Statement], tool: str) -> Iterator[Finding]:
    for item in held:
        if why := transactions.requires_autocommit(item):
            yield problem(
                file,
                _IMPLICIT[tool],
                f"{tool} sends {len(held)} statements in one simple-query message, which PostgreSQL runs in one "
                f"implicit transaction block, and {why}.",
                f"Put the statement on line {item.line} on lines of its own, outside of other statements' "
                f"{_mark(tool, 'StatementBegin')}.",
                line=item.line,
            )
            return


def _mark(tool: str, word: str) -> str:
    return f"`-- +{'goose' if tool == 'goose' else 'migrate'} {word}`"


def _messages(part: Section, mark: re.Pattern[str]) -> Iterator[_Message]:
    block, since, number = 0, 0, part.first_line
    for number, line in enumerate(part.text.split("\n"), part.first_line):
        if found := mark.match(line):
            word = found[1].upper()
            if word == "STATEMENTEND" and block:
                yield _Message(first=block, last=number, block=True)
            block = number if word == "STATEMENTBEGIN" else 0 if word == "STATEMENTEND" else block
            since = 0
            continue
        bare = line.split("--", 1)[0].rstrip()
        if block or not bare or (line.lstrip().startswith("--") and not since):
            continue
        since = since or number
        if bare.endswith(";"):
            yield _Message(first=since, last=number)
            since = 0
    if since:
        yield _Message(first=since, last=number, ended=False)
