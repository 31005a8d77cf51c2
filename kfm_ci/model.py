"""Shared values: closed sets of the domain, digests, findings."""

from __future__ import annotations

import hashlib
import re
from dataclasses import dataclass
from enum import StrEnum
from typing import Self


class Severity(StrEnum):
    """Severity of a finding: an ``error`` fails the gate, the others inform."""

    ERROR = "error"
    WARNING = "warning"
    NOTE = "note"


class Verdict(StrEnum):
    """Certainty of a finding."""

    FACT = "fact"
    """Decided by the text, by git or by the server."""
    SUSPECTED = "suspected"
    """Suspected from the text, and not decided by a server."""
    CONFIRMED = "confirmed"
    """Suspected, and confirmed on the server."""
    REFUTED = "refuted"
    """Suspected, and refuted on the server. Never fails the gate."""


class Risk(StrEnum):
    """Assessed or declared risk."""

    LOW = "low"
    MEDIUM = "medium"
    HIGH = "high"

    @property
    def rank(self) -> int:
        """Return 0, 1 or 2 for comparison."""
        return list(Risk).index(self)


class Rollout(StrEnum):
    """Whether the change can run while the application is running."""

    SAFE = "safe"
    WINDOW = "requires-maintenance-window"


class Strategy(StrEnum):
    """Strategy for the rollback of a migration."""

    DOWN = "down"
    COMPENSATING = "compensating"
    MANUAL = "manual"
    NONE = "none"


class Phase(StrEnum):
    """Place of a migration in an expand → migrate → contract sequence."""

    EXPAND = "expand"
    MIGRATE = "migrate"
    CONTRACT = "contract"


class Mode(StrEnum):
    """Whether a file runs in one transaction, or statement by statement without one."""

    TRANSACTION = "transaction"
    AUTOCOMMIT = "autocommit"


class Resumption(StrEnum):
    """How a tool continues after a file has ended the tool's transaction."""

    BARE = "bare"
    """Each following statement commits separately."""
    NEW_TRANSACTION = "new-transaction"
    """The next statement starts a new transaction."""


class Outcome(StrEnum):
    """Outcome of a migration on the server."""

    APPLIED = "applied"
    FAILED = "failed"
    NOT_RUN = "not-run"


class Proof(StrEnum):
    """Whether the rollback was run and restored schema and data."""

    PROVEN = "proven"
    FAILED = "failed"
    NOT_RUN = "not-run"


class StageStatus(StrEnum):
    """Status of a stage."""

    PASSED = "passed"
    FAILED = "failed"
    SKIPPED = "skipped"
    ERRORED = "errored"


class Result(StrEnum):
    """Verdict of a whole run."""

    PASS = "pass"  # noqa: S105 - a verdict, not a password
    FAIL = "fail"
    ERROR = "error"


class Hazard(StrEnum):
    """The hazards of the contract."""

    NAMING = "naming"
    ORDER = "order"
    HEADER = "header"
    MANIFEST = "manifest"
    IMMUTABILITY = "immutability"
    TRACEABILITY = "traceability"
    FORBIDDEN_CONTENT = "forbidden-content"
    UNANALYSABLE = "unanalysable"
    BLOCKS_READS = "blocks-reads"
    BLOCKS_WRITES = "blocks-writes"
    TABLE_REWRITE = "table-rewrite"
    FULL_SCAN = "full-scan"
    DATA_LOSS = "data-loss"
    BREAKS_CLIENTS = "breaks-clients"
    DATA_DEPENDENT = "data-dependent"
    INVALID_INDEX = "invalid-index"
    TRANSACTION = "transaction"
    BACKFILL = "backfill"
    TIMEOUT = "timeout"
    LOCK_ORDER = "lock-order"
    PRIVILEGE = "privilege"
    SESSION_STATE = "session-state"
    MIGRATION_ERROR = "migration-error"
    SMOKE = "smoke"
    DRIFT = "drift"
    ROLLBACK_MISSING = "rollback-missing"
    ROLLBACK_UNPROVEN = "rollback-unproven"
    NOT_REPEATABLE = "not-repeatable"
    COEXISTENCE = "coexistence"
    UNDERSTATED_RISK = "understated-risk"


ROLLOUT_HAZARDS = frozenset(
    {
        Hazard.BLOCKS_READS,
        Hazard.BLOCKS_WRITES,
        Hazard.TABLE_REWRITE,
        Hazard.FULL_SCAN,
        Hazard.BACKFILL,
    }
)
"""Hazards marked R: an error unless the header says ``requires-maintenance-window``."""

HIGH_RISK_HAZARDS = frozenset(
    {
        Hazard.DATA_LOSS,
        Hazard.BREAKS_CLIENTS,
        Hazard.COEXISTENCE,
        Hazard.DATA_DEPENDENT,
        Hazard.TABLE_REWRITE,
        Hazard.BLOCKS_READS,
        Hazard.BLOCKS_WRITES,
        Hazard.ROLLBACK_UNPROVEN,
    }
)

MEDIUM_RISK_HAZARDS = frozenset(
    {
        Hazard.ROLLBACK_MISSING,
        Hazard.FULL_SCAN,
        Hazard.BACKFILL,
        Hazard.TIMEOUT,
        Hazard.LOCK_ORDER,
        Hazard.INVALID_INDEX,
        Hazard.NOT_REPEATABLE,
        Hazard.TRANSACTION,
        Hazard.PRIVILEGE,
        Hazard.SESSION_STATE,
        Hazard.UNANALYSABLE,
    }
)

WARNING_HAZARDS = frozenset({Hazard.UNANALYSABLE, Hazard.TIMEOUT, Hazard.LOCK_ORDER, Hazard.SESSION_STATE})
"""Hazards whose default severity is a warning; all others not marked R are errors."""


@dataclass(frozen=True, slots=True)
class Digest:
    """A sha256, as 64 lower-case hexadecimal digits."""

    hex: str

    def __post_init__(self) -> None:
        if not re.fullmatch(r"[0-9a-f]{64}", self.hex):
            raise ValueError(f"not a sha256 in hexadecimal: {self.hex[:80]!r}")

    @classmethod
    def of(cls, data: bytes) -> Self:
        """Return the digest of raw bytes; no newline or encoding clean-up."""
        return cls(hashlib.sha256(data).hexdigest())

    def __str__(self) -> str:
        return self.hex


@dataclass(frozen=True, slots=True, kw_only=True)
class Place:
    """A place in the repository; all numbers 1-based, columns in characters."""

    file: str | None = None
    """POSIX path relative to the repository's root."""
    line: int | None = None
    column: int | None = None
    end_line: int | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Acknowledgement:
    """A reason, visible to reviewers, that suppresses one hazard for one statement."""

    reason: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Finding:
    """One actual or possible problem: message, place and help."""

    rule: str
    """Slug of the rule or observation, such as ``index-not-concurrent``."""
    hazard: Hazard
    severity: Severity
    message: str
    """One sentence; never contains a secret or row data."""
    verdict: Verdict = Verdict.FACT
    place: Place = Place()
    migration: str | None = None
    """Id of the migration."""
    help: str | None = None
    """What to do, with the statement's own names."""
    docs: str | None = None
    """Address of the rule's page."""
    acknowledged: Acknowledgement | None = None

    @property
    def is_active(self) -> bool:
        """Whether it counts: neither refuted nor acknowledged."""
        return self.verdict is not Verdict.REFUTED and self.acknowledged is None

    @property
    def is_blocking(self) -> bool:
        """Whether it alone fails the gate."""
        return self.is_active and self.severity is Severity.ERROR


def rule_page(rule: str) -> str:
    """Return the address of the page that explains a rule or observation."""
    return f"https://github.com/kfm-ci/kfm-ci/blob/main/docs/rules/{rule}.md"


def default_severity(hazard: Hazard, *, rollout: Rollout | None = None, native_format: bool = True) -> Severity:
    """Return the severity the contract gives a hazard.

    ``rollout`` is what the migration's header declares (None counts as safe);
    ``native_format`` is True for format ``kfm``, which has more rules.
    """
    if hazard in ROLLOUT_HAZARDS:
        return Severity.WARNING if rollout is Rollout.WINDOW else Severity.ERROR
    if hazard in WARNING_HAZARDS:
        return Severity.WARNING
    if hazard in {Hazard.TRACEABILITY, Hazard.ROLLBACK_MISSING} and not native_format:
        return Severity.WARNING
    return Severity.ERROR


@dataclass(frozen=True, slots=True, kw_only=True)
class LinterIdentity:
    """The linter whose findings are included."""

    name: str
    version: str
    sha256: Digest
    """Digest of the linter's executable."""
