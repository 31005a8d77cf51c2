"""A replay: migrations run one after the other on a clone of a database, in one session that is reset for each."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass, field
from typing import Any

from psycopg import Connection

from kfm_ci.evidence.robustness.model import Databases
from kfm_ci.postgres import data_checksums, run_script, sequences
from kfm_ci.postgres.run_script import SnapshotReader
from kfm_ci.postgres.script_outcome import ScriptOutcome
from kfm_ci.postgres.session import reset
from kfm_ci.sql.script import Script


@dataclass(slots=True, kw_only=True)
class Replay:
    """A clone on which scripts are run; it is created with the first of them."""

    databases: Databases
    source: str
    """The database to clone."""
    settings: Mapping[str, str] | None = None
    uncloned: str | None = None
    """A database to run on directly, instead of a clone."""
    _clones: ExitStack = field(default_factory=ExitStack)
    _clone: str | None = None
    _sessions: ExitStack = field(default_factory=ExitStack)
    _session: Connection[Any] | None = None

    @property
    def database(self) -> str:
        """Name of the database that scripts run on."""
        if self.uncloned is not None:
            return self.uncloned
        if self._clone is None:
            self._clone = self._clones.enter_context(self.databases.clone(self.source))
        return self._clone

    @property
    def session(self) -> Connection[Any]:
        """The session, in the state of a new one."""
        if self._session is None:
            self._session = self._sessions.enter_context(self.databases.connect(self.database, settings=self.settings))
        else:
            reset(self._session)
        return self._session

    def run(self, script: Script) -> ScriptOutcome:
        """Run a script and keep its changes."""
        return run_script.apply(self.session, script)

    def dry_run(self, script: Script, snapshot: SnapshotReader) -> ScriptOutcome:
        """Run a transactional script, read its changes with ``snapshot``, and roll it back."""
        return run_script.dry_run(self.session, script, snapshot)

    @contextmanager
    def preserving_sequences(self) -> Iterator[None]:
        """Restore the sequences at the end: a rollback does not, and later scripts must find them as after one run."""
        positions = data_checksums.snapshot(self.session, only=frozenset()).sequences
        yield
        moved = sequences.find_moved(positions, data_checksums.snapshot(self.session, only=frozenset()).sequences)
        if moved:
            with self.databases.connect(self.database, admin=True) as admin:
                sequences.restore(admin, moved)

    def disconnect(self) -> None:
        """Close the session: PostgreSQL clones only a database without any."""
        self._sessions.close()
        self._session = None

    def close(self) -> None:
        """Close the session and drop the clone."""
        self.disconnect()
        self._clones.close()
        self._clone = None


@contextmanager
def open_replay(databases: Databases, source: str, *, settings: Mapping[str, str] | None = None) -> Iterator[Replay]:
    """Yield a replay on a clone of a database without sessions; the clone is dropped at the end."""
    replay = Replay(databases=databases, source=source, settings=settings)
    try:
        yield replay
    finally:
        replay.close()
