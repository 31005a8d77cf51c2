"""A database that is drilled on: what it holds, and how to get it back to where the ups alone bring it."""

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
    """The drill's database under one runner; looks at it again only where something can have changed."""

    def __init__(self, runner: Runner, connect: Connect) -> None:
        self._runner = runner
        self._connect = connect
        self._session: ExitStack = ExitStack()
        self._connection: Connection[Any] | None = None
        self._since: list[Migration] = []
        """Applied since the database was kept."""
        self._rows: Content | None = None
        """Rows at the last look."""
        self._schema: Catalog | None = None
        """Schema at the last look."""
        self._touched: frozenset[int] | None = frozenset()
        """Relations whose rows may have changed since; None: any may."""
        self.firm = False
        """Whether the database is as the ups alone made it."""

    def __enter__(self) -> DrillDatabase:
        return self

    def __exit__(self, *_: object) -> None:
        self._leave()

    @property
    def connection(self) -> Connection[Any]:
        """A session to look with; it ends where the database is copied."""
        if self._connection is None:
            self._connection = self._session.enter_context(self._connect())
        return self._connection

    def look(self, schema: Catalog | None = None) -> State:
        """Return the database as it is now; a ``schema`` that is known already is not read."""
        self._rows = data_checksums.snapshot(self.connection, since=self._rows, touched=self._touched)
        touched, self._touched = self._touched, frozenset()
        self._schema = schema or catalog.follow(self.connection, self._schema)
        return State(catalog=self._schema, content=self._rows, touched=touched)

    def climb(self, migration: Migration) -> str | None:
        """Apply the next migration for good; return the server's error."""
        self._since.append(migration)
        return self.up(migration).error

    def keep(self) -> None:
        """Remember the database as it is."""
        self._leave()
        self._runner.keep()
        self._since.clear()

    def restore(self) -> None:
        """Bring the database to where the ups alone bring it; it is firm when they apply once more."""
        self._leave()
        self._runner.restore()
        self._rows = None
        self.firm = all(self._runner.up(migration).error is None for migration in self._since)

    def up(self, migration: Migration) -> ScriptResult:
        """Apply a migration."""
        return self._note(self._runner.up(migration))

    def down(self, migration: Migration) -> ScriptResult:
        """Run a migration's down."""
        return self._note(self._runner.down(migration))

    def compensate(self, migration: Migration) -> ScriptResult:
        """Apply a migration as the way back of another."""
        return self._note(self._runner.compensate(migration))

    def run(self, path: str, line: int, text: str) -> ScriptResult:
        """Run SQL of a runbook."""
        return self._note(self._runner.run(path, line, text))

    def _note(self, ran: ScriptResult) -> ScriptResult:
        known = self._touched is not None and ran.touched is not None and ran.error is None
        self._touched = self._touched | ran.touched if known else None  # type: ignore[operator]
        return ran

    def _leave(self) -> None:
        self._session.close()
        self._connection = None
