"""Stage ``provision``: a server, and on it the base commit's schema."""

from __future__ import annotations

from dataclasses import replace

from kfm_ci.errors import CannotCheck
from kfm_ci.model import Outcome, Resumption, Severity
from kfm_ci.postgres import catalog, ledger, roles, run_script, session
from kfm_ci.postgres.session import reset
from kfm_ci.sql import role_references as naming
from kfm_ci.sql.script import Script
from kfm_ci.stages.external_tool import record
from kfm_ci.stages.run import Run
from kfm_ci.stages.setup import history_table
from kfm_ci.stages.setup.database import prepare
from kfm_ci.stages.setup.execution import entry_of, refusal, script_of
from kfm_ci.stages.stage import Failed, Skip


def _changes_roles(run: Run) -> bool:
    """Whether what this run runs may change roles, as far as its right and its text tell."""
    if run.config.database.run_as == "superuser" or run.change.head.tool is not None:
        return True
    histories = [run.change.head, *([run.change.base] if run.change.base else [])]
    scripts = (script for history in histories for item in history.migrations for script in (item.up, item.down))
    return any(naming.may_change(script) for script in scripts if isinstance(script, Script))


class Provision:
    """Starts the server and applies what the base has."""

    name = "provision"

    def run(self, run: Run) -> str | None:
        """Start the engine and build ``kfm_base``; a base that does not apply cannot be checked against."""
        if run.change.head.unreadable:
            self._admit(run)
            raise Skip("some files could not be read or ordered")
        if not run.new:
            raise Skip("nothing new to run")
        server = run.server = run.resources.enter_context(run.engine().start())
        with session.connect(server, server.maintenance, admin=True) as administrator:
            for role in run.config.database.roles:
                roles.make(administrator, role, owner=server.owner)
        server.roles.changing = _changes_roles(run)
        name = run.base_database = server.create_database("base")
        with session.connect(server, name, admin=run.config.database.run_as == "superuser") as connection:
            session.accepts(connection, run.config.database.settings)
        prepare(run, name)
        ran = self._ran(run, name)
        tool = run.change.head.tool
        if tool is not None:
            record.build_base(run, tool, name)
            record.record(run, tool)
        with run.connect(name) as connection:
            base = run.change.base.migrations if run.change.base else ()
            for migration in base if tool is None else ():
                if migration.id in ran:
                    continue
                reset(connection, observed=False)
                script = script_of(migration)
                # what is merged has run, whatever its tool says of a file that ends its transaction
                script = replace(script, resumes=script.resumes or Resumption.BARE)
                done = run_script.run(connection, script, entry=None)
                if done.outcome is not Outcome.APPLIED:
                    reset(connection)
                    again = run_script.run(connection, script, entry=None, keep=False, apart=True)
                    done = again if again.sqlstate == done.sqlstate else done
                    run.findings.append(refusal(run, migration, script, done))
                    raise Failed(f"the base commit's own migrations do not apply: {migration.id}")
            reset(connection)
            if tool is None:
                ledger.fill(connection, tuple(entry_of(run, item) for item in base if item.id not in ran))
            run.base_catalog = catalog.read(connection)
        return f"{server.detail}; {len(base)} migration{'' if len(base) == 1 else 's'} of the base"

    def _ran(self, run: Run, database: str) -> frozenset[str]:
        """Return the ids of the migrations that the baseline holds, as its own history table says, and tell what is wrong with it."""
        noted = history_table.by_baseline(run, database)
        run.findings += noted.findings
        if noted.applied and not (run.change.base and run.change.base.migrations):
            run.change = replace(run.change, new=tuple(item for item in run.new if item.id not in noted.applied))
        return noted.applied

    def _admit(self, run: Run) -> None:
        """What was merged unreadable is nobody's finding now; still, nothing could be checked."""
        told = any(item.severity is Severity.ERROR for item in run.findings if item in run.change.head.findings)
        if run.new and not told:
            first = next(iter(run.change.head.findings), None)
            raise CannotCheck(
                code="KFM-C24", message=f"a migration that is merged already cannot be run: {first.message if first else 'unreadable'}",
                where=first.place.file if first else run.change.head.directory, help=first.help if first else "mend the file",
            )  # fmt: skip
