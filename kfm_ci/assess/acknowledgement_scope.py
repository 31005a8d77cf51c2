"""The scope of each acknowledgement: the statement below it, or the SQL of one call of a program."""

from __future__ import annotations

import re
from collections.abc import Collection, Iterable, Iterator
from dataclasses import dataclass, replace

from kfm_ci.migrations import acknowledgements, source_calls
from kfm_ci.migrations.model import AllowComment, Migration
from kfm_ci.model import Finding
from kfm_ci.sql import plpgsql, statements
from kfm_ci.sql.script import Script, Statement

_REMARK = re.compile(r"\s*(?:$|#|<!--)")


@dataclass(frozen=True, slots=True, kw_only=True)
class Scope:
    """An acknowledgement and the lines of the one statement below it."""

    allow: AllowComment
    start: int | None
    """1-based, of the statement's first token; None when no statement follows."""
    end: int | None

    def covers(self, found: Finding) -> bool:
        """Whether a finding is about this hazard in this statement."""
        if self.start is None or self.end is None or found.place.line is None:
            return False
        return found.hazard is self.allow.hazard and self.start <= found.place.line <= self.end


def scopes(script: Script, allows: Iterable[AllowComment]) -> tuple[Scope, ...]:
    """Return the scope of each acknowledgement of a script: the first statement that starts below its line.

    Inside a block it covers the first statement below it in that block.
    """
    allows = tuple(allows)
    found = statements.of(script) if allows else ()
    placed = []
    for allow in allows:
        around = next((statement for statement in found if statement.line < allow.line <= statement.end_line), None)
        if around is not None:
            placed.append(_inside(around, allow))
            continue
        below = next((statement for statement in found if statement.line > allow.line), None)
        placed.append(Scope(allow=allow, start=below.line if below else None, end=below.end_line if below else None))
    return tuple(placed)


def _inside(block: Statement, allow: AllowComment) -> Scope:
    try:
        (tree,) = statements.parse(block.text)
        parts = plpgsql.read(block.text, tree).parts if tree.tag == "DoStmt" else ()
    except (statements.SyntaxProblem, ValueError):
        parts = ()
    below = next((part for part in parts if block.line + part.line > allow.line), None)
    start = None if below is None else block.line + below.line
    return Scope(
        allow=allow, start=start, end=None if start is None or below is None else start + below.text.count("\n")
    )


def of(migrations: Iterable[Migration]) -> dict[str, tuple[Scope, ...]]:
    """Return the scopes of all acknowledgements, by file."""
    found: dict[str, tuple[Scope, ...]] = {}
    migrations = tuple(migrations)
    for migration in migrations:
        for script in (migration.up, migration.down):
            if isinstance(script, Script):
                allows = _without_file_comments(script, acknowledgements.find(script)[0])
                found[script.file.path] = (*found.get(script.file.path, ()), *scopes(script, allows))
        if isinstance(migration.up, Script) and migration.up.recorded:
            found[migration.up_path] = (
                *found.get(migration.up_path, ()),
                *_recorded_scopes(migration, migration.up, migrations),
            )
    return found


def _without_file_comments(script: Script, allows: tuple[AllowComment, ...]) -> tuple[AllowComment, ...]:
    """Return the acknowledgements in recorded SQL, without those of an SQL file, which are read from the file."""
    if not script.recorded or not script.file.path.endswith(".sql"):
        return allows
    file = replace(script, text=script.file.text, first_line=1)
    in_file = {(item.hazard, item.acknowledgement) for item in acknowledgements.find(file)[0]}
    return tuple(item for item in allows if (item.hazard, item.acknowledgement) not in in_file)


def _recorded_scopes(migration: Migration, up: Script, all: tuple[Migration, ...]) -> Iterator[Scope]:
    """Yield the scopes of comments in a program: each statement that the call below executed."""
    if up.file.path.endswith(".sql"):
        yield from _identical_statements(migration, up)
        return
    calls, remarks = source_calls.read(up.file.text, up.file.path)
    changelog = up.file.path.endswith(acknowledgements.CHANGELOGS)
    begins = [item.up.migration_line for item in all if isinstance(item.up, Script) and item.up_path == up.file.path]
    for remark in remarks:
        allow = acknowledgements.in_comment(remark.text, remark.line)
        if not isinstance(allow, AllowComment) or (
            changelog and _changeset(up.file.text, allow.line, begins) != up.migration_line
        ):
            continue
        below = next((call for call in calls if call.line > allow.line), None)
        recorded = [
            part
            for script in (up, migration.down)
            if isinstance(script, Script)
            for part in statements.of(script)
            if changelog or (below is not None and _is_from(part.text, calls, below))
        ]
        yield from (Scope(allow=allow, start=part.line, end=part.end_line) for part in recorded)
        if not recorded:
            yield Scope(allow=allow, start=None, end=None)


def _changeset(text: str, line: int, begins: Collection[int]) -> int | None:
    """Return the first line of a comment's changeset: the one right below it, else the one around it."""
    lines = text.split("\n")
    below = next((number for number in range(line, len(lines)) if not _REMARK.match(lines[number])), len(lines))
    return below + 1 if below + 1 in begins else max((one for one in begins if one <= line), default=None)


def _identical_statements(migration: Migration, up: Script) -> Iterator[Scope]:
    """Yield the scopes of comments that were not recorded, by the recorded statement equal to the one below each."""
    file = replace(up, text=up.file.text, first_line=1)
    for scope in scopes(file, acknowledgements.find(file)[0]):
        below = next((part.text for part in statements.of(file) if part.line == scope.start), None)
        scripts = [script for script in (up, migration.down) if isinstance(script, Script) and script.recorded]
        recorded = [part for script in scripts for part in statements.of(script) if part.text == below]
        yield from (replace(scope, start=part.line, end=part.end_line) for part in recorded)
        if not recorded:
            yield scope


def _is_from(statement: str, calls: tuple[source_calls.Call, ...], call: source_calls.Call) -> bool:
    found = source_calls.sender(statement, calls)
    return found is not None and call.line <= found.line and found.end_line <= call.end_line
