"""Stage ``apply``: new migrations run for good, each statement observed; a second apply must be a no-op."""

from __future__ import annotations

from contextlib import closing

from kfm_ci.evidence import rollback, schema_diff, unindexed_foreign_keys
from kfm_ci.evidence.model import ApplyEvidence
from kfm_ci.evidence.observation import session_snapshot
from kfm_ci.evidence.observation.observer import Observer
from kfm_ci.migrations.model import Migration
from kfm_ci.model import Outcome
from kfm_ci.postgres import catalog, ledger, run_script
from kfm_ci.postgres.run_script import Applied
from kfm_ci.postgres.session import reset
from kfm_ci.stages.data_checks import schema_divergence, swallowed_exceptions
from kfm_ci.stages.data_checks.seeded_base import RULE, SeededBase
from kfm_ci.stages.run import MigrationRecord, Run
from kfm_ci.stages.setup.execution import entry_of, refusal, script_of
from kfm_ci.stages.stage import Failed, Skip


class Apply:
    """Runs the new migrations as production will, and looks on."""

    name = "apply"

    def run(self, run: Run) -> str | None:
        """Apply each new migration to a base with rows; what follows a failed one is not run.

        A migration that only rows make fail is reported, and applied again without such rows.
        """
        if run.server is None or run.base_database is None or run.status("provision") != "passed":
            raise Skip("there is no base to apply to")
        ground = SeededBase(run=run, server=run.server, base=run.base_database)
        while True:
            run.origin = ground.prepare()
            name = run.database = run.server.create_database("apply", template=run.origin)
            failure = self._attempt(run, name)
            if failure is None or not ground.learn(*failure, name):
                break
        if failure is not None:
            migration, done = failure
            found = refusal(run, migration, script_of(migration), done)
            same = [item for item in run.findings if (item.migration, item.hazard) == (found.migration, found.hazard)]
            if all(item.rule == found.rule for item in same):
                # The dry run sent the file whole, so it knew less of the place.
                run.findings[:] = [*(item for item in run.findings if item not in same), found]
            raise Failed(f"{migration.id} failed")
        schema_divergence.judge(run)
        swallowed_exceptions.judge(run)
        dependent = sum(item.rule == RULE for item in run.findings)
        on_data = f"; {dependent} statement{'s' if dependent > 1 else ''} failed on synthetic rows" if dependent else ""
        return f"{len(run.new)} applied{on_data}"

    def _attempt(self, run: Run, name: str) -> tuple[Migration, Applied] | None:
        """Apply all; return the first that failed."""
        failure: tuple[Migration, Applied] | None = None
        with (
            run.connect(name) as connection, run.connect(name) as aside, run.connect(name, admin=True) as beside,
            closing(Observer(beside, session_snapshot.existing(connection))) as observer,
        ):  # fmt: skip
            slow = frozenset(unindexed_foreign_keys.unindexed(connection))
            state = rollback.capture(aside)
            for migration in run.new:
                if failure:
                    run.seen[migration.id] = MigrationRecord()
                    continue
                script = script_of(migration)
                observer.reset()
                reset(connection)
                run.note("migration-attempted", migration=migration.id, sha256=script.file.sha256.hex)
                done = run_script.run(connection, script, entry=entry_of(run, migration), watcher=observer, traced=True)
                run.note("migration-ended", migration=migration.id, outcome=done.outcome.value)
                reset(connection)
                after = state
                if done.outcome is Outcome.APPLIED:
                    after = rollback.capture(aside, since=state, touched=done.touched)
                run.seen[migration.id] = MigrationRecord(
                    apply=ApplyEvidence(outcome=done.outcome, mode=done.mode, duration_ms=round(done.duration_ms, 3), error=done.error),
                    statements=observer.evidence, schema_diff=schema_diff.diff(state.catalog, after.catalog),
                    before=state, after=after,
                )  # fmt: skip
                state = after
                if done.outcome is Outcome.FAILED:
                    failure = (migration, done)
            reset(connection)
            # the receipt speaks of it, so it is read as a whole
            run.final_catalog = catalog.follow(aside)
            run.unindexed = tuple(item for item in unindexed_foreign_keys.unindexed(connection) if item not in slow)
            if failure is None:
                self._again(run, ledger.applied(connection))
                total = schema_diff.diff(run.base_catalog, run.final_catalog) if run.base_catalog else None
                if total is not None:
                    changed = schema_diff.changed_tables(total, run.final_catalog)
                    run.tables = schema_diff.neighbourhood(connection, changed)
        return failure

    def _again(self, run: Run, applied: tuple[str, ...]) -> None:
        """A second apply finds nothing pending: the ledger has every new migration."""
        pending = [item.id for item in run.new if item.id not in applied]
        if pending:
            raise Failed(f"the ledger does not know {pending[0]} after it was applied")
