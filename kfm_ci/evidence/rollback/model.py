"""Values of the rollback drill: what it is given, what it asks for, what it hands back."""

from __future__ import annotations

from contextlib import AbstractContextManager
from dataclasses import dataclass
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


@dataclass(frozen=True, slots=True, kw_only=True)
class State:
    """A database at one moment."""

    catalog: Catalog
    content: Content
    touched: frozenset[int] | None = None
    """OIDs of all relations whose rows may have changed since the state before; None: any may."""


@dataclass(frozen=True, slots=True, kw_only=True)
class DrillSubject:
    """A migration that was applied, with its way back."""

    migration: Migration
    strategy: Strategy
    compensation: Migration | None = None
    """The migration that is applied on top, for ``compensating``; None when the named one does not exist."""
    runbook: Runbook | None = None
    """For ``manual``; None when there is none."""
    exceptions: tuple[str, ...] = ()
    """Shell patterns of objects, such as ``column public.widgets.*``, that a compensation need not restore."""
    forget: str | None = None
    """SQL after which the migration's tool takes it for not applied; None when that is not known."""

    @property
    def id(self) -> str:
        """The migration's id."""
        return self.migration.id

    @property
    def down(self) -> Script | None:
        """Its down, when there is a statement in it."""
        down = self.migration.down
        return down if down is not None and statements.of(down) else None

    @property
    def idle(self) -> bool:
        """Whether the migration does nothing at all."""
        return isinstance(self.migration.up, Script) and not statements.of(self.migration.up)

    @property
    def script(self) -> Script | None:
        """The file in which its way back stands, when that is SQL."""
        if self.strategy is Strategy.COMPENSATING and self.compensation is not None:
            return self.compensation.up if isinstance(self.compensation.up, Script) else None
        return self.migration.down

    @property
    def runs(self) -> bool:
        """Whether its way back has anything that can be run."""
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
    """How one file went."""

    error: str | None = None
    """Server's message when it failed, with SQLSTATE in front."""
    line: int | None = None
    """1-based line of the statement that failed, in its file."""
    mode: Mode = Mode.TRANSACTION
    statements: tuple[StatementEvidence, ...] = ()
    touched: frozenset[int] | None = None
    """OIDs of all relations whose rows may have changed; None: any may."""
    setting: str | None = None
    """What to configure, where it failed for want of a role or a right of the throwaway server's."""


class Walker(Protocol):
    """Runs files on the drill's database; errors of the server are returned as values."""

    def up(self, migration: Migration) -> ScriptResult:
        """Apply a migration."""
        ...

    def down(self, migration: Migration) -> ScriptResult:
        """Run a migration's down; it is there."""
        ...

    def compensate(self, migration: Migration) -> ScriptResult:
        """Apply a migration as the way back of another."""
        ...

    def run(self, path: str, line: int, text: str) -> ScriptResult:
        """Run SQL of a runbook that begins on that line."""
        ...


class Runner(Walker, Protocol):
    """What the drill asks for: a walker that can keep its database as it is and return to it."""

    def keep(self) -> None:
        """Remember the database as it is; nobody is connected to it."""
        ...

    def restore(self) -> None:
        """Bring the database to what was last kept, else to what it was before the first of the migrations."""
        ...


class Connect(Protocol):
    """Opens connections to the drill's database."""

    def __call__(self) -> AbstractContextManager[Connection[Any]]:
        """Return a connection that is closed on leaving."""
        ...


@dataclass(frozen=True, slots=True, kw_only=True)
class DrillResult:
    """What the drill says of one migration."""

    migration_id: str
    evidence: RollbackEvidence
    findings: tuple[Finding, ...] = ()
    applied: bool = True
    """Whether the migration stands applied when the drill ends, as it did when it began."""
