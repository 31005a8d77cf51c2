"""The table of assessed risk, row by row."""

from __future__ import annotations

import pytest

from kfm_ci.assess.risk import assess, run_risk, understated
from kfm_ci.evidence.model import Assessed, Declared
from kfm_ci.model import Acknowledgement, Finding, Hazard, Risk, Rollout, Severity, Verdict


def finding(hazard: Hazard, severity: Severity = Severity.ERROR, verdict: Verdict = Verdict.FACT) -> Finding:
    return Finding(rule="some-rule", hazard=hazard, severity=severity, message="x", verdict=verdict)


HIGH = "data-loss breaks-clients coexistence data-dependent table-rewrite blocks-reads blocks-writes rollback-unproven"
MEDIUM = (
    "rollback-missing full-scan backfill timeout lock-order invalid-index not-repeatable transaction privilege "
    "session-state unanalysable"
)
WINDOW = {"blocks-reads", "blocks-writes", "table-rewrite", "full-scan", "backfill"}


@pytest.mark.parametrize("hazard", list(Hazard))
def test_each_hazard_has_the_risk_of_the_contract(hazard: Hazard) -> None:
    seen = assess([finding(hazard)])
    expected = "high" if hazard.value in HIGH.split() else "medium" if hazard.value in MEDIUM.split() else "low"
    assert (seen.risk.value, seen.rollout is Rollout.WINDOW) == (expected, hazard.value in WINDOW)
    assert bool(seen.reasons) is (expected != "low")


def test_what_does_not_stand_does_not_count() -> None:
    refuted = finding(Hazard.TABLE_REWRITE, verdict=Verdict.REFUTED)
    note = finding(Hazard.BLOCKS_READS, Severity.NOTE)
    silenced = Finding(
        rule="r",
        hazard=Hazard.DATA_LOSS,
        severity=Severity.ERROR,
        message="x",
        acknowledged=Acknowledgement(reason="y"),
    )
    assert assess([refuted, note, silenced]) == Assessed(risk=Risk.LOW, rollout=Rollout.SAFE)


def test_a_warning_counts_like_an_error() -> None:
    seen = assess([finding(Hazard.BLOCKS_WRITES, Severity.WARNING), finding(Hazard.TIMEOUT, Severity.WARNING)])
    assert (seen.risk, seen.rollout, seen.reasons[0][-6:]) == (Risk.HIGH, Rollout.WINDOW, ": high")


CLAIMS = [
    (Risk.LOW, None, "understated-risk", Severity.ERROR),
    (Risk.HIGH, None, "overstated-risk", Severity.NOTE),
    (Risk.MEDIUM, None, None, None),
    (None, Rollout.SAFE, "understated-risk", Severity.ERROR),
    (Risk.HIGH, Rollout.SAFE, "understated-risk", Severity.ERROR),
    (Risk.MEDIUM, Rollout.WINDOW, None, None),
    (None, None, None, None),
]


@pytest.mark.parametrize(("risk", "rollout", "rule", "severity"), CLAIMS)
def test_a_header_that_claims_less_is_an_error_and_more_a_note(
    risk: Risk | None, rollout: Rollout | None, rule: str | None, severity: Severity | None
) -> None:
    found = understated(Declared(risk=risk, rollout=rollout), [finding(Hazard.FULL_SCAN, Severity.ERROR)])
    assert (found.rule if found else None, found.severity if found else None) == (rule, severity)


def test_the_runs_risk_is_that_of_its_worst_migration() -> None:
    worst = Assessed(risk=Risk.HIGH, rollout=Rollout.SAFE, reasons=("high: data-loss",))
    assert run_risk({"2_drop": worst}) == (Risk.HIGH, ("high: data-loss",))
    assert run_risk({}) == (Risk.LOW, ())


def test_of_several_migrations_the_runs_risk_names_the_one_it_is_about() -> None:
    worst = Assessed(risk=Risk.HIGH, rollout=Rollout.SAFE, reasons=("high: data-loss",))
    several = {"1_add": Assessed(risk=Risk.LOW, rollout=Rollout.SAFE, reasons=("low: brief lock",)), "2_drop": worst}
    assert run_risk(several) == (Risk.HIGH, ("2_drop: high: data-loss",))


def test_each_claim_is_told_its_own_cause() -> None:
    seen = [finding(Hazard.DATA_DEPENDENT, Severity.ERROR), finding(Hazard.FULL_SCAN, Severity.ERROR)]
    found = understated(Declared(risk=Risk.HIGH, rollout=Rollout.SAFE), seen)
    assert found is not None and "because of full-scan" in found.message and "data-dependent" not in found.message
