"""Values of the rollback drill: its subjects and their state, the protocols it needs, its results."""

from __future__ import annotations

from contextlib import AbstractContextManager
from dataclasses import dataclass
from enum import StrEnum
from typing import Any, Protocol, assert_never

from psycopg import Connection

from kfm_ci.evidence.model import RollbackEvidence
from kfm_ci.evidence.runbook import Runbook
from kfm_ci.evidence.statement_evidence import StatementEvidence
from kfm_ci.migrations.model import Migration
from kfm_ci.model import Finding, Mode, Strategy
from kfm_ci.postgres.catalog import Catalog
from kfm_ci.postgres.data_checksums import Content
from kfm_ci.sql import statements
from kfm_ci.sql.script import Script


class DrillStep(StrEnum):
    """How far the drill of one migration came."""

    PENDING = "pending"
    """The migration is applied; its rollback was not run."""
    BLOCKED = "blocked"
    """There is no rollback to run."""
    FAILED = "failed"
    """PostgreSQL returned an error during the rollback."""
    ROLLED_BACK = "rolled-back"
    """The rollback ran to its end and was compared with the state before the migration."""
    REAPPLIED = "reapplied"
    """The up migration ran again after the rollback."""


@dataclass(frozen=True, slots=True, kw_only=True)
class State:
    """Schema and rows of a database at one moment."""

    catalog: Catalog
    content: Content
    touched: frozenset[int] | None = None
    """OIDs of all relations whose rows may have changed since the state before; None: any may."""


@dataclass(frozen=True, slots=True, kw_only=True)
class DrillSubject:
    """An applied migration with its rollback."""

    migration: Migration
    strategy: Strategy
    compensation: Migration | None = None
    """The compensating migration, for ``compensating``; None when the named one does not exist."""
    runbook: Runbook | None = None
    """For ``manual``; None when there is none."""
    exceptions: tuple[str, ...] = ()
    """Shell patterns of objects, such as ``column public.widgets.*``, that a compensation need not restore."""
    forget: str | None = None
    """SQL that removes the migration from its tool's history table; None when that is not known."""

    @property
    def id(self) -> str:
        """The migration's id."""
        return self.migration.id

    @property
    def down(self) -> Script | None:
        """The down migration; None when it has no statement."""
        down = self.migration.down
        return down if down is not None and statements.of(down) else None

    @property
    def is_empty(self) -> bool:
        """Whether the up migration has no statement."""
        return isinstance(self.migration.up, Script) and not statements.of(self.migration.up)

    @property
    def rollback_script(self) -> Script | None:
        """The SQL file with the rollback; None when it is not SQL."""
        if self.strategy is Strategy.COMPENSATING and self.compensation is not None:
            return self.compensation.up if isinstance(self.compensation.up, Script) else None
        return self.migration.down

    @property
    def can_run(self) -> bool:
        """Whether the rollback has something to run."""
        match self.strategy:
            case Strategy.DOWN:
                return self.down is not None
            case Strategy.COMPENSATING:
                return self.compensation is not None
            case Strategy.MANUAL:
                return self.down is not None or (self.runbook is not None and bool(self.runbook.drills))
            case Strategy.NONE:
                return False
            case _:
                assert_never(self.strategy)


@dataclass(frozen=True, slots=True, kw_only=True)
class ScriptResult:
    """The result of running one file."""

    error: str | None = None
    """SQLSTATE and the server's message, when it failed."""
    line: int | None = None
    """1-based line of the failed statement in its file."""
    mode: Mode = Mode.TRANSACTION
    statements: tuple[StatementEvidence, ...] = ()
    touched: frozenset[int] | None = None
    """OIDs of all relations whose rows may have changed; None: any may."""
    setting: str | None = None
    """The setting to change, when the file failed because the disposable server has no such role or privilege."""


class ScriptRunner(Protocol):
    """Runs files on the drill's database and returns the server's errors as values."""

    def up(self, migration: Migration) -> ScriptResult:
        """Apply a migration."""
        ...

    def down(self, migration: Migration) -> ScriptResult:
        """Run the down migration of a migration that has one."""
        ...

    def compensate(self, migration: Migration) -> ScriptResult:
        """Apply a migration as the rollback of another one."""
        ...

    def run(self, path: str, line: int, text: str) -> ScriptResult:
        """Run SQL of a runbook that begins on this line."""
        ...


class Runner(ScriptRunner, Protocol):
    """A script runner that can save its database and restore it."""

    def keep(self) -> None:
        """Save the database as the checkpoint; no session is connected to it."""
        ...

    def restore(self) -> None:
        """Restore the last checkpoint; without one, the state before the first of the migrations."""
        ...


class Connect(Protocol):
    """Opens connections to the drill's database."""

    def __call__(self) -> AbstractContextManager[Connection[Any]]:
        """Return a connection that is closed on leaving."""
        ...


@dataclass(frozen=True, slots=True, kw_only=True)
class DrillResult:
    """Evidence and findings of the drill for one migration."""

    migration_id: str
    evidence: RollbackEvidence
    findings: tuple[Finding, ...] = ()
    applied: bool = True
    """Whether the migration is applied when the drill ends, as it was when the drill began."""
