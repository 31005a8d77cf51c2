"""Everything that was observed in a run, as frozen values; what report and receipt are made from."""

from __future__ import annotations

from dataclasses import dataclass, field

from kfm_ci.evidence.statement_evidence import StatementEvidence
from kfm_ci.evidence.tables import Table
from kfm_ci.model import (
    Digest,
    Finding,
    LinterIdentity,
    Mode,
    Outcome,
    Phase,
    Proof,
    Result,
    Risk,
    Rollout,
    StageStatus,
    Strategy,
)


@dataclass(frozen=True, slots=True, kw_only=True)
class Declared:
    """What the author says of a migration."""

    risk: Risk | None = None
    rollout: Rollout | None = None
    rollback: Strategy | None = None
    owner: str | None = None
    ticket: str | None = None
    phase: Phase | None = None
    impact: str | None = None
    ops: str | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Assessed:
    """What the evidence says of a migration."""

    risk: Risk
    rollout: Rollout
    reasons: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class ApplyEvidence:
    """How applying went."""

    outcome: Outcome = Outcome.NOT_RUN
    mode: Mode = Mode.TRANSACTION
    duration_ms: float | None = None
    error: str | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class ObjectChange:
    """A database object whose definition changed."""

    name: str
    """Kind and identity, such as ``column public.widgets.colour``."""
    before: str
    after: str


@dataclass(frozen=True, slots=True, kw_only=True)
class SchemaDiff:
    """What a change did to the catalog, object by object; names are ``<kind> <identity>``."""

    added: tuple[str, ...] = ()
    changed: tuple[ObjectChange, ...] = ()
    removed: tuple[str, ...] = ()

    @property
    def empty(self) -> bool:
        """Whether nothing differs."""
        return not (self.added or self.changed or self.removed)


@dataclass(frozen=True, slots=True, kw_only=True)
class RollbackEvidence:
    """How the rollback drill went."""

    strategy: Strategy = Strategy.NONE
    proof: Proof = Proof.NOT_RUN
    schema_restored: bool | None = None
    data_restored: bool | None = None
    message: str | None = None
    price: tuple[str, ...] = ()
    """What rolling back loses, one sentence each."""
    commands: tuple[str, ...] = ()
    """What a release engineer runs for this one, when all later ones are rolled back."""
    mode: Mode = Mode.TRANSACTION
    """How the down migration ran."""
    statements: tuple[StatementEvidence, ...] = ()
    """The down, observed like the up."""
    difference: SchemaDiff = SchemaDiff()
    """What was not restored."""
    idle: bool = False
    """Whether the migration does nothing, such as one that joins two branches, so that nothing is to be rolled back."""


@dataclass(frozen=True, slots=True, kw_only=True)
class MigrationEvidence:
    """All that is known of one migration."""

    id: str
    new: bool
    up_path: str
    down_path: str | None
    up_sha256: Digest
    down_sha256: Digest | None
    declared: Declared = Declared()
    assessed: Assessed | None = None
    apply: ApplyEvidence = ApplyEvidence()
    statements: tuple[StatementEvidence, ...] = ()
    schema_diff: SchemaDiff = SchemaDiff()
    rollback: RollbackEvidence = RollbackEvidence()


@dataclass(frozen=True, slots=True, kw_only=True)
class StageEvidence:
    """How one stage ended."""

    name: str
    status: StageStatus
    duration_ms: float
    message: str | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class SmokeEvidence:
    """One smoke test's result."""

    name: str
    passed: bool
    message: str | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class SourceEvidence:
    """Which commit was judged against which."""

    git_sha: str | None = None
    base_sha: str | None = None
    tree_clean: bool | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class EngineEvidence:
    """Which server judged."""

    kind: str
    server_version: str
    detail: str | None = None
    """Where it came from, for the console."""


@dataclass(frozen=True, slots=True, kw_only=True)
class ChecklistItem:
    """One point of the definition of done."""

    name: str
    done: bool
    reason: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Seeding:
    """What synthetic rows the base's tables were given."""

    seed: int
    tables: tuple[tuple[str, int], ...] = ()
    """Name and number of rows."""
    unseeded: tuple[tuple[str, str], ...] = ()
    """Name and reason."""
    base_rows: tuple[tuple[str, int], ...] = ()
    """Tables that the base's own migrations filled: name and number of rows."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Evidence:
    """Frozen sum of a run."""

    result: Result
    exit_code: int
    tool_version: str
    source: SourceEvidence = SourceEvidence()
    format: str | None = None
    directory: str | None = None
    engine: EngineEvidence | None = None
    linter: LinterIdentity | None = None
    """None where it was not asked."""
    started_on: str = ""
    finished_on: str = ""
    stages: tuple[StageEvidence, ...] = ()
    risk: Risk = Risk.LOW
    risk_reasons: tuple[str, ...] = ()
    migrations: tuple[MigrationEvidence, ...] = ()
    findings: tuple[Finding, ...] = ()
    smoke: tuple[SmokeEvidence, ...] = ()
    plan: tuple[tuple[str, Digest], ...] = ()
    """Path and digest of every file, in plan order."""
    plan_sha256: Digest | None = None
    files: tuple[tuple[str, Digest], ...] = ()
    """Every input: migrations, configuration, smoke tests."""
    schema_before: Digest | None = None
    schema_after: Digest | None = None
    checklist: tuple[ChecklistItem, ...] = ()
    tables: tuple[Table, ...] = ()
    """Changed tables and their neighbours, after the change."""
    seeding: Seeding | None = None
    suppressed: dict[str, int] = field(default_factory=dict)
    """How many findings were acknowledged, refuted or switched off, by reason."""
    failure: str | None = None
    """Code and line of the error that ended the run early."""

    @property
    def new(self) -> tuple[MigrationEvidence, ...]:
        """The migrations that this change brings."""
        return tuple(migration for migration in self.migrations if migration.new)
