"""Part of stage ``rollback``: runs the scripts of the rollback drill on a database of its own."""

from __future__ import annotations

from contextlib import ExitStack, closing

from kfm_ci.evidence.observation import session_snapshot
from kfm_ci.evidence.observation.observer import Observer
from kfm_ci.evidence.rollback.model import ScriptResult
from kfm_ci.migrations.model import Migration
from kfm_ci.model import Digest, Outcome
from kfm_ci.postgres import run_script
from kfm_ci.postgres.session import Session, reset
from kfm_ci.sql.script import Script, SourceFile
from kfm_ci.stages.results import Provisioned, executable
from kfm_ci.stages.setup import error_help


class DrillRunner:
    """Runs up and down migrations; downs are observed, the ledger is not written."""

    def __init__(self, base: Provisioned, database: str, origin: str) -> None:
        """``origin``: the database that ``restore`` returns to until the first ``keep``."""
        self._base = base
        self._database = database
        self._checkpoint = origin
        with base.connect(origin) as connection:
            self._existing = session_snapshot.existing(connection)
        self._sessions = ExitStack()
        self._session: Session | None = None
        self._observer: Observer | None = None

    def up(self, migration: Migration) -> ScriptResult:
        """Run an up migration."""
        return self._run(executable(migration).up)

    def down(self, migration: Migration) -> ScriptResult:
        """Run a down migration."""
        if migration.down is None:
            return ScriptResult(error="there is no down migration")
        return self._run(migration.down, observed=True)

    def compensate(self, migration: Migration) -> ScriptResult:
        """Run a compensating migration."""
        return self._run(executable(migration).up, observed=True)

    def run(self, path: str, line: int, text: str) -> ScriptResult:
        """Run a block of a runbook."""
        data = text.encode()
        file = SourceFile(path=path, data=data, text=text, sha256=Digest.of(data))
        return self._run(Script(file=file, text=text, first_line=line), observed=True)

    def keep(self) -> None:
        """Make the present state the one that ``restore`` returns to."""
        self.close()
        self._checkpoint = self._base.server.create_database("rollback_kept", template=self._database)

    def restore(self) -> None:
        """Return to the last checkpoint."""
        self.close()
        self._base.server.create_database(self._database, template=self._checkpoint)

    def close(self) -> None:
        """Close all connections: PostgreSQL clones only a database without any."""
        self._sessions.close()
        self._session = self._observer = None

    def _run(self, script: Script, *, observed: bool = False) -> ScriptResult:
        session = self._open()
        observer = self._observe() if observed else None
        self._base.note("script-attempted", file=script.file.path)
        ran = run_script.apply(session, script, watcher=observer, traced=True)
        self._base.note("script-ended", file=script.file.path, outcome=ran.outcome.value)
        return ScriptResult(
            error=ran.error if ran.outcome is Outcome.FAILED else None,
            line=ran.line,
            mode=ran.mode,
            statements=observer.evidence if observer else (),
            touched=ran.touched,
            setting=error_help.of_server(ran.sqlstate, ran.error) if ran.error else None,
        )

    def _open(self) -> Session:
        """Return the session for scripts in the state of a new one."""
        if self._session is None:
            self._session = self._sessions.enter_context(self._base.connect(self._database))
        reset(self._session)
        return self._session

    def _observe(self) -> Observer:
        if self._observer is None:
            monitoring = self._sessions.enter_context(self._base.connect(self._database, admin=True))
            self._observer = self._sessions.enter_context(closing(Observer(monitoring, self._existing)))
        self._observer.reset()
        return self._observer
