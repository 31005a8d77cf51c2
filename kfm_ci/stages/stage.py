"""The stage interface, shared by the gate and the release pipeline."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from typing import ClassVar, Protocol, TypeVar

from kfm_ci.errors import KfmError
from kfm_ci.evidence.model import StageEvidence
from kfm_ci.model import Finding, StageStatus
from kfm_ci.postgres.session import CONNECTION_ERRORS

Input = TypeVar("Input", contravariant=True)
Kind = TypeVar("Kind")


@dataclass(frozen=True, slots=True, kw_only=True)
class StageOutcome:
    """What a stage returns: its own result, its findings, and a message for the console."""

    result: object | None = None
    """A frozen value of a type that no other stage returns; later stages ask for it by that type."""
    findings: tuple[Finding, ...] = ()
    superseded: frozenset[Finding] = frozenset()
    """Findings of earlier stages that this one replaces by better ones."""
    message: str | None = None

    def followed_by(self, step: StageOutcome) -> StageOutcome:
        """Return the outcome of a stage and of its last step; the result of the step wins."""
        return StageOutcome(
            result=step.result or self.result,
            findings=(*self.findings, *step.findings),
            superseded=self.superseded | step.superseded,
        )


class EarlyEnd(Exception):
    """A stage ended early; the text is the reason in one line."""

    status: ClassVar[StageStatus]

    def __init__(self, reason: str, outcome: StageOutcome = StageOutcome()) -> None:
        """``outcome``: up to there, without a message."""
        super().__init__(reason)
        self.outcome = outcome


class Skip(EarlyEnd):
    """A stage has nothing to do, or a stage that it needs failed."""

    status = StageStatus.SKIPPED


class Failed(EarlyEnd):
    """A stage failed; its findings give the details."""

    status = StageStatus.FAILED


class Errored(EarlyEnd):
    """An error of kfm-ci ended a stage."""

    status = StageStatus.ERRORED

    def __init__(self, error: KfmError, outcome: StageOutcome) -> None:
        super().__init__(str(error), outcome)
        self.error = error


class ConnectionLost(EarlyEnd):
    """A lost connection ended a stage."""

    status = StageStatus.ERRORED

    def __init__(self, error: Exception, outcome: StageOutcome) -> None:
        super().__init__(str(error), outcome)
        self.error = error


@contextmanager
def keeping(outcome: Callable[[], StageOutcome]) -> Iterator[None]:
    """Add the outcome so far to what ends a stage early, so that its evidence is not lost."""
    try:
        yield
    except EarlyEnd as end:
        end.outcome = outcome().followed_by(end.outcome)
        raise
    except KfmError as error:
        raise Errored(error, outcome()) from error
    except CONNECTION_ERRORS as error:
        raise ConnectionLost(error, outcome()) from error


@dataclass(frozen=True, slots=True, kw_only=True)
class Results:
    """The frozen results of the stages that have ended, in order."""

    notices: tuple[Finding, ...] = ()
    """Findings from before the first stage."""
    stages: tuple[StageEvidence, ...] = ()
    outcomes: tuple[StageOutcome, ...] = ()
    failure: KfmError | None = None
    """The first error that ended a stage, or a cancellation."""

    @property
    def findings(self) -> tuple[Finding, ...]:
        """The findings of all stages, without those that a later stage superseded."""
        found = list(self.notices)
        for outcome in self.outcomes:
            found = [item for item in found if item not in outcome.superseded]
            found += outcome.findings
        return tuple(found)

    def get(self, kind: type[Kind]) -> Kind | None:
        """Return the latest result of a type, also of a stage that failed; None when there is none."""
        results = (outcome.result for outcome in reversed(self.outcomes))
        return next((result for result in results if isinstance(result, kind)), None)

    def need(self, kind: type[Kind], reason: str) -> Kind:
        """Return the latest result of a type; raises Skip with the reason when there is none."""
        result = self.get(kind)
        if result is None:
            raise Skip(reason)
        return result

    def status(self, stage: str) -> StageStatus | None:
        """Return the status of a stage; None when it has not run."""
        return next((item.status for item in self.stages if item.name == stage), None)


class Stage(Protocol[Input]):
    """One stage of a pipeline."""

    name: str

    def run(self, given: Input, done: Results) -> StageOutcome:
        """Return the outcome; raises EarlyEnd, a KfmError, or the error of a lost connection."""
        ...
