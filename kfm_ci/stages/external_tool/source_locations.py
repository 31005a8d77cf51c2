"""Places of findings on recorded SQL: where the program contains the SQL, else the call that executed it."""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import replace

from kfm_ci.evidence.statement_evidence import StatementEvidence
from kfm_ci.migrations import acknowledgements, source_calls
from kfm_ci.migrations.model import Migration
from kfm_ci.model import Finding, Place
from kfm_ci.sql import statements
from kfm_ci.sql.script import Script

_SHOWN = 100
_LINES = re.compile(r"\b(lines?) (\d+(?:, \d+)*)\b")


def locate_findings(findings: list[Finding], migrations: tuple[Migration, ...]) -> list[Finding]:
    """Return the findings with lines of the files; recorded SQL is quoted, because it has no line in a file."""
    return [_with_comment_syntax(_located(item, migrations)) for item in findings]


def locate_statements(entries: tuple[StatementEvidence, ...], migration: Migration) -> tuple[StatementEvidence, ...]:
    """Return the evidence of each statement with the lines of the program's call that executed it."""
    return tuple(
        replace(entry, line=call[0], end_line=call[1]) if (call := _call(migration, entry.line)) else entry
        for entry in entries
    )


def _with_comment_syntax(item: Finding) -> Finding:
    """Return a finding whose help shows comments in the syntax of its file."""
    return replace(item, help=acknowledgements.in_language_of(item.help, item.place.file)) if item.help else item


def _located(item: Finding, migrations: tuple[Migration, ...]) -> Finding:
    path, line = item.place.file, item.place.line
    if line is None:
        return item
    for migration in migrations:
        if migration.up_path == path and (quoted := _quoted(migration, line)) is not None:
            place = _origin(migration, line) or Place(file=path, line=line, end_line=line)
            message = _with_file_lines(item.message, migration, place)
            help = _with_file_lines(item.help, migration, place) if item.help else item.help
            quote = " ".join(quoted.split())[:_SHOWN]
            return replace(item, message=f"{message} (the tool sent: {quote})", help=help, place=place)
    return item


def _with_file_lines(text: str, migration: Migration, seen_from: Place) -> str:
    """Return a text with line numbers of the files in place of those of the recorded SQL; another file is named."""

    def line(number: int) -> str:
        origin = _origin(migration, number)
        if origin is None:
            return str(number)
        elsewhere = "" if origin.file == seen_from.file else f" of {(origin.file or '').rpartition('/')[2]}"
        return f"{origin.line}{elsewhere}"

    def lines(found: re.Match[str]) -> str:
        numbers = (line(int(number)) for number in found[2].split(", "))
        return f"{found[1]} {', '.join(dict.fromkeys(numbers))}"

    return _LINES.sub(lines, text)


def _quoted(migration: Migration, line: int) -> str | None:
    return next((text for text, _ in _recorded(migration, line)), None)


def _recorded(migration: Migration, line: int) -> Iterator[tuple[str, bool]]:
    """Yield each statement on a line of the recorded SQL, and whether it belongs to the rollback."""
    for script in (migration.up, migration.down):
        if isinstance(script, Script) and script.recorded:
            parts = (part for part in statements.of(script) if part.line <= line <= part.end_line)
            yield from ((part.text, script is migration.down) for part in parts)


def _origin(migration: Migration, line: int) -> Place | None:
    """Return the place in a file of the statement on a line of the recorded SQL; None for another line."""
    text = _quoted(migration, line)
    if text is None:
        return None
    begins = migration.up.migration_line if isinstance(migration.up, Script) else 1
    for file, first in ((migration.up.file, begins), *((file, 1) for file in migration.extra_files)):
        exact = source_calls.written(text, file.text, first)
        if exact is not None:
            return Place(file=file.path, line=exact[0], end_line=exact[1])
    call = _call(migration, line)
    return Place(file=migration.up_path, line=call[0], end_line=call[1]) if call else None


def _call(migration: Migration, line: int) -> tuple[int, int] | None:
    """Return the lines of the call that executed the statement on a line of the recorded SQL; None for another line."""
    (text, back), up = next(_recorded(migration, line), ("", False)), migration.up
    if not text or not isinstance(up, Script):
        return None
    exact = source_calls.written(text, up.file.text, up.migration_line)
    if exact is not None:
        return exact
    calls = [call for call in source_calls.read(up.file.text, up.file.path)[0] if call.line >= up.migration_line]
    call = source_calls.sender(text, source_calls.parted(calls, up.file.text, back=back)) or source_calls.sender(
        text, calls
    )
    return (call.line, call.end_line) if call else (up.migration_line, up.migration_line)
