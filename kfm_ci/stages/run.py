"""What a stage is, and the workbench that the stages of one run share."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from contextlib import AbstractContextManager, ExitStack
from dataclasses import dataclass, field, replace
from pathlib import Path

from kfm_ci.analysis.change import Change
from kfm_ci.config import Config
from kfm_ci.errors import KfmError
from kfm_ci.evidence.journal import Journal
from kfm_ci.evidence.model import (
    ApplyEvidence,
    ChecklistItem,
    RollbackEvidence,
    SchemaDiff,
    Seeding,
    SmokeEvidence,
    StageEvidence,
    StatementEvidence,
)
from kfm_ci.evidence.rollback.model import State
from kfm_ci.evidence.table_statistics.model import Statistics
from kfm_ci.evidence.tables import ForeignKey, Table
from kfm_ci.migrations.model import Migration
from kfm_ci.model import Digest, Finding, LinterIdentity, Proof, StageStatus
from kfm_ci.postgres import session
from kfm_ci.postgres.catalog import Catalog
from kfm_ci.postgres.engines.base import Engine, Server
from kfm_ci.postgres.session import Session


@dataclass(slots=True, kw_only=True)
class MigrationRecord:
    """What was seen of one new migration."""

    apply: ApplyEvidence = ApplyEvidence()
    statements: tuple[StatementEvidence, ...] = ()
    schema_diff: SchemaDiff = SchemaDiff()
    rollback: RollbackEvidence = RollbackEvidence()
    before: State | None = None
    after: State | None = None


@dataclass(slots=True, kw_only=True)
class Run:
    """One run of the gate: what it is given, and what its stages have found so far."""

    change: Change
    config: Config
    policy: Config
    """Of the base commit in a pull request; its ``[policy]`` judges."""
    engine: Callable[[], Engine]
    resources: ExitStack
    """Closes the server at the end, whatever happens."""
    statistics: Statistics | None = None
    """Sizes of production's tables; of the base commit in a pull request, as the policy."""
    root: Path = Path()
    """Where the repository is, for the dependencies that are installed beside its files."""
    commit: str = ""
    smoke_files: tuple[str, ...] = ()
    settings_file: str | None = None
    """Where the settings were read; None: there are none."""
    server: Server | None = None
    base_database: str | None = None
    database: str | None = None
    """Where the new migrations were applied."""
    origin: str | None = None
    """What it was made from: the database, seeded, before the first new migration; nobody is connected to it."""
    unseeded: str | None = None
    """Where the dry run applied the new migrations: the same schema without synthetic rows."""
    seeding: Seeding | None = None
    base_catalog: Catalog | None = None
    final_catalog: Catalog | None = None
    findings: list[Finding] = field(default_factory=list)
    stages: list[StageEvidence] = field(default_factory=list)
    seen: dict[str, MigrationRecord] = field(default_factory=dict)
    smoke: list[SmokeEvidence] = field(default_factory=list)
    plan: tuple[tuple[str, Digest], ...] = ()
    files: tuple[tuple[str, Digest], ...] = ()
    checklist: tuple[ChecklistItem, ...] = ()
    tables: tuple[Table, ...] = ()
    unindexed: tuple[ForeignKey, ...] = ()
    """Foreign keys that came with the new migrations and that no index serves at their end."""
    adviser: LinterIdentity | None = None
    failure: KfmError | None = None
    unrecorded: dict[str, Proof] = field(default_factory=dict)
    """Ways back of a foreign tool of which nothing was recorded, by migration: they failed, or were not run."""
    programs: tuple[Migration, ...] = ()
    """The new migrations that a foreign tool has run, as it runs them; empty where our own runner does."""
    journal: Journal | None = None
    """Where attempts are noted before they are made."""

    def note(self, event: str, **fields: str) -> None:
        """Write to the journal what is attempted, or how it ended; names and outcomes, never SQL."""
        if self.journal is not None:
            self.journal.note(event, **fields)

    @property
    def new(self) -> tuple[Migration, ...]:
        """The migrations that are judged, in plan order."""
        return self.change.new

    def put(self, migrations: Mapping[str, Migration]) -> None:
        """Let migrations, by id, stand in the place of those that are judged so far."""
        new = tuple(migrations.get(item.id, item) for item in self.new)
        order = tuple(migrations.get(item.id, item) for item in self.change.head.migrations)
        self.change = replace(self.change, head=replace(self.change.head, migrations=order), new=new)

    def connect(
        self, database: str, *, admin: bool = False, settings: Mapping[str, str] | None = None
    ) -> AbstractContextManager[Session]:
        """Open a session as migrations get it: as plain owner with the runner's timeouts; settings given here win."""
        if self.server is None:
            raise RuntimeError("no server yet")
        chosen = {**self.config.database.settings, **(settings or {})}
        if not admin:
            chosen.setdefault("statement_timeout", str(self.policy.policy.statement_timeout))
            if self.change.house_format:
                chosen.setdefault("lock_timeout", str(self.policy.policy.lock_timeout))
        superuser = admin or self.config.database.run_as == "superuser"
        return session.connect(self.server, database, admin=superuser, settings=chosen)

    def status(self, stage: str) -> StageStatus | None:
        """Return how a stage ended; None when it has not run."""
        return next((item.status for item in self.stages if item.name == stage), None)
