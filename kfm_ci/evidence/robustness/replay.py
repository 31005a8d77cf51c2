"""A walk: migrations run one after the other on a copy of a database, over one session that each begins anew."""

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
    """A copy that is walked on; it is made when something is first run on it."""

    ground: Databases
    source: str
    settings: Mapping[str, str] | None = None
    at: str | None = None
    """Database to walk on instead of a copy."""
    _copies: ExitStack = field(default_factory=ExitStack)
    _copy: str | None = None
    _sessions: ExitStack = field(default_factory=ExitStack)
    _session: Connection[Any] | None = None

    @property
    def database(self) -> str:
        """Name of the copy."""
        if self.at is not None:
            return self.at
        if self._copy is None:
            self._copy = self._copies.enter_context(self.ground.clone(self.source))
        return self._copy

    @property
    def session(self) -> Connection[Any]:
        """The session, as one that was just opened."""
        if self._session is None:
            self._session = self._sessions.enter_context(self.ground.connect(self.database, settings=self.settings))
        else:
            reset(self._session)
        return self._session

    def run(self, script: Script) -> ScriptOutcome:
        """Run a script for good."""
        return run_script.apply(self.session, script)

    def try_out(self, script: Script, look: SnapshotReader) -> ScriptOutcome:
        """Run a script that runs in a transaction, look at what it did, and roll it back."""
        return run_script.dry_run(self.session, script, look)

    @contextmanager
    def unmoved(self) -> Iterator[None]:
        """Put sequences back at the end: no rollback does, and who walks on must find them as after one run."""
        positions = data_checksums.snapshot(self.session, only=frozenset()).sequences
        yield
        moved = sequences.find_moved(positions, data_checksums.snapshot(self.session, only=frozenset()).sequences)
        if moved:
            with self.ground.connect(self.database, admin=True) as admin:
                sequences.restore(admin, moved)

    def leave(self) -> None:
        """End the session: a copy of a database can be made only when nobody is connected."""
        self._sessions.close()
        self._session = None

    def end(self) -> None:
        """Remove the copy."""
        self.leave()
        self._copies.close()
        self._copy = None


@contextmanager
def walk(ground: Databases, source: str, *, settings: Mapping[str, str] | None = None) -> Iterator[Replay]:
    """Yield a walk on a copy of a database that nobody is connected to; the copy is removed at the end."""
    course = Replay(ground=ground, source=source, settings=settings)
    try:
        yield course
    finally:
        course.end()
