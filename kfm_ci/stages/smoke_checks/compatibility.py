"""Part of stage ``smoke``: the running release, on each state between the new migrations."""

from __future__ import annotations

import itertools
import re
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, replace

from kfm_ci.evidence.compatibility import prepared_statement, routines
from kfm_ci.migrations.model import Tree, Unreadable
from kfm_ci.model import Finding, Outcome, Place
from kfm_ci.postgres import run_script
from kfm_ci.postgres.engines.base import Server
from kfm_ci.rule_info import RuleInfo
from kfm_ci.rules.server.robustness import PREVIOUS_RELEASE_FAILS, QUERY_BREAKS, ROUTINE_BREAKS
from kfm_ci.sql import statements
from kfm_ci.sql.script import Script, Statement
from kfm_ci.stages.inputs import matching
from kfm_ci.stages.results import ApplyResult, ExecutableMigration, Provisioned
from kfm_ci.stages.smoke_checks.execution import command_failure, file_failure

STATES = 10
"""Maximum number of states that are checked; the last one always is."""

HELP = (
    "Expand first: keep the old name next to the new one until no running release uses it. Drop it in a later pull "
    "request."
)

_numbers = itertools.count()
_NAMED = re.compile(r'"([^"]+)"|(?:column|relation|function|type|takes) ([\w.]+)')


@dataclass(frozen=True, slots=True, kw_only=True)
class _Release:
    """The running release: its smoke tests, queries and routines."""

    smoke: tuple[tuple[str, str], ...]
    """Path and text of its smoke tests."""
    queries: tuple[tuple[str, Statement], ...]
    command: str | None
    has_routines: bool

    @property
    def empty(self) -> bool:
        """Whether there is nothing to check."""
        return not (self.smoke or self.queries or self.command or self.has_routines)


def check_running_release(base: Provisioned, result: ApplyResult) -> list[Finding]:
    """Return what breaks in the running release, each once, at the first migration that breaks it."""
    server, origin = base.server, result.seeded_base
    applied = [item for item in base.new if result.is_applied(item)]
    if base.change.before is None or not applied:
        return []
    release = _release(base, base.change.before, server, origin)
    if release.empty:
        return []
    checked = {item.id for item in (*applied[:: -(-len(applied) // STATES)], applied[-1])}
    found: dict[str, Finding] = {}
    with _clone(server, origin) as database:
        for migration in applied:
            with base.connect(database) as connection:
                if run_script.apply(connection, migration.up).outcome is Outcome.FAILED:
                    break
            if migration.id in checked:
                for key, finding in _check_state(base, server, release, origin, database, migration):
                    found.setdefault(key, finding)
    return list(found.values())


def _release(base: Provisioned, before: Tree, server: Server, origin: str) -> _Release:
    smoke = _texts(before, (*base.config.smoke.sql, *base.policy.smoke.sql))
    queries = [
        (path, part)
        for path, text in _texts(before, (*base.config.smoke.queries, *base.policy.smoke.queries))
        for part in statements.split(text)
    ]
    with base.connect(origin, admin=True) as connection:
        has_routines = routines.has_routines(connection)
    command = base.config.smoke.previous_command
    release = _Release(smoke=tuple(smoke), queries=tuple(queries), command=command, has_routines=has_routines)
    if not smoke and not command:
        return release
    # a failure on the old schema proves nothing about the new one
    with _clone(server, origin) as copy:
        sound = tuple(item for item in smoke if file_failure(base, copy, *item) is None)
        works = command if command and command_failure(base, copy, command) is None else None
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


def _check_state(
    base: Provisioned, server: Server, release: _Release, origin: str, database: str, migration: ExecutableMigration
) -> Iterator[tuple[str, Finding]]:
    with base.connect(origin) as old, base.connect(database) as new:
        for path, part in release.queries:
            change = prepared_statement.describe_change(
                prepared_statement.prepare(old, part.text), prepared_statement.prepare(new, part.text)
            )
            if change is not None:
                where = f"{path}:{part.line}"
                message = f"After `{migration.id}` the statement at `{where}` of the running release {change}."
                yield where, _finding(QUERY_BREAKS, migration, message, change)
        for broken in routines.find_broken(old, new):
            message = f"After `{migration.id}` the existing `{broken.name}` fails: {broken.why}."
            yield broken.name, _finding(ROUTINE_BREAKS, migration, message, broken.why)
    if not release.smoke and not release.command:
        return
    with _clone(server, database) as copy:
        failures = [(path, file_failure(base, copy, path, text)) for path, text in release.smoke]
        if release.command:
            failures.append(("previous-command", command_failure(base, copy, release.command)))
    for name, why in failures:
        if why is not None:
            message = f"After `{migration.id}` the running release fails `{name}`: {why.removesuffix('.')}."
            yield name, _finding(PREVIOUS_RELEASE_FAILS, migration, message, why)


def _finding(rule: RuleInfo, migration: ExecutableMigration, message: str, why: str) -> Finding:
    place = Place(file=migration.up_path)
    cause = _causing_statement(migration.up, why)
    if cause is not None:
        place = Place(file=migration.up_path, line=cause.line, column=1, end_line=cause.end_line)
    return rule.finding(message, help=HELP, place=place, migration=migration.id)


def _causing_statement(script: Script, why: str) -> Statement | None:
    """Return the statement that names the missing object; the first when none does."""
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
