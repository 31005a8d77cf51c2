"""The drill's database: what it holds, and how to return to the state that the up migrations alone give."""

from __future__ import annotations

from contextlib import ExitStack
from typing import Any

from psycopg import Connection

from kfm_ci.evidence.rollback.model import Connect, Runner, ScriptResult, State
from kfm_ci.migrations.model import Migration
from kfm_ci.postgres import catalog, data_checksums
from kfm_ci.postgres.catalog import Catalog
from kfm_ci.postgres.data_checksums import Content


class DrillDatabase:
    """A database that is drilled on; reads again only what can have changed."""

    def __init__(self, runner: Runner, connect: Connect) -> None:
        self._runner = runner
        self._connect = connect
        self._session: ExitStack = ExitStack()
        self._connection: Connection[Any] | None = None
        self._since: list[Migration] = []
        """Migrations applied since the checkpoint."""
        self._rows: Content | None = None
        """Rows when they were last captured."""
        self._schema: Catalog | None = None
        """Schema when it was last captured."""
        self._touched: frozenset[int] | None = frozenset()
        """Relations whose rows may have changed since; None: any may."""
        self.clean = False
        """Whether the database is in the state that the up migrations alone give."""

    def __enter__(self) -> DrillDatabase:
        return self

    def __exit__(self, *_: object) -> None:
        self._disconnect()

    @property
    def connection(self) -> Connection[Any]:
        """A monitoring connection; it is closed before the database is cloned."""
        if self._connection is None:
            self._connection = self._session.enter_context(self._connect())
        return self._connection

    def capture(self, schema: Catalog | None = None) -> State:
        """Return the current state; a known ``schema`` is not read again."""
        self._rows = data_checksums.snapshot(self.connection, since=self._rows, touched=self._touched)
        touched, self._touched = self._touched, frozenset()
        self._schema = schema or catalog.follow(self.connection, self._schema)
        return State(catalog=self._schema, content=self._rows, touched=touched)

    def apply(self, migration: Migration) -> str | None:
        """Apply the next migration, also after each restore; return the server's error."""
        self._since.append(migration)
        return self.up(migration).error

    def keep(self) -> None:
        """Save the database as the checkpoint."""
        self._disconnect()
        self._runner.keep()
        self._since.clear()

    def restore(self) -> None:
        """Restore the checkpoint and apply later migrations again; the database is clean when all succeed."""
        self._disconnect()
        self._runner.restore()
        self._rows = None
        self.clean = all(self._runner.up(migration).error is None for migration in self._since)

    def up(self, migration: Migration) -> ScriptResult:
        """Apply a migration."""
        return self._record(self._runner.up(migration))

    def down(self, migration: Migration) -> ScriptResult:
        """Run a down migration."""
        return self._record(self._runner.down(migration))

    def compensate(self, migration: Migration) -> ScriptResult:
        """Apply a migration as the rollback of another one."""
        return self._record(self._runner.compensate(migration))

    def run(self, path: str, line: int, text: str) -> ScriptResult:
        """Run SQL of a runbook."""
        return self._record(self._runner.run(path, line, text))

    def _record(self, result: ScriptResult) -> ScriptResult:
        """Add the relations whose rows may have changed."""
        if self._touched is None or result.touched is None or result.error is not None:
            self._touched = None
        else:
            self._touched |= result.touched
        return result

    def _disconnect(self) -> None:
        self._session.close()
        self._connection = None
