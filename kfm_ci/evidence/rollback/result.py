"""The drill of one migration: its step, and the evidence and findings so far."""

from __future__ import annotations

from collections.abc import Collection, Sequence
from dataclasses import dataclass, field, replace
from typing import assert_never

from kfm_ci.evidence.model import RollbackEvidence
from kfm_ci.evidence.rollback import location
from kfm_ci.evidence.rollback.model import DrillResult, DrillStep, DrillSubject
from kfm_ci.evidence.schema_diff import convert
from kfm_ci.evidence.statement_evidence import StatementEvidence
from kfm_ci.model import Finding, Hazard, Mode, Place, Proof, Severity
from kfm_ci.postgres.catalog import Difference
from kfm_ci.rule_info import RuleInfo
from kfm_ci.rules.header.rollback_missing import ROLLBACK_MISSING
from kfm_ci.rules.server.rollback import REAPPLY_DIFFERS, ROLLBACK_DATA_LOST, ROLLBACK_FAILED, ROLLBACK_SCHEMA_DIFFERS

_CAUSED_BY_LEFTOVERS = frozenset(
    rule.id for rule in (ROLLBACK_FAILED, ROLLBACK_SCHEMA_DIFFERS, ROLLBACK_DATA_LOST, REAPPLY_DIFFERS)
)
"""Rules whose findings can be caused by what a later rollback left behind."""


@dataclass(slots=True, kw_only=True)
class DrillCase:
    """The drill of one migration, until its result is built."""

    subject: DrillSubject
    native_format: bool
    step: DrillStep = DrillStep.PENDING
    changed_by_failure: Difference = field(default_factory=Difference)
    """For ``FAILED``: what differs from the schema after the up migration."""
    exempt: tuple[str, ...] = ()
    """Objects that the compensation does not restore, as the policy permits."""
    schema_restored: bool | None = None
    data_restored: bool | None = None
    difference: Difference = field(default_factory=Difference)
    messages: list[str] = field(default_factory=list)
    price: list[str] = field(default_factory=list)
    mode: Mode = Mode.TRANSACTION
    statements: tuple[StatementEvidence, ...] = ()
    findings: list[Finding] = field(default_factory=list)

    @property
    def is_applied(self) -> bool:
        """Whether the migration is applied in full."""
        match self.step:
            case DrillStep.PENDING | DrillStep.BLOCKED | DrillStep.REAPPLIED:
                return True
            case DrillStep.FAILED:
                return self.changed_by_failure.empty
            case DrillStep.ROLLED_BACK:
                return False
            case _:
                assert_never(self.step)

    @property
    def has_run(self) -> bool:
        """Whether the rollback was run, to its end or not."""
        return self.step not in {DrillStep.PENDING, DrillStep.BLOCKED}

    @property
    def has_rollback_finding(self) -> bool:
        """Whether a finding may be caused by leftovers of a later rollback."""
        return any(item.rule in _CAUSED_BY_LEFTOVERS for item in self.findings)

    def report(
        self,
        rule: RuleInfo,
        message: str,
        *,
        help: str,
        place: Place | None = None,
        names: Sequence[str] = (),
        hints: Collection[str] = (),
        severity: Severity | None = None,
    ) -> None:
        """Add a finding, and its message to the evidence; without a place, where the rollback names the objects."""
        self.messages.append(message)
        migration, script = self.subject.migration, self.subject.rollback_script
        if place is None and script is not None:
            place = location.locate(script, names, hints=hints)
        self.findings.append(
            rule.finding(
                message,
                help=help,
                place=place or Place(file=migration.up_path, line=1, column=1),
                migration=migration.id,
                severity=severity,
                native_format=self.native_format,
            )
        )

    def extend_finding(self, rule: RuleInfo, consequence: str) -> bool:
        """Append a consequence to the finding of a rule; return False when there is no such finding."""
        for number, item in enumerate(self.findings):
            if item.rule == rule.id:
                self.findings[number] = replace(item, message=f"{item.message} {consequence}")
                self.messages.append(consequence)
                return True
        return False

    def report_missing(self, message: str, *, help: str) -> None:
        """Report that there is no rollback to run."""
        place = Place(file=self.subject.migration.up_path, line=1, column=1)
        self.report(ROLLBACK_MISSING, message, help=help, place=place)

    def build_result(self, command: str | None) -> DrillResult:
        """Return evidence and findings; ``command`` is the shell command that rolls the migration back."""
        evidence = RollbackEvidence(
            strategy=self.subject.strategy,
            proof=self._proof(),
            schema_restored=self.schema_restored,
            data_restored=self.data_restored,
            message=" ".join(self.messages) or None,
            price=tuple(self.price),
            commands=(command,) if command else (),
            mode=self.mode,
            statements=self.statements,
            difference=convert(self.difference),
            idle=self.subject.is_empty,
        )
        return DrillResult(
            migration_id=self.subject.id, evidence=evidence, findings=tuple(self.findings), applied=self.is_applied
        )

    def _proof(self) -> Proof:
        """Return ``PROVEN`` only for a rollback that was run, compared and restores schema and rows."""
        unproven = any(
            item.hazard is Hazard.ROLLBACK_UNPROVEN and item.severity is Severity.ERROR for item in self.findings
        )
        if unproven:
            return Proof.FAILED
        was_run = self.step in {DrillStep.ROLLED_BACK, DrillStep.REAPPLIED}
        return Proof.PROVEN if was_run and self.schema_restored and self.data_restored else Proof.NOT_RUN
