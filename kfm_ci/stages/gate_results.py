"""The results of the gate's stages, as the evidence needs them."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from kfm_ci.analysis.change import Change
from kfm_ci.assess import unexecuted_statements
from kfm_ci.assess.unexecuted_statements import ExecutionRecord
from kfm_ci.evidence.statement_evidence import StatementEvidence
from kfm_ci.model import LinterIdentity, Outcome
from kfm_ci.stages.gate_input import GateInput
from kfm_ci.stages.results import ApplyProgress, MigrationRecord, RunningServer, ValidateResult, current
from kfm_ci.stages.stage import Results


@dataclass(frozen=True, slots=True)
class GateResults:
    """The results of the gate's stages, with the change as far as its SQL is known."""

    given: GateInput
    done: Results

    @property
    def change(self) -> Change:
        """The change, with the SQL that its tool was recorded to execute."""
        running = current(self.done)
        return running.change if running else self.given.change

    @property
    def records(self) -> Mapping[str, MigrationRecord]:
        """The evidence of the new migrations, by id."""
        progress = self.done.get(ApplyProgress)
        return progress.records if progress else {}

    @property
    def applied(self) -> frozenset[str]:
        """Ids of the applied migrations."""
        return frozenset(name for name, item in self.records.items() if item.apply.outcome is Outcome.APPLIED)

    @property
    def execution(self) -> ExecutionRecord:
        """The statements inside blocks and functions that the server ran."""
        return unexecuted_statements.record(self.evidence)

    @property
    def evidence(self) -> dict[str, tuple[StatementEvidence, ...]]:
        """The evidence of the statements of each up file, by path."""
        new = (item for item in self.change.new if item.id in self.records)
        return {item.up_path: self.records[item.id].statements for item in new}

    @property
    def linter(self) -> LinterIdentity | None:
        """The linter that was asked; None: none was."""
        running, validated = self.done.get(RunningServer), self.done.get(ValidateResult)
        return (running.linter if running else None) or (validated.linter if validated else None)
