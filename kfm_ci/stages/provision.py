"""Stage ``provision``: a server, and on it the base commit's schema."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

from kfm_ci.errors import CannotCheck
from kfm_ci.migrations.model import Migration, Tool
from kfm_ci.model import Finding, Outcome, Resumption, Severity
from kfm_ci.postgres import catalog, ledger, roles, run_script, session
from kfm_ci.postgres.session import reset
from kfm_ci.sql import role_references
from kfm_ci.sql.script import Script
from kfm_ci.stages.external_tool import record
from kfm_ci.stages.external_tool.record import Recording
from kfm_ci.stages.gate_input import GateInput
from kfm_ci.stages.results import BaseDatabase, Provisioned, RunningServer, executable, with_migrations
from kfm_ci.stages.setup import history_table
from kfm_ci.stages.setup.database import prepare
from kfm_ci.stages.setup.execution import entry_of, failure_finding
from kfm_ci.stages.stage import Failed, Results, Skip, StageOutcome, keeping


class Provision:
    """Starts the server and applies the migrations of the base."""

    name = "provision"

    def run(self, given: GateInput, done: Results) -> StageOutcome:
        """Start the engine and build the base; a base that does not apply cannot be checked against."""
        if given.change.head.unreadable:
            _reject_unreadable_base(given, done)
            raise Skip("Some files could not be read or ordered.")
        if not given.change.new:
            raise Skip("There is no new migration.")
        server = given.resources.enter_context(given.engine().start())
        running: RunningServer = RunningServer(
            change=given.change, config=given.config, policy=given.policy, journal=given.journal, server=server
        )
        found: list[Finding] = []
        with keeping(lambda: StageOutcome(result=running, findings=tuple(found))):
            running = base = _base_database(running, given.root, given.commit)
            prepare(base, base.base_database)
            comparison = history_table.by_baseline(base, base.base_database)
            found += comparison.findings
            if comparison.applied and not _merged(base):
                new = tuple(item for item in base.change.new if item.id not in comparison.applied)
                running = base = replace(base, change=replace(base.change, new=new))
            tool = base.change.head.tool
            if tool is not None:
                recording = _record(base, tool, done)
                found += recording.findings
                running = base = replace(base, change=recording.change, linter=recording.linter)
            else:
                recording = Recording(change=base.change)
                _apply_base(base, comparison.applied)
            provisioned = _provisioned(base, recording)
        count = len(given.change.base.migrations) if given.change.base else 0
        message = f"{server.detail}; {count} migration{'' if count == 1 else 's'} of the base"
        return StageOutcome(result=provisioned, findings=tuple(found), message=message)


def _base_database(running: RunningServer, root: Path, commit: str) -> BaseDatabase:
    """Create the roles and an empty database."""
    server, database = running.server, running.config.database
    with session.connect(server, server.maintenance, admin=True) as administrator:
        for role in database.roles:
            roles.create(administrator, role, owner=server.owner)
    server.roles.may_change = _changes_roles(running)
    name = server.create_database("base")
    with session.connect(server, name, admin=database.run_as == "superuser") as connection:
        session.check_settings(connection, database.settings)
    return BaseDatabase(
        change=running.change,
        config=running.config,
        policy=running.policy,
        journal=running.journal,
        server=server,
        root=root,
        commit=commit,
        base_database=name,
    )


def _record(base: BaseDatabase, tool: Tool, done: Results) -> Recording:
    record.build_base(base, tool, base.base_database)
    return record.record(base, tool, done.findings)


def _apply_base(base: BaseDatabase, baseline: frozenset[str]) -> None:
    """Apply the base's migrations but those that the baseline contains, and fill the ledger; raises Failed."""
    migrations = [executable(item) for item in _merged(base) if item.id not in baseline]
    with base.connect(base.base_database) as connection:
        for migration in migrations:
            reset(connection, observed=False)
            # a merged file has been applied, whatever its tool does after the end of its transaction
            script = replace(migration.up, resumption=migration.up.resumption or Resumption.BARE)
            applied = run_script.apply(connection, script)
            if applied.outcome is not Outcome.APPLIED:
                reset(connection)
                located = run_script.replay(connection, script, applied)
                finding = failure_finding(base, migration, script, located)
                raise Failed(
                    f"The migration `{migration.id}` of the base commit does not apply.",
                    StageOutcome(findings=(finding,)),
                )
        reset(connection)
        ledger.fill(connection, tuple(entry_of(base, item) for item in migrations))


def _provisioned(base: BaseDatabase, recording: Recording) -> Provisioned:
    new = tuple(executable(item) for item in base.change.new)
    with base.connect(base.base_database) as connection:
        reset(connection)
        base_catalog = catalog.read(connection)
    return Provisioned(
        change=with_migrations(base.change, {item.id: item for item in new}),
        config=base.config,
        policy=base.policy,
        journal=base.journal,
        server=base.server,
        linter=base.linter,
        root=base.root,
        commit=base.commit,
        base_database=base.base_database,
        base_catalog=base_catalog,
        new=new,
        programs=recording.programs,
        unrecorded=recording.unrecorded,
    )


def _merged(base: RunningServer) -> tuple[Migration, ...]:
    return base.change.base.migrations if base.change.base else ()


def _changes_roles(running: RunningServer) -> bool:
    """Whether a script of this run may change roles, judged by its privileges and its text."""
    if running.config.database.run_as == "superuser" or running.change.head.tool is not None:
        return True
    migrations = (*running.change.head.migrations, *_merged(running))
    scripts = (script for item in migrations for script in (item.up, item.down))
    return any(role_references.may_change(script) for script in scripts if isinstance(script, Script))


def _reject_unreadable_base(given: GateInput, done: Results) -> None:
    """Raise CannotCheck when a merged file is unreadable and no finding of this change reports it."""
    head = given.change.head
    reported = any(item.severity is Severity.ERROR for item in done.findings if item in head.findings)
    if given.change.new and not reported:
        first = next(iter(head.findings), None)
        raise CannotCheck(
            code="KFM-C24",
            message=f"A merged migration cannot be run: {first.message if first else 'it is unreadable.'}",
            where=first.place.file if first else head.directory,
            help=first.help if first else "Correct the file.",
        )
