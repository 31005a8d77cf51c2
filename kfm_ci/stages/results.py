"""The frozen results of the gate's stages, in the order of the pipeline."""

from __future__ import annotations

from collections.abc import Mapping
from contextlib import AbstractContextManager
from dataclasses import dataclass, field, fields, replace
from pathlib import Path
from typing import Any

from kfm_ci.analysis.change import Change
from kfm_ci.config import Config
from kfm_ci.errors import CannotCheck
from kfm_ci.evidence.journal import Journal
from kfm_ci.evidence.model import (
    ApplyEvidence,
    RollbackEvidence,
    SchemaDiff,
    Seeding,
    SmokeEvidence,
)
from kfm_ci.evidence.privileges import Rights
from kfm_ci.evidence.rollback.model import State
from kfm_ci.evidence.row_evidence import RowEvidence
from kfm_ci.evidence.statement_evidence import StatementEvidence
from kfm_ci.evidence.tables import ForeignKey, Table
from kfm_ci.migrations.model import Command, Migration
from kfm_ci.model import Digest, LinterIdentity, Outcome, Proof
from kfm_ci.postgres import session
from kfm_ci.postgres.catalog import Catalog
from kfm_ci.postgres.engines.base import Server
from kfm_ci.postgres.session import Session
from kfm_ci.sql.script import Script
from kfm_ci.stages.stage import Results


@dataclass(frozen=True, slots=True, kw_only=True)
class ToolMigration(Migration):
    """A migration whose SQL is not recorded yet: only its tool can run it."""

    up: Command


@dataclass(frozen=True, slots=True, kw_only=True)
class ExecutableMigration(Migration):
    """A migration whose SQL our own runner executes: read from a file, or recorded from a tool."""

    up: Script


def executable(migration: Migration) -> ExecutableMigration:
    """Return a migration with its SQL; raises CannotCheck for a command that only its tool can run."""
    if isinstance(migration, ExecutableMigration):
        return migration
    if not isinstance(migration.up, Script):
        raise CannotCheck(
            code="KFM-C20",
            message="No runner can execute this tool's migrations.",
            where=migration.up_path,
            help="Write the tool's commands to `[migrations.command]`.",
        )
    return ExecutableMigration(**_values(migration))


def recorded(migration: ToolMigration, *, up: Script, down: Script | None) -> ExecutableMigration:
    """Return a tool's migration with its recorded SQL."""
    return ExecutableMigration(**{**_values(migration), "up": up, "down": down})


def tool_migration(migration: Migration) -> ToolMigration:
    """Return a migration that its tool runs; raises TypeError for a script, which is a defect of the format."""
    if not isinstance(migration.up, Command):
        raise TypeError(f"{migration.id} is not run by a tool")
    return ToolMigration(**_values(migration))


def _values(migration: Migration) -> dict[str, Any]:
    return {item.name: getattr(migration, item.name) for item in fields(migration)}


@dataclass(frozen=True, slots=True, kw_only=True)
class ValidateResult:
    """The result of stage ``validate``."""

    linter: LinterIdentity | None
    """None: the linter was not asked."""


@dataclass(frozen=True, slots=True, kw_only=True)
class RunningServer:
    """The throwaway server, and the change that runs on it."""

    change: Change
    """With the SQL of the tool's own migrations as soon as it is recorded."""
    config: Config
    """The settings of the check: where a base is known, it decides most of them."""
    policy: Config
    """The same settings, for what decides about findings."""
    journal: Journal
    """Written before each attempt."""
    server: Server
    linter: LinterIdentity | None = None
    """Set where recorded SQL was checked by the linter."""

    @property
    def pending(self) -> tuple[Migration, ...]:
        """The new migrations, in plan order."""
        return self.change.new

    def note(self, event: str, **details: str) -> None:
        """Write an attempt or its outcome to the journal; names and outcomes, never SQL."""
        self.journal.note(event, **details)

    def connect(
        self, database: str, *, admin: bool = False, settings: Mapping[str, str] | None = None
    ) -> AbstractContextManager[Session]:
        """Open a session as migrations get it: as plain owner with the runner's time-outs; settings given here win.

        ``admin``: a session for kfm-ci's own statements instead, with no setting of the change.
        """
        if admin:
            return session.connect(self.server, database, admin=True, settings=settings)
        chosen = {**self.config.database.settings, **(settings or {})}
        chosen.setdefault("statement_timeout", str(self.policy.policy.statement_timeout))
        if self.change.native_format:
            chosen.setdefault("lock_timeout", str(self.policy.policy.lock_timeout))
        superuser = self.config.database.run_as == "superuser"
        return session.connect(self.server, database, superuser=superuser, settings=chosen)


@dataclass(frozen=True, slots=True, kw_only=True)
class BaseDatabase(RunningServer):
    """The database with the migrations of the base commit."""

    root: Path
    """The repository's directory, for dependencies that are installed next to its files."""
    commit: str
    """The commit of the head, for the ledger."""
    base_database: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Provisioned(BaseDatabase):
    """The result of stage ``provision``."""

    base_catalog: Catalog
    new: tuple[ExecutableMigration, ...]
    """The new migrations, in plan order; all of them SQL."""
    programs: tuple[ToolMigration, ...] = ()
    """The new migrations as their tool runs them; empty where our own runner does."""
    unrecorded: Mapping[str, Proof] = field(default_factory=dict)
    """By migration, the proof of a tool's rollback of which no SQL was recorded: it failed, or was not run."""

    def with_migrations(self, migrations: Mapping[str, ExecutableMigration]) -> Provisioned:
        """Return the same with some new migrations replaced, by id."""
        return replace(
            self,
            change=with_migrations(self.change, migrations),
            new=tuple(migrations.get(item.id, item) for item in self.new),
        )


def with_migrations(change: Change, migrations: Mapping[str, Migration]) -> Change:
    """Return a change with some migrations of the head replaced, by id."""
    order = tuple(migrations.get(item.id, item) for item in change.head.migrations)
    new = tuple(migrations.get(item.id, item) for item in change.new)
    return replace(change, head=replace(change.head, migrations=order), new=new)


@dataclass(frozen=True, slots=True, kw_only=True)
class DryRunResult:
    """The result of stage ``dry-run``."""

    unseeded: str
    """Database where the new migrations were applied without synthetic rows."""


@dataclass(frozen=True, slots=True, kw_only=True)
class MigrationRecord:
    """The evidence of one new migration from its apply."""

    apply: ApplyEvidence = ApplyEvidence()
    statements: tuple[StatementEvidence, ...] = ()
    schema_diff: SchemaDiff = SchemaDiff()
    before: State | None = None
    """None: it was not run."""
    after: State | None = None
    rows: RowEvidence = RowEvidence()
    """What it did to rows of existing tables."""
    rights: Rights = Rights()


@dataclass(frozen=True, slots=True, kw_only=True)
class ApplyProgress:
    """Evidence of stage ``apply``, also of one that ended early."""

    records: Mapping[str, MigrationRecord]
    """By id of the migration, in plan order."""
    seeding: Seeding | None
    """None: the base has no synthetic rows."""

    def is_applied(self, migration: Migration) -> bool:
        """Whether a new migration was applied."""
        record = self.records.get(migration.id)
        return record is not None and record.apply.outcome is Outcome.APPLIED


@dataclass(frozen=True, slots=True, kw_only=True)
class ApplyResult(ApplyProgress):
    """The result of stage ``apply``."""

    database: str
    """Where the new migrations were applied."""
    seeded_base: str
    """What it was cloned from: the base with synthetic rows; it has no connections."""
    catalog: Catalog
    """After the last migration that was applied."""
    tables: tuple[Table, ...] = ()
    """The changed tables and their neighbours."""
    unindexed: tuple[ForeignKey, ...] = ()
    """Foreign keys of the new migrations that no index serves at their end."""


@dataclass(frozen=True, slots=True, kw_only=True)
class RollbackResult:
    """The result of stage ``rollback``."""

    rollbacks: Mapping[str, RollbackEvidence]
    """By id of the migration."""
    provisioned: Provisioned
    """With down migrations that were recorded again."""


def current(done: Results) -> RunningServer | None:
    """Return the server with the latest SQL of the change; None when no server was started."""
    rolled_back = done.get(RollbackResult)
    return rolled_back.provisioned if rolled_back else done.get(RunningServer)


@dataclass(frozen=True, slots=True, kw_only=True)
class SmokeResult:
    """The result of stage ``smoke``."""

    tests: tuple[SmokeEvidence, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class ChecksumsResult:
    """The result of stage ``checksums``: paths with their digests."""

    plan: tuple[tuple[str, Digest], ...]
    """In plan order."""
    files: tuple[tuple[str, Digest], ...]
    """Every input, sorted by path."""
