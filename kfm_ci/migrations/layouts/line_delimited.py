"""Tools that end a message where a line ends in a semicolon, or at their own marks: what they cut, and what they send at once."""

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
    """Lines of a file that the tool sends as one."""

    first: int
    last: int
    block: bool = False
    """Whether marks stand around it."""
    ended: bool = True


_UNTERMINATED = {"goose": GOOSE_STATEMENT_UNTERMINATED, "sql-migrate": SQL_MIGRATE_STATEMENT_UNTERMINATED}
_SPLIT = {"goose": GOOSE_STATEMENT_SPLIT, "sql-migrate": SQL_MIGRATE_STATEMENT_SPLIT}
_IMPLICIT = {"goose": GOOSE_IMPLICIT_TRANSACTION, "sql-migrate": SQL_MIGRATE_IMPLICIT_TRANSACTION}


def faults(file: SourceFile, part: Section, *, tool: str, mark: re.Pattern[str], mode: Mode) -> Iterator[Finding]:
    """Yield what the tool cuts in two, refuses as unfinished, or sends as one transaction although it may not be in one.

    ``mark``: a line of the tool's own, its word as the first group.
    """
    parts = statements.split(part.text, first_line=part.first_line)
    resume = 0
    for message in _messages(part, mark):
        if message.first <= resume:
            continue
        if not message.ended:
            yield problem(file, _UNTERMINATED[tool], f"{tool} refuses the file: its last statement has no semicolon at the end of a line",
                          "end it with a semicolon", line=message.first)  # fmt: skip
            continue
        torn = next((item for item in parts if item.line <= message.last < item.end_line), None)
        if torn is not None and not message.block:
            yield problem(
                file, _SPLIT[tool], f"{tool} ends a statement at this semicolon, in the middle of {statements.kind(torn.text)}",
                f"write {_mark(tool, 'StatementBegin')} above line {torn.line} and {_mark(tool, 'StatementEnd')} below line {torn.end_line}",
                line=message.last,
            )  # fmt: skip
            resume = torn.end_line
            continue
        held = [item for item in parts if message.first <= item.line and item.end_line <= message.last]
        if mode is Mode.AUTOCOMMIT and len(held) > 1:
            yield from _together(file, held, tool)


def _together(file: SourceFile, held: list[Statement], tool: str) -> Iterator[Finding]:
    for item in held:
        if why := transactions.requires_autocommit(item):
            yield problem(
                file, _IMPLICIT[tool], f"{tool} sends {len(held)} statements as one message here, which PostgreSQL runs in one transaction, and {why}",
                f"give line {item.line} lines of its own, and a {_mark(tool, 'StatementBegin')} of its own where one stands above it",
                line=item.line,
            )  # fmt: skip
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
