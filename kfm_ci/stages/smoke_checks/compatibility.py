"""Part of stage ``smoke``: the release that runs now, on every state that the new migrations lead through."""

from __future__ import annotations

import itertools
import re
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, replace

from kfm_ci.evidence.compatibility import prepared_statement, routines
from kfm_ci.migrations.model import Migration, Tree, Unreadable
from kfm_ci.model import Finding, Hazard, Outcome, Place, Severity, rule_page
from kfm_ci.postgres import run_script
from kfm_ci.postgres.engines.base import Server
from kfm_ci.sql import statements
from kfm_ci.sql.script import Script, Statement
from kfm_ci.stages.inputs import matching
from kfm_ci.stages.run import Run
from kfm_ci.stages.setup.execution import script_of
from kfm_ci.stages.smoke_checks.execution import command_failure, file_failure

STATES = 10
"""At most so many states are looked at; the last one always is."""

HELP = (
    "Expand first: let the old name work beside the new one until no running release uses it, and take it away in a "
    "later pull request."
)

_numbers = itertools.count()
_NAMED = re.compile(r'"([^"]+)"|(?:column|relation|function|type|takes) ([\w.]+)')


@dataclass(frozen=True, slots=True, kw_only=True)
class _Release:
    """What is known of the running release."""

    smoke: tuple[tuple[str, str], ...]
    """Path and text of its smoke tests."""
    queries: tuple[tuple[str, Statement], ...]
    command: str | None
    has_routines: bool

    @property
    def empty(self) -> bool:
        """Whether there is nothing to ask."""
        return not (self.smoke or self.queries or self.command or self.has_routines)


def coexist(run: Run) -> list[Finding]:
    """Return what of the running release breaks, each once, at the first migration after which it does."""
    server, origin = run.server, run.origin
    applied = [item for item in run.new if item.id in run.seen and run.seen[item.id].apply.outcome is Outcome.APPLIED]
    if server is None or origin is None or run.change.before is None or not applied:
        return []
    release = _release(run, run.change.before, server, origin)
    if release.empty:
        return []
    looked = {item.id for item in (*applied[:: -(-len(applied) // STATES)], applied[-1])}
    found: dict[str, Finding] = {}
    with _clone(server, origin) as course:
        for migration in applied:
            with run.connect(course) as connection:
                if run_script.run(connection, script_of(migration), entry=None).outcome is Outcome.FAILED:
                    break
            if migration.id in looked:
                for key, finding in _look(run, server, release, origin, course, migration):
                    found.setdefault(key, finding)
    return list(found.values())


def _release(run: Run, before: Tree, server: Server, origin: str) -> _Release:
    smoke = _texts(before, (*run.config.smoke.sql, *run.policy.smoke.sql))
    queries = [
        (path, part)
        for path, text in _texts(before, (*run.config.smoke.queries, *run.policy.smoke.queries))
        for part in statements.split(text)
    ]
    with run.connect(origin, admin=True) as connection:
        has_routines = routines.exist(connection)
    command = run.config.smoke.previous_command
    release = _Release(smoke=tuple(smoke), queries=tuple(queries), command=command, has_routines=has_routines)
    if not smoke and not command:
        return release
    # What fails on the old schema already says nothing about the new one.
    with _clone(server, origin) as copy:
        sound = tuple(item for item in smoke if file_failure(run, copy, *item) is None)
        works = command if command and command_failure(run, copy, command) is None else None
    return replace(release, smoke=sound, command=works)


def _texts(tree: Tree, globs: tuple[str, ...]) -> list[tuple[str, str]]:
    found: list[tuple[str, str]] = []
    if not globs:
        return found
    for path in matching(tuple(tree.paths(".")), globs):
        try:
            found.append((path, tree.read(path).decode("utf-8")))
        except (Unreadable, UnicodeDecodeError):
            continue
    return found


def _look(
    run: Run, server: Server, release: _Release, origin: str, course: str, migration: Migration
) -> Iterator[tuple[str, Finding]]:
    with run.connect(origin) as old, run.connect(course) as new:
        for path, part in release.queries:
            told = prepared_statement.difference(
                prepared_statement.of(old, part.text), prepared_statement.of(new, part.text)
            )
            if told is not None:
                where = f"{path}:{part.line}"
                message = f"after {migration.id} the statement at {where} of the running release {told}"
                yield where, _finding("query-breaks", migration, message, told)
        for broken in routines.broken(old, new):
            message = f"after {migration.id} {broken.name}, which was there before, cannot run: {broken.why}"
            yield broken.name, _finding("routine-breaks", migration, message, broken.why)
    if not release.smoke and not release.command:
        return
    with _clone(server, course) as copy:
        failures = [(path, file_failure(run, copy, path, text)) for path, text in release.smoke]
        if release.command:
            failures.append(("previous-command", command_failure(run, copy, release.command)))
    for name, why in failures:
        if why is not None:
            message = f"after {migration.id} the running release fails {name}: {why}"
            yield name, _finding("previous-release-fails", migration, message, why)


def _finding(rule: str, migration: Migration, message: str, why: str) -> Finding:
    place = Place(file=migration.up_path)
    guilty = _guilty(script_of(migration), why)
    if guilty is not None:
        place = Place(file=migration.up_path, line=guilty.line, column=1, end_line=guilty.end_line)
    return Finding(rule=rule, hazard=Hazard.COEXISTENCE, severity=Severity.ERROR, message=message, help=HELP, place=place,
                   migration=migration.id, docs=rule_page(rule))  # fmt: skip


def _guilty(script: Script, why: str) -> Statement | None:
    """Return the statement that names what the server misses; the first when none does."""
    parts = statements.of(script)
    names = [(quoted or plain).rpartition(".")[2].lower() for quoted, plain in _NAMED.findall(why)]
    for part in parts:
        if any(name in part.text.lower() for name in names):
            return part
    return parts[0] if parts else None


@contextmanager
def _clone(server: Server, database: str) -> Iterator[str]:
    name = server.create_database(f"coexistence_{next(_numbers)}", template=database)
    try:
        yield name
    finally:
        server.drop_database(name)
