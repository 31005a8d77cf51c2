"""Findings on what a foreign tool sent, put where their author can act: where it is written, else at the call that sent it."""

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


def placed(findings: list[Finding], migrations: tuple[Migration, ...]) -> list[Finding]:
    """Return the findings with places that exist: what a tool sent is quoted, for its lines are not the file's."""
    return [_worded(_placed(item, migrations)) for item in findings]


def traced(entries: tuple[StatementEvidence, ...], migration: Migration) -> tuple[StatementEvidence, ...]:
    """Return what was seen of each statement with the lines of the program that sent it."""
    return tuple(
        replace(entry, line=call[0], end_line=call[1]) if (call := _call(migration, entry.line)) else entry
        for entry in entries
    )


def _worded(item: Finding) -> Finding:
    return replace(item, help=acknowledgements.in_language_of(item.help, item.place.file)) if item.help else item


def _placed(item: Finding, migrations: tuple[Migration, ...]) -> Finding:
    path, line = item.place.file, item.place.line
    if line is None:
        return item
    for migration in migrations:
        if migration.up_path == path and (quoted := _quoted(migration, line)) is not None:
            place = _origin(migration, line) or Place(file=path, line=line, end_line=line)
            told = f"{_lined(item.message, migration, place)} (the tool sent: {' '.join(quoted.split())[:_SHOWN]})"
            help = _lined(item.help, migration, place) if item.help else item.help
            return replace(item, message=told, help=help, place=place)
    return item


def _lined(text: str, migration: Migration, seen_from: Place) -> str:
    """Return a text in which lines of the record are those where it was written, in another file with its name."""

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
    return next((text for text, _ in _sent(migration, line)), None)


def _sent(migration: Migration, line: int) -> Iterator[tuple[str, bool]]:
    """Yield what stands on a line of the record, and whether the way back sent it."""
    for script in (migration.up, migration.down):
        if isinstance(script, Script) and script.recorded:
            parts = (part for part in statements.of(script) if part.line <= line <= part.end_line)
            yield from ((part.text, script is migration.down) for part in parts)


def _origin(migration: Migration, line: int) -> Place | None:
    """Return where that was written which stands on a line of the record; None when it is no such line."""
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
    """Return the lines of the program that sent what stands on a line of the record; None when it is no such line."""
    (text, back), up = next(_sent(migration, line), ("", False)), migration.up
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
