from __future__ import annotations

from dataclasses import replace

import pytest
from evidence_samples import calm, dangerous, nothing_new, stages

from kfm_ci.assess import checklist
from kfm_ci.evidence.model import ApplyEvidence, Declared, Evidence
from kfm_ci.model import Acknowledgement, Finding, Hazard, Proof, Rollout, Severity, StageStatus, Strategy


def ticks(evidence: Evidence) -> list[bool]:
    return [item.done for item in checklist.assess(evidence)]


def with_finding(hazard: Hazard, acknowledged: bool = False) -> Evidence:
    reason = Acknowledgement(reason="known") if acknowledged else None
    finding = Finding(rule="r", hazard=hazard, severity=Severity.ERROR, message="m", acknowledged=reason)
    return replace(calm(), findings=(finding,))


def test_a_calm_change_is_done_in_all_eight_points() -> None:
    assert ticks(calm()) == [True] * 8


@pytest.mark.parametrize(
    ("hazard", "point"),
    [
        (Hazard.NAMING, 0),
        (Hazard.IMMUTABILITY, 0),
        (Hazard.HEADER, 1),
        (Hazard.UNDERSTATED_RISK, 1),
        (Hazard.BLOCKS_WRITES, 2),
        (Hazard.ROLLBACK_MISSING, 3),
        (Hazard.MIGRATION_ERROR, 4),
        (Hazard.COEXISTENCE, 5),
        (Hazard.FORBIDDEN_CONTENT, 6),
        (Hazard.TRACEABILITY, 7),
    ],
)
def test_an_error_unticks_its_point_alone(hazard: Hazard, point: int) -> None:
    assert ticks(with_finding(hazard)) == [number != point for number in range(8)]
    assert ticks(with_finding(hazard, acknowledged=True)) == [True] * 8


def test_what_was_not_checked_is_not_ticked() -> None:
    skipped = dict.fromkeys(("validate", "provision", "dry_run", "apply", "rollback", "smoke"), StageStatus.SKIPPED)
    unseen = replace(calm(), stages=stages(**skipped), smoke=())
    bare = tuple(
        replace(
            item,
            apply=replace(item.apply, outcome=type(item.apply.outcome)("not-run")),
            rollback=replace(item.rollback, proof=Proof.NOT_RUN),
        )
        for item in unseen.migrations
    )
    assert ticks(replace(unseen, migrations=bare)) == [False] * 8


def test_without_smoke_tests_it_was_not_applied_with_tests() -> None:
    items = checklist.assess(replace(calm(), smoke=()))
    assert not items[4].done and items[4].reason.startswith("applied, but there is no smoke test")


def test_a_window_needs_operational_steps() -> None:
    evidence = calm()
    declared = Declared(rollout=Rollout.WINDOW)
    silent = tuple(replace(item, declared=declared) for item in evidence.migrations)
    assert not checklist.assess(replace(evidence, format="flyway", migrations=silent))[7].done
    told = tuple(replace(item, declared=replace(declared, ops="stop the workers")) for item in silent)
    assert checklist.assess(replace(evidence, format="flyway", migrations=told))[7].done


def test_a_window_that_only_the_evidence_shows_needs_steps_in_our_own_format_too() -> None:
    assert not checklist.assess(dangerous())[7].done


def test_a_manual_way_back_is_documented_but_not_called_proven() -> None:
    evidence = calm()
    manual = tuple(
        replace(item, rollback=replace(item.rollback, strategy=Strategy.MANUAL, proof=Proof.NOT_RUN))
        for item in evidence.migrations
    )
    item = checklist.assess(replace(evidence, migrations=manual))[3]
    assert item.done and "not drilled" in item.reason


def test_nothing_new_has_no_checklist() -> None:
    assert checklist.assess(nothing_new()) == ()


def test_nothing_that_only_a_server_can_tell_is_ticked_when_none_ran() -> None:
    evidence = calm()
    unrun = tuple(replace(item, apply=ApplyEvidence(), statements=()) for item in evidence.migrations)
    ticked = [item.name for item in checklist.assess(replace(evidence, migrations=unrun)) if item.done]
    assert not {
        "Header complete and true",
        "Safe under load, or in a declared window",
        "Operational notes",
        "Applied to a throwaway database, with tests",
        "Staged as expand, migrate, contract",
    } & set(ticked)
