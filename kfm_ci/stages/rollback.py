"""Stage ``rollback``: the way back is run, and what it restores is compared."""

from __future__ import annotations

from contextlib import ExitStack, closing
from dataclasses import replace
from typing import Any

from kfm_ci.evidence import rollback, runbook
from kfm_ci.evidence.model import RollbackEvidence
from kfm_ci.evidence.observation import session_snapshot
from kfm_ci.evidence.observation.observer import Observer
from kfm_ci.evidence.rollback.model import DrillResult, DrillSubject, ScriptResult
from kfm_ci.migrations.history_tables import row_deletion
from kfm_ci.migrations.model import Migration, Unreadable
from kfm_ci.model import Digest, Hazard, Outcome, Proof, Strategy
from kfm_ci.postgres import run_script
from kfm_ci.postgres.engines.base import Server
from kfm_ci.postgres.session import Session, reset
from kfm_ci.sql import statements
from kfm_ci.sql.script import Script, SourceFile
from kfm_ci.stages.external_tool import rerecord_down
from kfm_ci.stages.robustness.checks import rehearse
from kfm_ci.stages.run import Run
from kfm_ci.stages.setup import error_help
from kfm_ci.stages.setup.execution import script_of
from kfm_ci.stages.stage import Failed, Skip


def strategy_of(migration: Migration) -> Strategy:
    """Return what the header declares; without one, ``down`` where there is a down with a statement."""
    declared = migration.header.choice("rollback", Strategy) if migration.header else None
    if declared:
        return Strategy(declared)
    return Strategy.DOWN if migration.down is not None and statements.of(migration.down) else Strategy.NONE


class _Runner:
    """Runs scripts of the drill on a database of its own; ways back are observed, nothing is recorded in the ledger."""

    def __init__(self, run: Run, server: Server, database: str, origin: str) -> None:
        self._run = run
        self._server = server
        self._database = database
        self._stand = origin
        with run.connect(origin) as connection:
            self._existing = session_snapshot.existing(connection)
        self._sessions = ExitStack()
        self._session: Session | None = None
        self._observer: Observer | None = None

    def up(self, migration: Migration) -> ScriptResult:
        return self._go(script_of(migration))

    def down(self, migration: Migration) -> ScriptResult:
        if migration.down is None:
            return ScriptResult(error="there is no down file")
        return self._go(migration.down, watched=True)

    def compensate(self, migration: Migration) -> ScriptResult:
        return self._go(script_of(migration), watched=True)

    def run(self, path: str, line: int, text: str) -> ScriptResult:
        data = text.encode()
        file = SourceFile(path=path, data=data, text=text, sha256=Digest.of(data))
        return self._go(Script(file=file, text=text, first_line=line), watched=True)

    def keep(self) -> None:
        self.close()
        self._stand = self._server.create_database("rollback_kept", template=self._database)

    def restore(self) -> None:
        self.close()
        self._server.create_database(self._database, template=self._stand)

    def close(self) -> None:
        """Let go of the database: a copy of it can be made only when nobody is connected."""
        self._sessions.close()
        self._session = self._observer = None

    def _go(self, script: Script, *, watched: bool = False) -> ScriptResult:
        session = self._begin()
        observer = self._observe() if watched else None
        self._run.note("script-attempted", file=script.file.path)
        done = run_script.run(session, script, entry=None, watcher=observer, traced=True)
        self._run.note("script-ended", file=script.file.path, outcome=done.outcome.value)
        return ScriptResult(
            error=done.error if done.outcome is Outcome.FAILED else None, line=done.line, mode=done.mode,
            statements=observer.evidence if observer else (), touched=done.touched,
            setting=error_help.of_server(done.sqlstate, done.error) if done.error else None,
        )  # fmt: skip

    def _begin(self) -> Session:
        """Return the session that scripts run in, as one that was just opened."""
        if self._session is None:
            self._session = self._sessions.enter_context(self._run.connect(self._database))
        reset(self._session)
        return self._session

    def _observe(self) -> Observer:
        if self._observer is None:
            beside = self._sessions.enter_context(self._run.connect(self._database, admin=True))
            self._observer = self._sessions.enter_context(closing(Observer(beside, self._existing)))
        self._observer.reset()
        return self._observer


class Rollback:
    """Drills every new migration's way back."""

    name = "rollback"

    def run(self, run: Run) -> str | None:
        """Take the new migrations back in reverse, compare, and apply them again."""
        server, database = run.server, run.database
        applied = [
            item for item in run.new if run.seen.get(item.id) and run.seen[item.id].apply.outcome is Outcome.APPLIED
        ]
        if server is None or database is None or run.origin is None or not applied:
            raise Skip("nothing was applied")
        results = self._drill(run, server, run.origin, applied)
        told = {(item.migration, item.hazard) for item in run.findings}
        for result in results:
            proof = run.unrecorded.get(result.migration_id)
            run.seen[result.migration_id].rollback = _told(result.evidence, proof) if proof else result.evidence
            run.findings += [
                item for item in result.findings
                if not (item.hazard is Hazard.ROLLBACK_MISSING and (proof or (item.migration, item.hazard) in told))
            ]  # fmt: skip
        rehearsed = rehearse(run)
        run.findings += rehearsed.findings
        wrong = [result for result in results if any(item.refuses for item in result.findings)]
        if wrong:
            raise Failed(f"{len(wrong)} of {len(results)} ways back are not proven")
        if any(item.refuses for item in rehearsed.findings):
            raise Failed("; ".join(f"{item.migration}: {item.rule}" for item in rehearsed.findings if item.refuses))
        proven = f"{sum(result.evidence.proof == 'proven' for result in results)} of {len(results)} proven"
        return "; ".join(filter(None, (proven, rehearsed.untried)))

    def _drill(self, run: Run, server: Server, origin: str, applied: list[Migration]) -> tuple[DrillResult, ...]:
        """Walk every way back; those of a tool that are accused once more, as it takes them back right after their own ups."""
        seen = [(item.id, run.seen[item.id]) for item in applied]
        drilled = server.create_database("rollback", template=run.database)
        given: dict[str, Any] = {
            "before": {name: one.before for name, one in seen if one.before}, "connect": lambda: run.connect(drilled),
            "after": {name: one.after for name, one in seen if one.after}, "house_format": run.change.house_format,
        }  # fmt: skip
        with closing(_Runner(run, server, drilled, origin)) as runner:
            results = rollback.drill([self._subject(run, item) for item in applied], runner=runner, **given)
        told = rerecord_down.record(run, rerecord_down.accused(run, results))
        again = {name for name, failure in told.items() if failure is None}
        if again:
            subjects = [self._subject(run, item) for item in run.new if item.id in {one.id for one in applied}]
            with closing(_Runner(run, server, drilled, origin)) as runner:
                anew = rollback.drill_alone(subjects, again, runner=runner, **given)
            results = tuple(anew.get(result.migration_id, result) for result in results)
        failed = {name: failure for name, failure in told.items() if failure is not None}
        run.unrecorded |= dict.fromkeys(failed, Proof.FAILED)
        return tuple(
            replace(result, findings=(failed[result.migration_id],)) if result.migration_id in failed else result
            for result in results
        )

    def _subject(self, run: Run, migration: Migration) -> DrillSubject:
        strategy = strategy_of(migration)
        values = migration.header.values if migration.header else {}
        compensation = (
            run.change.head.get(values.get("compensated-by", "")) if strategy is Strategy.COMPENSATING else None
        )
        book = None
        if strategy is Strategy.MANUAL and (path := values.get("runbook")):
            try:
                book = runbook.parse(path, run.change.tree.read(path).decode("utf-8", "replace"))
            except Unreadable:
                book = None
        order = run.change.head.migrations
        place = order.index(migration)
        return DrillSubject(
            migration=migration, strategy=strategy, compensation=compensation, runbook=book,
            exceptions=run.policy.policy.compensation_exceptions,
            forget=row_deletion.forget(run.change.head.format, migration, order[place - 1] if place else None),
        )  # fmt: skip


def _told(evidence: RollbackEvidence, proof: Proof) -> RollbackEvidence:
    """Return what is known of a tool's way back of which there is no record."""
    message = "the tool's own way back fails" if proof is Proof.FAILED else "the tool's own way back was not run"
    return replace(evidence, strategy=Strategy.DOWN, proof=proof, message=message)
