"""The pipeline carries frozen input and results, of the gate and of any other run with the same types."""

from __future__ import annotations

from dataclasses import dataclass, field, replace
from pathlib import Path

import psycopg
import pytest

from kfm_ci.clock import SystemClock
from kfm_ci.errors import Cancelled, CannotCheck
from kfm_ci.evidence.journal import Journal
from kfm_ci.model import Finding, Hazard, Severity, StageStatus
from kfm_ci.stages.pipeline import execute
from kfm_ci.stages.stage import Failed, Results, Skip, Stage, StageOutcome, keeping


@dataclass(frozen=True)
class ReleaseInput:
    """What a release run is given, in place of the gate's input."""

    environment: str
    pending: tuple[str, ...]


@dataclass(frozen=True)
class Preflight:
    blockers: int


@dataclass(frozen=True)
class Promotion:
    applied: tuple[str, ...]


@dataclass(frozen=True)
class CheckTarget:
    name: str = "preflight"

    def run(self, given: ReleaseInput, done: Results) -> StageOutcome:
        return StageOutcome(result=Preflight(blockers=0), message=given.environment)


@dataclass(frozen=True)
class Promote:
    name: str = "apply"
    fails_at: str = ""
    error: Exception = field(
        default_factory=lambda: Failed("b failed", StageOutcome(findings=(finding("of the step"),)))
    )

    def run(self, given: ReleaseInput, done: Results) -> StageOutcome:
        done.need(Preflight, "the target was not checked")
        applied: list[str] = []
        with keeping(lambda: StageOutcome(result=Promotion(tuple(applied)), findings=(finding("of the stage"),))):
            for item in given.pending:
                if item == self.fails_at:
                    raise self.error
                applied.append(item)
        return StageOutcome(result=Promotion(tuple(applied)))


@dataclass(frozen=True)
class Raises:
    error: BaseException
    name: str = "raises"

    def run(self, given: ReleaseInput, done: Results) -> StageOutcome:
        raise self.error


@dataclass(frozen=True)
class Reports:
    outcome: StageOutcome
    name: str = "reports"

    def run(self, given: ReleaseInput, done: Results) -> StageOutcome:
        return self.outcome


def finding(message: str) -> Finding:
    return Finding(rule="a-rule", hazard=Hazard.DRIFT, severity=Severity.ERROR, message=message)


def run(tmp_path: Path, *stages: Stage[ReleaseInput], notices: tuple[Finding, ...] = ()) -> Results:
    given = ReleaseInput(environment="staging", pending=("a", "b", "c"))
    journal = Journal((tmp_path / "journal.jsonl").open("w"), SystemClock())
    try:
        return execute(stages, given, clock=SystemClock(), journal=journal, progress=lambda _: None, notices=notices)
    finally:
        journal.close()


def test_a_later_stage_gets_the_results_of_earlier_ones_by_type(tmp_path):
    done = run(tmp_path, CheckTarget(), Promote())
    assert done.get(Promotion) == Promotion(("a", "b", "c"))
    assert [item.status for item in done.stages] == [StageStatus.PASSED] * 2
    assert done.stages[0].message == "staging"


def test_a_stage_is_skipped_with_the_reason_when_the_stage_that_it_needs_failed(tmp_path):
    done = run(tmp_path, Raises(Failed("no target")), Promote())
    assert [(item.status, item.message) for item in done.stages] == [
        (StageStatus.FAILED, "no target"),
        (StageStatus.SKIPPED, "the target was not checked"),
    ]
    assert done.get(Promotion) is None and done.failure is None


@pytest.mark.parametrize(
    ("error", "status", "messages"),
    [
        (
            Failed("b failed", StageOutcome(findings=(finding("of the step"),))),
            StageStatus.FAILED,
            ["of the stage", "of the step"],
        ),
        (CannotCheck(code="KFM-C99", message="lost"), StageStatus.ERRORED, ["of the stage"]),
        (psycopg.OperationalError("closed"), StageStatus.ERRORED, ["of the stage"]),
    ],
    ids=["failed", "cannot-check", "server-lost"],
)
def test_a_stage_that_ends_early_keeps_its_result_and_its_findings(tmp_path, error, status, messages):
    done = run(tmp_path, CheckTarget(), Promote(fails_at="b", error=error))
    assert done.stages[-1].status is status
    assert done.get(Promotion) == Promotion(("a",))
    assert [item.message for item in done.findings] == messages


def test_findings_of_a_failed_step_are_kept_without_a_partial_result(tmp_path):
    done = run(tmp_path, Raises(Failed("refused", StageOutcome(findings=(finding("of the step"),)))))
    assert [item.message for item in done.findings] == ["of the step"]


def test_an_inner_end_is_merged_with_what_the_stage_has_found(tmp_path):
    with pytest.raises(Failed) as failed, keeping(lambda: StageOutcome(result=1, findings=(finding("outer"),))):
        raise Failed("inner failed", StageOutcome(result=2, findings=(finding("inner"),)))
    assert failed.value.outcome.result == 2
    assert [item.message for item in failed.value.outcome.findings] == ["outer", "inner"]


def test_a_later_finding_supersedes_an_earlier_one(tmp_path):
    suspicion, fact, notice = finding("suspected"), finding("fact"), finding("notice")
    first = Reports(StageOutcome(findings=(suspicion,)))
    second = Reports(StageOutcome(findings=(fact,), superseded=frozenset({suspicion})))
    assert run(tmp_path, first, second, notices=(notice,)).findings == (notice, fact)


def test_nothing_runs_after_a_cancellation(tmp_path):
    cancelled = Cancelled(code="KFM-X01", message="cancelled by a signal", signal_number=15)
    done = run(tmp_path, Raises(cancelled), CheckTarget())
    assert [item.status for item in done.stages] == [StageStatus.ERRORED, StageStatus.SKIPPED]
    assert done.failure is cancelled


def test_a_cancellation_counts_more_than_the_error_that_it_interrupts(tmp_path):
    cancelled = Cancelled(code="KFM-X01", message="cancelled by a signal", signal_number=15)
    done = run(tmp_path, Raises(CannotCheck(code="KFM-C99", message="lost")), Raises(cancelled))
    assert done.failure is cancelled


def test_the_first_error_is_the_failure_of_the_run(tmp_path):
    first, second = (CannotCheck(code="KFM-C99", message=text) for text in ("first", "second"))
    assert run(tmp_path, Raises(first), Raises(second)).failure is first


def test_a_defect_is_not_taken_for_a_result(tmp_path):
    with pytest.raises(ZeroDivisionError):
        run(tmp_path, Raises(ZeroDivisionError()))


def test_results_and_outcomes_are_frozen():
    done = Results()
    with pytest.raises(AttributeError):
        done.failure = None  # type: ignore[misc]
    assert replace(done, notices=(finding("x"),)).findings != done.findings


def test_a_skip_keeps_its_findings(tmp_path):
    done = run(tmp_path, Raises(Skip("nothing to do", StageOutcome(findings=(finding("kept"),)))))
    assert done.stages[0].status is StageStatus.SKIPPED
    assert [item.message for item in done.findings] == ["kept"]
